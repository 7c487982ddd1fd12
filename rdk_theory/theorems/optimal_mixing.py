"""``optimal-mixing``: the best weight is a bend of a concave polygon, found exactly by one sort or by selection."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from rdk_theory import mixing
from rdk_theory.theorems import _mixtures
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source

Bend = tuple[Any, Any]
"""A weight, and the fall of slope there."""


def _bends(source: Source) -> Instance:
    """Bends at distinct weights in some order, and the slope right of 0."""
    count = source.size(1, 8)
    falls = source.rational_distribution(count)
    places = [Fraction(int(i) + 1, count + 1) for i in source.kept(count, count)]
    return {"bends": list(zip(places, falls, strict=True)), "slope": Fraction(source.weight())}


def _middles(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
    """``f`` halfway between neighbouring bends."""
    edges = _mixtures.bends(p, q, r)
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    return np.array([np.minimum(p, (1 - w) * q + w * r).sum() / len(p) for w in middles])


def _chords(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Halfway between the values at neighbouring bends."""
    values = [_mixtures.value(p, q, r, w) for w in _mixtures.bends(p, q, r)]
    return np.array([(a + b) / 2 for a, b in pairwise(values)])


def _whole_chord(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    return (_mixtures.value(p, q, r, 0 * p[0, 0]) + _mixtures.value(p, q, r, 0 * p[0, 0] + 1)) / 2


def _reported(p: np.ndarray, q: np.ndarray, r: np.ndarray, share: Any = 1) -> np.ndarray:
    """The maximum that the package reports, and the value at the weight that it reports."""
    best = mixing.optimal_mixing(p, q, r)
    weight = best.weight * (share if p.dtype == object else float(share))
    return np.array([best.acceptance, np.minimum(p, (1 - weight) * q + weight * r).sum() / len(p)])


def _smallest_maximiser(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    best = _mixtures.best_by_trial(p, q, r)
    return next(w for w in _mixtures.bends(p, q, r) if _mixtures.value(p, q, r, w) == best)


def _by_selection(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    """The first bend after which the slope is not positive, by partition about a pivot: nothing is sorted."""
    bends, slope = [], Fraction(0)
    for a, b, c in zip(p.ravel(), q.ravel(), r.ravel(), strict=True):
        slope += c - b if b < a else min(c - b, 0) if b == a else 0
        if c != b and 0 < (a - b) / (c - b) < 1:
            bends.append(((a - b) / (c - b), abs(c - b)))
    found = 1 if slope > 0 else 0
    while bends and slope > 0:
        pivot = bends[len(bends) // 2][0]
        lower = [b for b in bends if b[0] < pivot]
        upper = [b for b in bends if b[0] > pivot]
        after_lower = slope - sum(fall for _, fall in lower)
        after_pivot = after_lower - sum(fall for at, fall in bends if at == pivot)
        if after_lower <= 0:
            bends = lower
        elif after_pivot <= 0:
            return pivot
        else:
            bends, slope = upper, after_pivot
    return found


def _mean_comparisons(bends: list[Bend], slope: Any) -> Any:
    """Comparisons of a bend with a pivot, averaged over every run that fair choices of pivots can take."""
    if not bends or slope <= 0:
        return Fraction(0)
    total = Fraction(0)
    for at, fall in bends:
        lower = [b for b in bends if b[0] < at]
        after_lower = slope - sum(f for _, f in lower)
        if after_lower <= 0:
            total += _mean_comparisons(lower, slope)
        elif after_lower > fall:
            total += _mean_comparisons([b for b in bends if b[0] > at], after_lower - fall)
    return len(bends) - 1 + total / len(bends)


CLAIM = Claim(
    id="optimal-mixing",
    title="The best mixing weight, exactly",
    section="C",
    statement=(
        r"\theta \mapsto \mathrm E\,\alpha(p, (1-\theta) q' + \theta r) \text{ is piecewise linear with bends at }"
        r" \tfrac{p_t - q'_t}{r_t - q'_t};\ \text{its smallest maximiser is 0, 1 or a bend, found by one sort, }"
        r" O(N \log N), \text{ or by selection, } O(N) \text{ expected}"
    ),
    clauses=(
        Clause(
            name="piecewise linear",
            kind=Kind.IDENTITY,
            statement=r"f \text{ is affine between neighbouring bends } (p_t - q'_t)/(r_t - q'_t)",
            build=_mixtures.contexts,
            stated=_middles,
            measured=_chords,
            controls=(Control("affine on [0, 1]", measured=_whole_chord),),
            grid_denominator=2,
        ),
        Clause(
            name="maximum",
            kind=Kind.IDENTITY,
            statement=(
                r"f(\hat\theta) = \max_\theta f(\theta) \text{ over } [0, 1]"
                r" = \max \text{ of } f \text{ over 0, 1 and the bends}"
            ),
            build=_mixtures.contexts,
            stated=_reported,
            measured=lambda p, q, r: np.array([_mixtures.best_by_trial(p, q, r)] * 2),
            controls=(
                Control("the better end", measured=lambda p, q, r: max(_mixtures.value(p, q, r, w) for w in (0, 1))),
                Control("at half of the weight", stated=lambda p, q, r: _reported(p, q, r, Fraction(1, 2))),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="smallest maximiser",
            kind=Kind.IDENTITY,
            statement=r"\hat\theta = \min \operatorname{argmax}_\theta f(\theta)",
            build=_mixtures.rational_contexts,
            stated=lambda p, q, r: mixing.optimal_mixing(p, q, r).weight,
            measured=_smallest_maximiser,
            controls=(
                Control(
                    "the largest weight that loses nothing",
                    stated=lambda p, q, r: mixing.optimal_mixing(p, q, r).safe_weight,
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="selection",
            kind=Kind.IDENTITY,
            statement=r"\text{selection of the bend at which the slope stops being positive gives } \hat\theta",
            build=_mixtures.rational_contexts,
            stated=lambda p, q, r: mixing.optimal_mixing(p, q, r).weight,
            measured=_by_selection,
            controls=(Control("the first bend", measured=lambda p, q, r: _mixtures.bends(p, q, r)[1]),),
            grid_denominator=2,
        ),
        Clause(
            name="selection is linear",
            kind=Kind.UPPER,
            statement=r"\text{comparisons expected for } n \text{ bends and fair pivots} \le 4n",
            build=_bends,
            stated=lambda bends, slope: Fraction(4 * len(bends)),
            measured=_mean_comparisons,
            controls=(Control("one pass", stated=lambda bends, slope: Fraction(len(bends) - 1)),),
            samples=60,
            grid_size=4,
        ),
    ),
    remarks=(
        "The package sorts; selection is the second road. Its cost is averaged exactly over all pivots, up to 8 bends.",
    ),
)
