"""Verification token by token as a few operations of torch in float32: what one would write without a kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.ops.verify import Columns, Verified

PART = 1 << 28
"""Entries of a dense matrix that are widened at a time."""


def proposals(q: Tensor, columns: Columns) -> Tensor:
    """``q' M``, whole, ``(B, γ, K)`` to ``(B, γ, N)`` in float32; a matrix of 16 bits is widened part by part.

    A draft rounded to 16 bits would not do: ratios would be off by a thousandth.
    """
    if columns.kind == "low rank":
        return (q @ columns.left) @ columns.right.T
    if columns.kind == "dense":
        weights, step = q * columns.scale, max(1, PART // columns.matrix.shape[1])
        return torch.cat([weights @ part.float().T for part in columns.matrix.split(step)], dim=-1)
    out = q.new_zeros((*q.shape[:-1], columns.vocab.size))
    if columns.kind == "sparse":
        length, count = columns.starts.diff(), len(columns.places)
        token = torch.repeat_interleave(torch.arange(len(length), device=q.device), length, output_size=count)
        return out.index_add_(-1, token, q[..., columns.places.long()] * columns.entries)
    place = columns.position.long()
    out = torch.where(place >= 0, q[..., place.clamp(min=0)], 0.0)
    if columns.kind == "embedding":
        return out
    return (1 - columns.weight.float()) * out + columns.weight.float() * columns.prior


def verify(
    target_logits: Tensor,
    draft: Tensor,
    kernel: Columns,
    drafted: Tensor,
    accept_uniforms: Tensor,
    last_uniform: Tensor,
) -> Verified:
    """As `gpu.ops.verify.verify` without tries, of chains of full length at temperature 1, unchecked."""
    p = target_logits.float().softmax(dim=-1)
    r = proposals(draft.float().softmax(dim=-1), kernel)
    ids = drafted[..., None]
    ratio = p[:, :-1].gather(-1, ids)[..., 0] / r.gather(-1, ids)[..., 0]
    accepted = (accept_uniforms < ratio).long().cumprod(dim=-1).sum(dim=-1)
    row, gamma = torch.arange(len(accepted), device=p.device), drafted.shape[1]
    law, rejected = p[row, accepted], accepted < gamma
    minus = torch.where(rejected[:, None], r[row, accepted.clip(max=gamma - 1)], 0.0)
    cumulative = (law - minus).clip(min=0).cumsum(dim=-1)
    token = torch.searchsorted(cumulative, (last_uniform * cumulative[:, -1])[:, None], right=True)[:, 0]
    return Verified(
        accepted.int(),
        token.clip(max=law.shape[-1] - 1),
        ratio.clip(max=1),
        torch.zeros_like(accepted, dtype=torch.int32),
        rejected,
    )
