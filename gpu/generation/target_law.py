"""The law that a target's logits stand for, at a temperature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch

from gpu.ops.verify.cuts import check_cuts, least_kept
from rdk_theory import validation
from rdk_theory.distributions import softmax


class Scores(NamedTuple):
    """Logits of the target ``(n, w, N)``, and what makes laws of them."""

    logits: torch.Tensor
    temperature: float
    """0 where the greatest logit, the first of several equal ones, has all mass."""
    top_k: int | None = None
    top_p: float | None = None


class TargetLaw(Protocol):
    """Turns logits of the target into what its own generation would draw from."""

    greedy: bool
    """Whether each law has all its mass on one token."""
    draft_temperature: float
    """Temperature of the drafter, positive."""

    def __call__(self, logits: torch.Tensor, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> Scores:
        """Scores of the tokens that follow.

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

    Of the logits only the `top_k` greatest stay, and of these the likeliest that reach `top_p`; ties with the last do.

    Raises
    ------
    ValueError
        Unless `temperature` is finite and at least 0, `top_k` at least 1, and `top_p` in (0, 1].
    """

    def __init__(self, temperature: float, top_k: int | None = None, top_p: float | None = None) -> None:
        check_cuts(top_k, top_p)
        self.top_k, self.top_p = top_k, top_p
        number = isinstance(temperature, int | float | np.floating) and not isinstance(temperature, bool)
        if not number or not 0 <= temperature < float("inf"):
            raise ValueError(f"temperature must be finite and at least 0, not {temperature!r}")
        self.temperature = float(temperature)
        self.greedy = temperature == 0
        # A greedy drafter names the likeliest token of its proposal, which is made at temperature 1.
        self.draft_temperature = self.temperature or 1.0

    def __call__(self, logits: torch.Tensor, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> Scores:
        """The logits as they are; the texts do not matter."""
        return Scores(logits, self.temperature, self.top_k, self.top_p)


def laws(scores: Scores) -> torch.Tensor:
    """The laws that scores stand for, float64."""
    if scores.temperature == 0:
        return greatest(scores.logits)
    return wide_softmax(cut(scores), scores.temperature)


def cut(scores: Scores) -> torch.Tensor:
    """The logits, −inf where they are cut off; as they are where nothing is."""
    logits = scores.logits
    heat = torch.full(logits.shape[:1], scores.temperature, dtype=torch.float64, device=logits.device)
    least = least_kept(logits, heat, scores.top_k, scores.top_p)
    return logits if least is None else torch.where(logits.float() < least[..., None], -torch.inf, logits)


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
