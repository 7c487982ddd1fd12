"""``local-dominance``: a small weight on a redistribution wins iff the slope of acceptance at 0 is positive."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.mixing import optimal_mixing
from rdk_theory.theorems import _mixtures
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source


def _two_weights(source: Source) -> Instance:
    share = source.number(1) / 2 if source.exact else source.weight()
    return {**_mixtures.contexts(source, single=True), "low": source.weight(), "high": source.weight(), "share": share}


def _one_weight(source: Source) -> Instance:
    return {**_mixtures.contexts(source, rational=True, single=True), "weight": Fraction(source.weight())}


def _at(p: np.ndarray, q: np.ndarray, r: np.ndarray, low: Any, high: Any, share: Any) -> Any:
    return _mixtures.value(p, q, r, share * low + (1 - share) * high)


def _chord(p: np.ndarray, q: np.ndarray, r: np.ndarray, low: Any, high: Any, share: Any) -> Any:
    return share * _mixtures.value(p, q, r, low) + (1 - share) * _mixtures.value(p, q, r, high)


def _slope(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    r"""``E[Σ_{q'<p} (r − q') + Σ_{q'=p} min(0, r − q')]``."""
    gap = r - q
    return (np.where(q < p, gap, 0) + np.where(q == p, np.minimum(gap, 0), 0)).sum() / len(p)


def _some_weight_wins(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> bool:
    return bool(_mixtures.best_by_trial(p, q, r) > _mixtures.value(p, q, r, Fraction(0)))


def _some_weight_is_safe(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> bool:
    """Some positive weight loses nothing. A concave polygon that loses at its first bend has lost from the start."""
    start = _mixtures.value(p, q, r, Fraction(0))
    return any(_mixtures.value(p, q, r, w) >= start for w in _mixtures.bends(p, q, r)[1:])


def _no_loss(p: np.ndarray, q: np.ndarray, r: np.ndarray, weight: Fraction) -> bool:
    return bool(_mixtures.value(p, q, r, weight) >= _mixtures.value(p, q, r, Fraction(0)))


CLAIM = Claim(
    id="local-dominance",
    title="A small weight wins iff the slope at 0 is positive",
    section="C",
    statement=(
        r"f(\theta) = \mathrm E\,\alpha(p, (1-\theta) q' + \theta r) \text{ is concave, }"
        r" f'(0^+) = \mathrm E\Big[\sum_{q' < p} (r - q') + \sum_{q' = p} \min(0, r - q')\Big],"
        r"\ \exists\, \theta \in (0, 1]: f(\theta) > f(0) \iff f'(0^+) > 0,"
        r"\ \{\theta : f(\theta) \ge f(0)\} = [0, \theta_{\max}],\ \theta_{\max} > 0 \iff f'(0^+) \ge 0"
    ),
    clauses=(
        Clause(
            name="concave",
            kind=Kind.LOWER,
            statement=r"f(\lambda a + (1-\lambda) b) \ge \lambda f(a) + (1-\lambda) f(b)",
            build=_two_weights,
            stated=_chord,
            measured=_at,
            controls=(Control("convex", kind=Kind.UPPER), Control("affine", kind=Kind.IDENTITY)),
            grid_denominator=2,
        ),
        Clause(
            name="slope",
            kind=Kind.IDENTITY,
            statement=(
                r"f'(0^+) = \mathrm E\Big[\sum_{q' < p} (r - q') + \sum_{q' = p} \min(0, r - q')\Big],"
                r" \text{ as } \texttt{optimal\_mixing} \text{ reports it}"
            ),
            build=_mixtures.rational_contexts,
            stated=lambda p, q, r: np.array([_slope(p, q, r), optimal_mixing(p, q, r).slope]),
            measured=_mixtures.slope_by_trial,
            grid_denominator=2,
            controls=(
                Control(
                    "ties forgotten",
                    stated=lambda p, q, r: np.where(q < p, r - q, 0).sum() / len(p),
                ),
                Control(
                    "ties counted as under-covered",
                    stated=lambda p, q, r: np.where(q <= p, r - q, 0).sum() / len(p),
                ),
            ),
        ),
        Clause(
            name="iff the slope is positive",
            kind=Kind.IDENTITY,
            statement=r"\exists\, \theta \in (0, 1]: f(\theta) > f(0) \iff f'(0^+) > 0",
            build=_mixtures.rational_contexts,
            stated=lambda p, q, r: bool(_slope(p, q, r) > 0),
            measured=_some_weight_wins,
            controls=(
                Control("slope of at least 0 suffices", stated=lambda p, q, r: bool(_slope(p, q, r) >= 0)),
                Control(
                    "iff the whole weight wins",
                    measured=lambda p, q, r: bool(_mixtures.value(p, q, r, 1) > _mixtures.value(p, q, r, 0)),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="iff the slope is not negative",
            kind=Kind.IDENTITY,
            statement=r"\theta_{\max} > 0 \iff f'(0^+) \ge 0",
            build=_mixtures.rational_contexts,
            stated=lambda p, q, r: bool(_slope(p, q, r) >= 0),
            measured=_some_weight_is_safe,
            controls=(Control("only a positive slope is safe", stated=lambda p, q, r: bool(_slope(p, q, r) > 0)),),
            grid_denominator=2,
        ),
        Clause(
            name="interval",
            kind=Kind.IDENTITY,
            statement=r"f(\theta) \ge f(0) \iff \theta \le \theta_{\max}",
            build=_one_weight,
            stated=lambda p, q, r, weight: bool(weight <= optimal_mixing(p, q, r).safe_weight),
            measured=_no_loss,
            controls=(
                Control(
                    "up to the maximiser only",
                    stated=lambda p, q, r, weight: bool(weight <= optimal_mixing(p, q, r).weight),
                ),
                Control("every weight", stated=lambda p, q, r, weight: True),
            ),
            grid_denominator=2,
        ),
    ),
    remarks=(
        "r is any proposal with its own row for each context, so A may depend on the context.",
        "f is piecewise linear, which decides the boundary case: with slope exactly 0 no weight wins, but a positive "
        "weight loses nothing.",
    ),
)
