"""`redistribute` in Triton: a look-up for rank one, and one tiled product for everything else."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.ops._common import block
from gpu.ops._triton import INTERPRETED, launch, tl, triton
from gpu.ops.redistribute.factors import Factors
from gpu.ops.verify.columns import Columns

LARGEST_BLOCK = 1024
ROWS, TOKENS, DEPTH = 16, 64, 32
"""Sizes of a tile of the product: rows of the batch, tokens, and terms added at a time; none may be below 16."""

TOP = 14
"""The largest weight of a row is scaled into ``[2^13, 2^14)``, where float16 has room below it."""

PARTS = {torch.float32: 1, torch.float16: 2, torch.bfloat16: 3}
"""Numbers of the matrix's width whose sum is a float32 weight to at least 22 bits."""


@triton.jit
def _mixed(  # type: ignore[no-untyped-def]
    draft, stride, position, weight, weight_step, prior, prior_step, out, size,
    MIXED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    token = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = token < size
    place = tl.load(position + token, mask=inside, other=-1)
    proposal = tl.load(draft + row * stride + place, mask=place >= 0, other=0.0).to(tl.float32)
    if MIXED:
        theta = tl.load(weight + row * weight_step)
        proposal = (1 - theta).to(tl.float32) * proposal
        proposal += theta.to(tl.float32) * tl.load(prior + row * prior_step + token, mask=inside, other=0.0)
    tl.store(out + row * size + token, proposal, mask=inside)


@triton.jit
def _product(  # type: ignore[no-untyped-def]
    weights, exponent, shift, matrix, term_stride, token_stride, out, batch, terms, size,
    PARTS: tl.constexpr, ROWS: tl.constexpr, TOKENS: tl.constexpr, DEPTH: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    """``out = 2^−exponent · weights @ matrix + shift``, where a shift is given not below 0.

    A float32 weight is taken apart into `PARTS` numbers of the matrix's width, which are multiplied one after the other
    with the same tile: the matrix is read once, and the products are exact.
    """
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    token = (tl.program_id(1) * TOKENS + tl.arange(0, TOKENS)).to(tl.int64)
    real_row, real_token = row < batch, token < size
    found = tl.zeros((ROWS, TOKENS), dtype=tl.float32)
    for start in range(0, terms, DEPTH):
        term = (start + tl.arange(0, DEPTH)).to(tl.int64)
        real_term = term < terms
        rest = tl.load(
            weights + row[:, None] * terms + term[None, :], mask=real_row[:, None] & real_term[None, :], other=0.0
        )
        tile = tl.load(
            matrix + term[:, None] * term_stride + token[None, :] * token_stride,
            mask=real_term[:, None] & real_token[None, :],
            other=0.0,
        )
        for _ in tl.static_range(PARTS):
            part = rest.to(tile.dtype)
            if WIDEN:
                found = tl.dot(part.to(tl.float32), tile.to(tl.float32), found, input_precision="ieee")
            else:
                found = tl.dot(part, tile, found, input_precision="ieee")
            rest -= part.to(tl.float32)
    found *= tl.exp2(-tl.load(exponent + row, mask=real_row, other=0.0))[:, None]
    if shift is not None:
        found = tl.maximum(found + tl.load(shift + row, mask=real_row, other=0.0)[:, None], 0.0)
    at = row[:, None] * size + token[None, :]
    tl.store(out + at, found, mask=real_row[:, None] & real_token[None, :])


def product(weights: Tensor, matrix: Tensor, shift: Tensor | None = None) -> Tensor:
    """``weights @ matrix + shift``, ``(B, N)``, for float32 ``(B, K)`` and ``(K, N)`` of any width and strides."""
    (batch, terms), size = weights.shape, matrix.shape[1]
    exponent = TOP - torch.frexp(weights.abs().amax(dim=-1)).exponent
    out = torch.empty((batch, size), dtype=torch.float32, device=weights.device)
    launch(
        _product,
        (-(-batch // ROWS), -(-size // TOKENS)),
        torch.ldexp(weights, exponent[:, None]).contiguous(),
        exponent.float(),
        shift,
        matrix,
        matrix.stride(0),
        matrix.stride(1),
        out,
        batch,
        terms,
        size,
        PARTS=PARTS[matrix.dtype],
        ROWS=ROWS,
        TOKENS=TOKENS,
        DEPTH=DEPTH,
        # The interpreter would multiply the bits of bfloat16 as integers; in float32 the products are the same numbers.
        WIDEN=INTERPRETED and matrix.dtype == torch.bfloat16,
    )
    return out


def proposal(draft: Tensor, kernel: Columns | Factors) -> Tensor:
    """Rows ``(B, K)`` to ``(B, N)``; see `redistribute`."""
    batch, size = draft.shape[0], kernel.vocab.size
    if isinstance(kernel, Factors):
        q = draft.float()
        return product(product(q, kernel.left), kernel.right.T, q.sum(dim=-1) / size)
    if kernel.kind == "low rank":
        # Factors of a first-order kernel have signs: nothing comes out below 0.
        return product(product(draft.float(), kernel.left), kernel.right.T, draft.new_zeros(batch, dtype=torch.float32))
    if kernel.kind == "dense":
        return product(draft.float() * kernel.scale, kernel.matrix.T)
    out = torch.empty((batch, size), dtype=torch.float32, device=draft.device)
    length = block(size, LARGEST_BLOCK)
    step, prior_step = kernel.steps
    launch(
        _mixed,
        (batch, -(-size // length)),
        draft,
        draft.stride(0),
        kernel.position,
        kernel.weight,
        step,
        kernel.prior,
        prior_step,
        out,
        size,
        MIXED=kernel.kind == "rank one",
        BLOCK=length,
    )
    return out
