"""The best weight for mixing a proposal with a prior, exactly: a concave piecewise-linear maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, is_exact, to_numpy
from rdk_theory._types import Real


@dataclass(frozen=True)
class Mixing:
    """A maximiser of ``f(θ) = E α(p, (1−θ) q' + θ r)`` on [0, 1], and the interval on which ``f ≥ f(0)``.

    Floats, or fractions where the arguments were rational.
    """

    weight: Any
    """The smallest maximiser."""
    acceptance: Any
    """``f(weight)``."""
    baseline: Any
    """``f(0)``."""
    slope: Any
    """``f'(0⁺)``; some weight beats the baseline iff it is positive."""
    safe_weight: Any
    """``θ_max``: the largest ``θ`` with ``f(θ) ≥ f(0)``."""


def optimal_mixing(
    target: Real[Array, "*contexts N"],
    draft: Real[Array, "*contexts N"],
    prior: Real[Array, "..."],
) -> Mixing:
    r"""Maximise :math:`f(\theta) = \mathrm E\,\alpha(p, (1-\theta) q' + \theta r)` over :math:`\theta \in [0, 1]`.

    Parameters
    ----------
    target, draft
        :math:`p` and :math:`q'` (embedded in the target vocabulary), one row per context; the mean over all
        rows is maximised.
    prior
        :math:`r`, of the same shape or a single row for all contexts.

    Returns
    -------
    Mixing
        Exact up to rounding of sums; rationals in, rationals out.

    Notes
    -----
    Each term :math:`\min(p_t, q'_t + \theta(r_t - q'_t))` is concave with one kink at
    :math:`(p_t - q'_t)/(r_t - q'_t)`. The slope just right of 0 is known in closed form (claim
    ``local-dominance``) and falls by :math:`|r_t - q'_t|` at each kink, so one sort of the kinks gives the
    whole function: :math:`O(CN \log CN)`.
    """
    validation.distribution("target", target)
    validation.distribution("draft", draft)
    validation.distribution("prior", prior)
    validation.same_library("target, draft and prior", target, draft, prior)
    validation.same_shape("draft", draft, tuple(target.shape))
    if prior.ndim > 1:
        validation.same_shape("prior", prior, tuple(target.shape))
    else:
        validation.vocabulary_axis("prior", prior, target.shape[-1])
    p, q, r = (to_numpy(double(x)) for x in (target, draft, prior))
    q, r = np.broadcast_arrays(q, r)
    contexts = int(np.prod(p.shape[:-1], dtype=int))
    kinks, drops, slope, start = _pieces(p, q, r)
    return _walk(kinks, drops, slope, start, contexts)


def _pieces(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any, Any]:
    """Kinks in (0, 1) with the fall of slope at each, the slope right of 0 and the value at 0, summed over contexts."""
    difference = r - q
    rising = difference > 0
    # A term has slope r − q' where the mixture is below p. Right of 0 that is: q' < p, or q' = p falling.
    active = (q < p) | ((q == p) & ~rising)
    slope = np.where(active, difference, difference - difference).sum()
    crosses = (rising & (p > q) & (p < r)) | (~rising & (p < q) & (p > r))
    gap, fall = (p - q)[crosses], difference[crosses]
    return gap / fall, np.abs(fall), slope, np.minimum(p, q).sum()


def _walk(kinks: np.ndarray, drops: np.ndarray, slope: Any, start: Any, contexts: int) -> Mixing:
    """Follow the concave polygon from 0 to 1, noting its top and where it comes back to its start."""
    exact = kinks.dtype == object or is_exact(np.asarray(slope))
    order = np.argsort(kinks, kind="stable")
    kinks, drops = kinks[order], drops[order]
    one = kinks.dtype.type(1) if not exact else 1
    edges = np.concatenate([np.asarray([one - one], kinks.dtype), kinks, np.asarray([one], kinks.dtype)])
    slopes = slope - np.concatenate([np.zeros(1, drops.dtype), np.cumsum(drops)])
    values = start + np.concatenate([np.zeros(1, slopes.dtype), np.cumsum(slopes * np.diff(edges))])
    top = int(np.argmax(values)) if (slopes > 0).any() else 0
    back = np.flatnonzero(values[top:] < start)
    if back.size == 0:
        safe = edges[-1]
    else:
        last = top + int(back[0]) - 1
        safe = edges[last] + (values[last] - start) / -slopes[last]
    number = (lambda x: x) if exact else float
    return Mixing(
        weight=number(edges[top]),
        acceptance=number(values[top] / contexts),
        baseline=number(start / contexts),
        slope=number(slope / contexts),
        safe_weight=number(safe),
    )
