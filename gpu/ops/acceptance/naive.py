"""The specification of `acceptance`, in plain torch and float64."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.ops.verify.columns import Columns


def from_logits(target: Tensor, draft: Tensor, columns: Columns, heat: Tensor, draft_heat: Tensor) -> Tensor:
    """Rates of rows ``(B, N)`` and ``(B, K)``; see `acceptance`."""
    p = torch.softmax(target.double() / heat[:, None], dim=-1)
    q = torch.softmax(draft.double() / draft_heat[:, None], dim=-1)
    place = columns.position.long()
    proposal = torch.where(place >= 0, q[:, place.clamp(min=0)], 0.0)
    if columns.kind == "rank one":
        weight = columns.weight.reshape(-1, 1)
        proposal = (1 - weight) * proposal + weight * columns.prior.reshape(-1, columns.vocab.size).double()
    return from_probabilities(p, proposal)


def from_probabilities(target: Tensor, proposal: Tensor) -> Tensor:
    """Rates of rows ``(B, N)``; see `acceptance_rate`."""
    return torch.minimum(target.double(), proposal.double()).sum(dim=-1).clamp(max=1).float()
