"""``finite-weight``: what a given weight wins for certain, and when the bound is exact."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.theorems import _mixtures
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _any_prior(source: Source, rational: bool = False) -> Instance:
    """As `cold_prior`, with a prior that may reach kept tokens too."""
    instance = _mixtures.cold_prior(source, rational)
    if source.pick((True, False)):
        instance["prior"] = (instance["prior"] + np.roll(instance["p"], 1)) / 2
    return instance


def _rational_any_prior(source: Source) -> Instance:
    return _any_prior(source, rational=True)


def _won(p: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    cold = Vocabulary(len(p), kept).cold
    return np.minimum(p[cold], weight * prior[cold]).sum()


def _paid(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, weight: Any) -> Any:
    return weight * (draft * ((1 - weight) * draft < p[kept])).sum()


def _bound(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    return _won(p, kept, prior, weight) - _paid(p, draft, kept, weight)


def _exact_gain(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    on_kept = p[kept]
    crossing = ((1 - weight) * draft < on_kept) & (on_kept < draft)
    return _bound(p, draft, kept, prior, weight) + ((draft - on_kept) * crossing).sum()


def _gain(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    now = _mixtures.cold_value(p, draft, kept, prior, weight)
    return now - _mixtures.cold_value(p, draft, kept, prior, 0 * weight)


def _no_slack(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> bool:
    under = (1 - weight) * draft < p[kept]
    return not bool((under & ((p[kept] < draft) | (weight * prior[kept] > 0))).any())


def _implied(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> bool:
    wins = _bound(p, draft, kept, prior, weight) > 0
    return bool(not wins or _gain(p, draft, kept, prior, weight) > 0)


def _win_against_the_bound(source: Source) -> Instance:
    """One kept token with ``p = 1 − x``, weight ``3x/2``: the bound is ``−x/2``, the gain ``x/2``."""
    x = source.open_weight() / 2
    return {
        "p": np.array([1 - x, x]),
        "draft": np.array([1 + 0 * x]),
        "kept": np.array([0]),
        "prior": np.array([0 * x, 1 + 0 * x]),
        "weight": 3 * x / 2,
    }


def _covered() -> Instance:
    half, zero = Fraction(1, 2), Fraction(0)
    return {
        "p": np.array([half, half]),
        "draft": np.array([2 * half]),
        "kept": np.array([0]),
        "prior": np.array([zero, 2 * half]),
        "weight": half,
    }


CLAIM = Claim(
    id="finite-weight",
    title="Dominance at a finite weight",
    section="C",
    statement=(
        r"\alpha(\theta) - \alpha(0) \ge \sum_C \min(p, \theta r) - \theta\, q'(\{(1-\theta) q' < p\})"
        r"\text{ for every prior } r;"
        r"\text{ equal iff no kept token has } (1-\theta) q' < p \text{ and } (p < q' \text{ or } \theta r > 0)"
    ),
    clauses=(
        Clause(
            name="gain",
            kind=Kind.IDENTITY,
            statement=(
                r"r \text{ on } C:\quad \alpha(\theta) - \alpha(0) = \sum_C \min(p, \theta r)"
                r" - \theta\, q'(\{(1-\theta) q' < p\}) + \sum_{(1-\theta) q' < p < q'} (q' - p)"
            ),
            build=_mixtures.cold_prior,
            stated=_exact_gain,
            measured=_gain,
            controls=(Control("the bound is the gain", stated=_bound),),
        ),
        Clause(
            name="bound",
            kind=Kind.TIGHT_LOWER,
            statement=r"\alpha(\theta) - \alpha(0) \ge \sum_C \min(p, \theta r) - \theta\, q'(\{(1-\theta) q' < p\})",
            build=_any_prior,
            stated=_bound,
            measured=_gain,
            controls=(
                Control(
                    "only tokens below p at weight 0 pay",
                    stated=lambda p, draft, kept, prior, weight: (
                        _won(p, kept, prior, weight) - weight * (draft * (draft < p[kept])).sum()
                    ),
                ),
            ),
            attained=_covered,
            grid_size=3,
            grid_denominator=2,
        ),
        Clause(
            name="equality",
            kind=Kind.IDENTITY,
            statement=(
                r"\text{equality iff no kept token has } (1-\theta) q' < p"
                r" \text{ and } (p < q' \text{ or } \theta r > 0)"
            ),
            build=_rational_any_prior,
            stated=_no_slack,
            measured=lambda **x: bool(_gain(**x) == _bound(**x)),
            controls=(
                Control(
                    "iff no kept token is crossed",
                    stated=lambda p, draft, kept, prior, weight: (
                        not bool((((1 - weight) * draft < p[kept]) & (p[kept] < draft)).any())
                    ),
                ),
                Control("iff the weight is 0", stated=lambda p, draft, kept, prior, weight: bool(weight == 0)),
            ),
            grid_size=3,
            grid_denominator=2,
        ),
        Clause(
            name="dominance",
            kind=Kind.IDENTITY,
            statement=(
                r"\sum_C \min(p, \theta r) > \theta\, q'(\{(1-\theta) q' < p\})"
                r" \implies \alpha(\theta) > \alpha(0)"
            ),
            build=_mixtures.rational_cold_prior,
            stated=lambda p, draft, kept, prior, weight: True,
            measured=_implied,
            controls=(
                Control(
                    "whenever the weight is positive",
                    measured=lambda **x: bool(x["weight"] == 0 or _gain(**x) > 0),
                ),
                Control(
                    "whenever anything cold is won",
                    measured=lambda p, draft, kept, prior, weight: bool(
                        _won(p, kept, prior, weight) == 0 or _gain(p, draft, kept, prior, weight) > 0
                    ),
                ),
            ),
            samples=400,
            grid_denominator=2,
        ),
        Clause(
            name="not necessary",
            kind=Kind.EXISTENCE,
            statement=r"\alpha(\theta) > \alpha(0) \text{ where the bound is negative}",
            build=_win_against_the_bound,
            stated=lambda **x: 0 * x["weight"] if _bound(**x) < 0 else 1 + x["weight"],
            measured=_gain,
            controls=(Control("by more than the slack", stated=lambda **x: -_bound(**x)),),
            samples=50,
            grid_denominator=5,
        ),
    ),
    remarks=(
        "The bound holds for priors that reach kept tokens as well; the exact gain is for priors on cold tokens.",
        "At θ = 0 no token is crossed, so θ = 0 needs no separate mention in the equality case.",
    ),
)
