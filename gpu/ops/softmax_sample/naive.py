"""The specification of `softmax_sample`, in plain torch and float64."""

from __future__ import annotations

import torch
from torch import Tensor


def sample(logits: Tensor, temperature: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Place, probability, maximum and log-sum for rows ``(B, K)``; see `softmax_sample`."""
    z = logits.double()
    top = z.amax(dim=-1)
    weight = torch.exp((z - top[:, None]) / temperature.double()[:, None])
    running = weight.cumsum(dim=-1)
    total = running[:, -1:]
    above = running > uniform.double()[:, None] * total
    # Rounding can put the threshold on the total itself; the last place with weight is then meant.
    place = (above | (running >= total)).int().argmax(dim=-1)
    probability = weight.gather(-1, place[:, None])[:, 0] / total[:, 0]
    return place, probability.float(), top.float(), total[:, 0].log().float()
