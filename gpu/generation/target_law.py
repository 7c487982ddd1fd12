"""The law that a target's logits stand for, at a temperature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from rdk_theory import validation
from rdk_theory.distributions import softmax


class TargetLaw(Protocol):
    """Turns logits of the target into the laws that its own generation would draw from."""

    greedy: bool
    """Whether each law has all its mass on one token."""
    draft_temperature: float
    """Temperature of the drafter, positive."""

    def __call__(self, logits: torch.Tensor, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Laws of the tokens that follow, float64.

        Parameters
        ----------
        logits
            Shape ``(n, w, N)``.
        rows
            Which prompt each of the `n` texts continues.
        texts
            The text before the last of the `w` laws: the law in place `i` follows it without its last
            ``w − 1 − i`` tokens.
        """
        ...


class Temperature:
    """Softmax at a temperature; at 0 the greatest logit, the first of several equal ones, has all mass.

    Raises
    ------
    ValueError
        Unless `temperature` is finite and at least 0.
    """

    def __init__(self, temperature: float) -> None:
        number = isinstance(temperature, int | float | np.floating) and not isinstance(temperature, bool)
        if not number or not 0 <= temperature < float("inf"):
            raise ValueError(f"temperature must be finite and at least 0, not {temperature!r}")
        self.temperature = float(temperature)
        self.greedy = temperature == 0
        # A greedy drafter names the likeliest token of its proposal, which is made at temperature 1.
        self.draft_temperature = self.temperature or 1.0

    def __call__(self, logits: torch.Tensor, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Laws of the shape of `logits`; the texts do not matter."""
        return greatest(logits) if self.greedy else wide_softmax(logits, self.temperature)


def greatest(scores: torch.Tensor) -> torch.Tensor:
    """All mass on the greatest score of each row, float64."""
    validation.logits("logits", scores)
    return certain(scores.float().argmax(dim=-1), scores.shape[-1])


def certain(tokens: torch.Tensor, size: int) -> torch.Tensor:
    """Laws with all mass on one token, float64: shape ``(…)`` to ``(…, size)``."""
    return torch.nn.functional.one_hot(tokens, size).double()


def wide_softmax(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """Softmax in float64, where what is drawn and what is verified cannot round apart."""
    out: torch.Tensor = softmax(logits.double(), temperature)
    return out
