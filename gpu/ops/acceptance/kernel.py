"""`acceptance` in Triton: one program a row; neither the target's law nor the proposal is written to memory."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.ops._common import block
from gpu.ops._triton import launch, tl, triton
from gpu.ops.softmax_sample.kernel import softmax_moments
from gpu.ops.verify.columns import Columns

LARGEST_BLOCK = 4096


@triton.jit
def _from_logits(  # type: ignore[no-untyped-def]
    target,
    target_stride,
    draft,
    draft_stride,
    heat,
    draft_heat,
    position,
    weight,
    weight_step,
    prior,
    prior_step,
    rates,
    size,
    kept,
    MIXED: tl.constexpr,
    BLOCK: tl.constexpr,
    DRAFT_BLOCK: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    target_line, draft_line = target + row * target_stride, draft + row * draft_stride
    target_temperature, draft_temperature = tl.load(heat + row), tl.load(draft_heat + row)
    top, total = softmax_moments(target_line, size, target_temperature, BLOCK)
    draft_top, draft_total = softmax_moments(draft_line, kept, draft_temperature, DRAFT_BLOCK)
    scale, draft_scale = (1 / total).to(tl.float32), (1 / draft_total).to(tl.float32)
    if MIXED:
        theta = tl.load(weight + row * weight_step).to(tl.float32)
        draft_scale *= (1 - tl.load(weight + row * weight_step)).to(tl.float32)
    rate = tl.full((), 0.0, tl.float64)
    for start in range(0, size, BLOCK):
        at = start + tl.arange(0, BLOCK)
        inside = at < size
        z = tl.load(target_line + at, mask=inside, other=float("-inf")).to(tl.float32)
        place = tl.load(position + at, mask=inside, other=-1)
        y = tl.load(draft_line + place, mask=place >= 0, other=float("-inf")).to(tl.float32)
        proposal = draft_scale * tl.exp((y - draft_top) / draft_temperature)
        if MIXED:
            proposal += theta * tl.load(prior + row * prior_step + at, mask=inside, other=0.0)
        rate += tl.sum(tl.minimum(scale * tl.exp((z - top) / target_temperature), proposal), 0).to(tl.float64)
    tl.store(rates + row, tl.minimum(rate.to(tl.float32), 1.0))


@triton.jit
def _from_probabilities(  # type: ignore[no-untyped-def]
    target, target_stride, proposal, proposal_stride, rates, size, BLOCK: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    rate = tl.full((), 0.0, tl.float64)
    for start in range(0, size, BLOCK):
        at = start + tl.arange(0, BLOCK)
        p = tl.load(target + row * target_stride + at, mask=at < size, other=0.0).to(tl.float32)
        r = tl.load(proposal + row * proposal_stride + at, mask=at < size, other=0.0).to(tl.float32)
        rate += tl.sum(tl.minimum(p, r), 0).to(tl.float64)
    tl.store(rates + row, tl.minimum(rate.to(tl.float32), 1.0))


def from_logits(target: Tensor, draft: Tensor, columns: Columns, heat: Tensor, draft_heat: Tensor) -> Tensor:
    """Rates of rows ``(B, N)`` and ``(B, K)``; see `acceptance`."""
    (rows, size), kept = target.shape, draft.shape[-1]
    rates = torch.empty(rows, dtype=torch.float32, device=target.device)
    step, prior_step = columns.steps
    launch(
        _from_logits,
        (rows,),
        target,
        target.stride(0),
        draft,
        draft.stride(0),
        heat.float(),
        draft_heat.float(),
        columns.position,
        columns.weight,
        step,
        columns.prior,
        prior_step,
        rates,
        size,
        kept,
        MIXED=columns.kind == "rank one",
        BLOCK=block(size, LARGEST_BLOCK),
        DRAFT_BLOCK=block(kept, LARGEST_BLOCK),
    )
    return rates


def from_probabilities(target: Tensor, proposal: Tensor) -> Tensor:
    """Rates of rows ``(B, N)``; see `acceptance_rate`."""
    rows, size = target.shape
    rates = torch.empty(rows, dtype=torch.float32, device=target.device)
    launch(
        _from_probabilities,
        (rows,),
        target,
        target.stride(0),
        proposal,
        proposal.stride(0),
        rates,
        size,
        BLOCK=block(size, LARGEST_BLOCK),
    )
    return rates
