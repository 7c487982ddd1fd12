"""A lower confidence bound on a mean, from a gambler who cannot win if the mean is as small as is claimed."""

from __future__ import annotations

import math

import numpy as np

from rdk_theory._types import Real
from rdk_theory.statistics import _checks

BOLD = 0.75
"""Share of the first capital that is staked whole each time: best where values vary little for their range."""

HALVINGS = 60
"""Steps of the search; what they leave open is below the rounding of floats."""


def bets(count: int, delta: float) -> tuple[np.ndarray, np.ndarray]:
    r"""Shares of the capital that are staked on each of `count` values, and how the first capital is split over them.

    Parameters
    ----------
    count
        Number of values, at least 1.
    delta
        Probability with which the bound may fail.

    Returns
    -------
    tuple
        Shares :math:`c_j = 2^{-j}`, ``(J + 1,)``, and weights :math:`w_j`, ``(J + 1,)``, which sum to 1.

    Notes
    -----
    The best share is about :math:`\sqrt{2 \ln(1/\delta) / n}\,(\mu - low)/\sigma`, and at most 1. Where the range is
    symmetric about the mean, :math:`\sigma \le \mu - low`; so the shares are halved until less than twice that root.
    They depend on `count` and `delta` alone, not on the values, which is what makes the bound valid; any others that
    do so would be valid as well.
    """
    _checks.count("count", count, 1)
    _checks.level("delta", delta)
    smallest = 2 * math.sqrt(2 * math.log(1 / delta) / count)
    steps = 0
    while 0.5**steps > smallest:
        steps += 1
    shares = 0.5 ** np.arange(steps + 1)
    weights = np.array([BOLD, *[(1 - BOLD) / steps] * steps]) if steps else np.ones(1)
    return shares, weights


def betting_bound(values: Real[np.ndarray, "n"], delta: float, low: float) -> float:
    r"""Lower bound on the mean of independent, identically distributed values that are never below `low`.

    Parameters
    ----------
    values
        :math:`X_1, …, X_n`, :math:`n \ge 1`.
    delta
        The bound exceeds the true mean :math:`\mu` with at most this probability.
    low
        No value is ever less: known beforehand and not read off the values. An upper end is not needed.

    Returns
    -------
    float
        :math:`\sup \{m : K(m) \ge 1/\delta\}`, rounded down, and `low` where that set is empty, with

        .. math:: K(m) = \sum_j w_j \prod_i \Big(1 - c_j + c_j \frac{X_i - low}{m - low}\Big)

        and the shares and weights of `bets`. It does not depend on the order of the values.

    Raises
    ------
    ValueError
        For no values, one below `low` or too far above it for floats, or a probability outside (0, 1).

    Notes
    -----
    At :math:`m = \mu` each factor has mean 1, so that :math:`E K(\mu) = 1`, and by Markov's inequality
    :math:`P[K(\mu) \ge 1/\delta] \le \delta`; :math:`K` falls as :math:`m` grows, so the bound exceeds :math:`\mu` in
    no other event (claim ``holdout-dominance``, with a proof in Coq). One share of 1 alone gives
    :math:`low + \delta^{1/n}` times the geometric mean of the :math:`X_i - low`; no valid bound is larger where all
    values are equal. Capital as evidence: Ville 1939; bounds on means by betting: Waudby-Smith & Ramdas 2024
    (2010.09686).
    """
    _checks.level("delta", delta)
    x = _checks.host_values("values", values)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"values of shape {x.shape} must be one-dimensional with at least one entry")
    if not -math.inf < low < math.inf:
        raise ValueError(f"low must be finite, not {low!r}")
    outside = np.flatnonzero(x < low)
    if outside.size:
        at = int(outside[0])
        raise ValueError(f"values of shape {x.shape} leaves [{low:g}, ∞) at index ({at},): {x[at]}")
    if not math.isfinite(float(x.max()) - low):
        raise ValueError(f"values of shape {x.shape} lie further above low ({low:g}) than floats reach")
    gaps = x - low
    shares, weights = bets(x.size, delta)
    below, above = 0.0, float(gaps.max())  # at `above` no factor exceeds 1
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        if not below < middle < above:
            break
        if _reaches(gaps, middle, shares, weights, delta):
            below = middle
        else:
            above = middle
    return max(low, math.nextafter(low + below, -math.inf)) if below else low


def _reaches(gaps: np.ndarray, mean: float, shares: np.ndarray, weights: np.ndarray, delta: float) -> bool:
    """Whether the capital against the mean ``low + mean`` is at least ``1/delta``, whatever rounding did to it."""
    with np.errstate(divide="ignore"):
        logs = np.log((1 - shares)[:, None] + shares[:, None] * (gaps / mean))
    capitals = logs.sum(axis=1) + np.log(weights)  # -inf: the whole capital was staked and lost
    top = capitals.max()
    if not math.isfinite(top):
        return False
    # Each factor has a few roundings and those of its logarithm; each sum has as many as it has terms.
    size = np.abs(logs[np.isfinite(capitals)]).sum(axis=1).max()
    error = np.finfo(np.float64).eps * (gaps.size + 8) * (8 + float(size))
    return bool(top + math.log(np.exp(capitals - top).sum()) >= math.log(1 / delta) + error)
