"""``perfect-drafter``: a drafter that errs only by its missing tokens pays nothing for the mass it lacks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.theorems import _mixtures
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _perfect(source: Source) -> Instance:
    """``q' = p(·|I)`` with any cold mass below 1, any prior on cold tokens, any weight."""
    size = source.size(2, 6)
    kept = source.kept(size, 1, size - 1)
    cold = Vocabulary(size, kept).cold
    draft, cold_mass = source.distribution(len(kept)), source.open_weight()
    p = (1 - cold_mass) * _mixtures.whole(draft, kept, size)
    p[cold] = cold_mass * source.distribution(len(cold))
    prior = source.distribution_on(cold, size)
    return {"p": p, "draft": draft, "kept": kept, "prior": prior, "weight": source.weight()}


def _within_the_cold_mass(source: Source) -> Instance:
    """A weight up to ``p(C)``, and a prior that may reach kept tokens."""
    instance = _perfect(source)
    p, kept = instance["p"], instance["kept"]
    instance["weight"] = instance["weight"] * (1 - p[kept].sum())
    share = source.pick((0, 1)) * source.number(1) / 2
    instance["prior"] = (1 - share) * instance["prior"] + share * p[::-1]
    return instance


def _noisy(source: Source) -> Instance:
    """``q' = (1−ε) p(·|I) + ε ν`` with ``ε ≤ p(C)`` and a weight up to ``(p(C) − ε)/(1 − ε)``."""
    instance = _within_the_cold_mass(source)
    p, kept, draft = instance["p"], instance["kept"], instance["draft"]
    cold_mass = 1 - p[kept].sum()
    noise = cold_mass * (source.number(1) / 2 if source.exact else source.weight())
    instance["draft"] = (1 - noise) * draft + noise * source.distribution(len(draft))
    instance["weight"] = instance["weight"] / cold_mass * (cold_mass - noise) / (1 - noise)
    return instance


def _noisy_beyond(source: Source) -> Instance:
    """``p = (1−c, 0, c, 0)``, all noise on the second token, a prior on the cold token that is never emitted."""
    c, noise = source.open_weight(), source.open_weight()
    safe = (max(c, noise) - noise) / (1 - noise)
    weight = safe + (1 - safe) * source.open_weight()
    zero, one = 0 * c, 0 * c + 1
    return {
        "p": np.array([1 - c, zero, c, zero]),
        "draft": np.array([1 - noise, noise]),
        "kept": np.array([0, 1]),
        "prior": np.array([zero, zero, zero, one]),
        "weight": weight,
    }


