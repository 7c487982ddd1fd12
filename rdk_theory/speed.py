"""Tokens a target call, and wall-clock speed-up, from an acceptance rate."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import is_array, namespace


def _draft_length(gamma: Any) -> None:
    if isinstance(gamma, bool) or not isinstance(gamma, int | np.integer) or gamma < 1:
        raise ValueError(f"gamma must be a positive integer, not {gamma!r}")


def expected_tokens(alpha: Any, gamma: int) -> Any:
    r"""Expected tokens per target call, :math:`\sum_{k=0}^{\gamma} \alpha^k = (1-\alpha^{\gamma+1})/(1-\alpha)`.

    Parameters
    ----------
    alpha
        Acceptance rate in [0, 1]: a number or an array.
    gamma
        Draft length :math:`\gamma \ge 1`.

    Notes
    -----
    Counts the accepted tokens and the one that the target adds; holds when each draft token is accepted
    with the same probability independently (Leviathan et al. 2211.17192). Summed as a series, so
    :math:`\alpha = 1` is no special case.
    """
    validation.probability("alpha", alpha)
    _draft_length(gamma)
    if is_array(alpha):
        alpha = namespace(alpha).asarray(alpha)
    total = alpha * 0 + 1
    for _ in range(gamma):
        total = total * alpha + 1
    return total


def speedup(alpha: Any, gamma: int, draft_cost: Any) -> Any:
    r"""Speed-up over plain decoding, :math:`\frac{1-\alpha^{\gamma+1}}{(1-\alpha)(\gamma c + 1)}`.

    Parameters
    ----------
    alpha, gamma
        As in `expected_tokens`.
    draft_cost
        :math:`c \ge 0`: time of one draft step over time of one target step.

    Notes
    -----
    Some :math:`\gamma` gives a speed-up above 1 iff :math:`\alpha > c`, and then :math:`\gamma = 1` does
    (claim ``walltime``).
    """
    _cost(draft_cost)
    return expected_tokens(alpha, gamma) / (gamma * draft_cost + 1)


def _cost(draft_cost: Any) -> None:
    if is_array(draft_cost):
        validation.non_negative("draft_cost", draft_cost)
        return
    number = isinstance(draft_cost, int | float | Fraction) and not isinstance(draft_cost, bool)
    if not number or not 0 <= draft_cost < float("inf"):
        raise ValueError(f"draft_cost must be finite and at least 0, not {draft_cost!r}")


def best_draft_length(alpha: float | Fraction, draft_cost: float | Fraction, longest: int = 64) -> int:
    """The ``γ ≤ longest`` with the largest `speedup`; 0 where none exceeds 1 (decode without drafts)."""
    _draft_length(longest)
    gains: list[Any] = [1.0, *(speedup(alpha, gamma, draft_cost) for gamma in range(1, longest + 1))]
    return int(np.argmax(gains))


def best_kept_size(
    acceptance: Callable[[int], Any], cost: Callable[[int], Any], sizes: list[int], longest: int = 64
) -> tuple[int, int, Any]:
    """Kept size, draft length and speed-up that are best for an acceptance curve and a cost curve ``c(K)``."""
    if not sizes:
        raise ValueError("sizes is empty")
    best = (sizes[0], 0, 1.0)
    for size in sizes:
        alpha, c = acceptance(size), cost(size)
        gamma = best_draft_length(alpha, c, longest)
        if gamma and (gain := speedup(alpha, gamma, c)) > best[2]:
            best = (size, gamma, gain)
    return best
