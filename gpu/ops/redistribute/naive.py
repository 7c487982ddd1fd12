"""The specification of `redistribute`, in plain torch and float64."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.ops.redistribute.factors import Factors
from gpu.ops.verify.columns import Columns


def proposal(draft: Tensor, kernel: Columns | Factors) -> Tensor:
    """Rows ``(B, K)`` to ``(B, N)``; see `redistribute`."""
    q = draft.double()
    if isinstance(kernel, Factors):
        even = q.sum(dim=-1, keepdim=True) / kernel.vocab.size
        return (even + q @ kernel.left.double() @ kernel.right.double().T).clamp(min=0).float()
    if kernel.kind == "low rank":
        return (q @ kernel.left.double() @ kernel.right.double().T).clip(min=0).float()
    if kernel.kind == "dense":
        return ((q * kernel.scale.double()) @ kernel.matrix.double().T).float()
    place = kernel.position.long()
    kept = torch.where(place >= 0, q[:, place.clamp(min=0)], 0.0)
    if kernel.kind == "embedding":
        return kept.float()
    weight = kernel.weight.reshape(-1, 1)
    return ((1 - weight) * kept + weight * kernel.prior.reshape(-1, kernel.vocab.size).double()).float()