def _won(p: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    cold = Vocabulary(len(p), kept).cold
    return np.minimum(p[cold], weight * prior[cold]).sum()


def _value(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    return min(p[kept].sum(), 1 - weight) + _won(p, kept, prior, weight)


def _free_value(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    return p[kept].sum() + _won(p, kept, prior, weight)


def _gain(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    now = _mixtures.cold_value(p, draft, kept, prior, weight)
    return now - _mixtures.cold_value(p, draft, kept, prior, 0 * weight)


def _is_perfect(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, **_: Any) -> bool:
    return bool((np.abs(draft * p[kept].sum() - p[kept]) <= 1e-15).all())


def _is_within(p: np.ndarray, kept: np.ndarray, weight: Any, **_: Any) -> bool:
    return bool(weight <= 1 - p[kept].sum() + (0 if p.dtype == object else 1e-15))


def _heavy() -> Instance:
    """All of the mass moved to a cold token that the target emits one time in four."""
    quarter, zero = Fraction(1, 4), Fraction(0)
    return {
        "p": np.array([3 * quarter, quarter]),
        "draft": np.array([4 * quarter]),
        "kept": np.array([0]),
        "prior": np.array([zero, 4 * quarter]),
        "weight": 4 * quarter,
    }


def _flawed() -> Instance:
    """A draft that under-covers the kept token that the target emits."""
    quarter, zero = Fraction(1, 4), Fraction(0)
    return {
        "p": np.array([2 * quarter, zero, 2 * quarter, zero]),
        "draft": np.array([quarter, 3 * quarter]),
        "kept": np.array([0, 1]),
        "prior": np.array([zero, zero, zero, 4 * quarter]),
        "weight": quarter,
    }


CLAIM = Claim(
    id="perfect-drafter",
    title="A drafter that errs only by its missing tokens",
    section="C",
    statement=(
        r"q' = p(\cdot \mid I): \quad \alpha(\theta) = \min(p(I), 1 - \theta) + \sum_C \min(p, \theta r)"
        r"\text{ for } r \text{ on } C;\ \alpha(\theta) = p(I) + \sum_C \min(p, \theta r) \ge \alpha(0)"
        r"\text{ for every prior and } \theta \le p(C);\ \theta = p(C) \text{ is best for every } r \text{ on } C."
        r"\quad q' = (1-\varepsilon) p(\cdot \mid I) + \varepsilon \nu:"
        r"\text{ every } \theta \le \tfrac{(p(C) - \varepsilon)_+}{1 - \varepsilon}"
        r"\text{ is free for all } \nu, r, \text{ and no larger weight is}"
    ),
    hypotheses=(
        Hypothesis("perfect on kept tokens", r"q' = p(\cdot \mid I)", _is_perfect, _flawed, "free weights"),
        Hypothesis("at most the cold mass", r"\theta \le p(C)", _is_within, _heavy, "free weights"),
    ),
    clauses=(
        Clause(
            name="value",
            kind=Kind.IDENTITY,
            statement=r"\alpha(\theta) = \min(p(I), 1 - \theta) + \sum_C \min(p, \theta r), \quad r \text{ on } C",
            build=_perfect,
            stated=_value,
            measured=_mixtures.cold_value,
            controls=(Control("kept tokens never pay", stated=_free_value),),
            grid_denominator=2,
        ),
        Clause(
            name="free weights",
            kind=Kind.IDENTITY,
            statement=(
                r"\theta \le p(C) \implies \alpha(\theta) - \alpha(0) = \sum_C \min(p, \theta r),"
                r" \quad r \in \Delta(T)"
            ),
            build=_within_the_cold_mass,
            stated=lambda p, draft, kept, prior, weight: _won(p, kept, prior, weight),
            measured=_gain,
            controls=(
                Control(
                    "the weight itself is won",
                    stated=lambda p, draft, kept, prior, weight: min(weight, 1 - p[kept].sum()),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="best weight",
            kind=Kind.IDENTITY,
            statement=r"\max_\theta \alpha(\theta) = \alpha(p(C)), \quad r \text{ on } C",
            build=_perfect,
            stated=lambda p, draft, kept, prior, weight: _value(p, draft, kept, prior, 1 - p[kept].sum()),
            measured=lambda p, draft, kept, prior, weight: _mixtures.best_by_trial(
                p, _mixtures.whole(draft, kept, len(p)), prior
            ),
            controls=(
                Control(
                    "half of the cold mass",
                    stated=lambda p, draft, kept, prior, weight: _value(p, draft, kept, prior, (1 - p[kept].sum()) / 2),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="free weights of a noisy drafter",
            kind=Kind.IDENTITY,
            statement=(
                r"q' = (1-\varepsilon) p(\cdot \mid I) + \varepsilon \nu,"
                r"\ \theta \le (p(C) - \varepsilon)/(1-\varepsilon)"
                r" \implies \alpha(\theta) = p(I) + \sum_C \min(p, \theta r)"
            ),
            build=_noisy,
            stated=_free_value,
            measured=_mixtures.cold_value,
            controls=(
                Control(
                    "noise is paid for",
                    stated=lambda p, draft, kept, prior, weight: (
                        _won(p, kept, prior, weight) + np.minimum(p[kept], (1 - weight) * p[kept]).sum()
                    ),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="no larger weight",
            kind=Kind.COUNTEREXAMPLE,
            statement=(
                r"\theta > \tfrac{(c - \varepsilon)_+}{1 - \varepsilon} \implies \alpha(\theta) < \alpha(0)"
                r"\text{ for some } p, \nu, r \text{ with } p(C) = c"
            ),
            build=_noisy_beyond,
            stated=lambda **x: _mixtures.kept_acceptance(x["p"], x["draft"], x["kept"]),
            measured=_mixtures.cold_value,
            controls=(
                Control(
                    "another prior",
                    measured=lambda p, draft, kept, prior, weight: _mixtures.cold_value(
                        p, draft, kept, np.roll(prior, -1), weight
                    ),
                ),
            ),
            grid_denominator=5,
        ),
    ),
    remarks=(
        "With q = p before pruning, p(C) is the drafter's own cold mass q(C): the rule of claim overshoot is "
        "then optimal.",
        "The passage: each unit of noise ε costs a unit of free weight; at ε ≥ p(C) no weight is free of risk.",
    ),
)
