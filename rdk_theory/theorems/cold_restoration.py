"""``cold-restoration``: a small weight on cold tokens beats TLI unless too much of it is wasted."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.theorems import _mixtures
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _without_weight(source: Source) -> Instance:
    instance = _mixtures.rational_cold_prior(source)
    del instance["weight"]
    return instance


def _useful(source: Source) -> Instance:
    """A prior that lives where the target has mass: the target is mixed with it."""
    instance = _without_weight(source)
    instance["p"] = (instance["p"] + instance["prior"]) / 2
    return instance


def _at_the_ceiling(source: Source) -> Instance:
    """A draft that covers the target on every kept token, so that TLI attains ``p(I)``."""
    instance = _without_weight(source)
    on_kept = instance["p"][instance["kept"]]
    instance["draft"] = on_kept + (1 - on_kept.sum()) * instance["draft"]
    return instance


def _margin(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    r"""``q'({q' > p}) − w``."""
    over = draft > p[kept]
    return (draft * over).sum() - (prior * (p == 0)).sum()


def _slope_by_trial(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    return _mixtures.slope_by_trial(p, _mixtures.whole(draft, kept, len(p)), prior)


def _best(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    return _mixtures.best_by_trial(p, _mixtures.whole(draft, kept, len(p)), prior)


def _beats_tli(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> bool:
    return bool(_best(p, draft, kept, prior) > _mixtures.cold_value(p, draft, kept, prior, Fraction(0)))


def _passes_the_ceiling(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> bool:
    return bool(_best(p, draft, kept, prior) > sum(p[t] for t in kept))


def _upper(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    mass = p[kept].sum()
    useful = (prior * (p > 0)).sum()
    return min(mass, 1 - weight) + min(1 - mass, weight * useful)


def _above_the_ceiling(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    cold = Vocabulary(len(p), kept).cold
    won = np.minimum(p[cold], weight * prior[cold]).sum()
    return won - np.maximum(p[kept] - (1 - weight) * draft, 0).sum()


def _above_by_trial(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    return _mixtures.cold_value(p, draft, kept, prior, weight) - sum(p[t] for t in kept)


def _wasted() -> Instance:
    """All of the prior on a cold token that the target never emits."""
    half, zero = Fraction(1, 2), Fraction(0)
    return {
        "p": np.array([half, zero, half]),
        "draft": np.array([2 * half]),
        "kept": np.array([0]),
        "prior": np.array([zero, 2 * half, zero]),
    }


def _perfect() -> Instance:
    """Draft ``p(·|I)`` and prior ``p(·|C)``."""
    half, zero = Fraction(1, 2), Fraction(0)
    return {
        "p": np.array([half, half, half, half]) / 2,
        "draft": np.array([half, half]),
        "kept": np.array([0, 1]),
        "prior": np.array([zero, zero, half, half]),
    }


CLAIM = Claim(
    id="cold-restoration",
    title="A little mass on cold tokens beats TLI",
    section="C",
    statement=(
        r"r \text{ on cold tokens, } w = r(\{p = 0\}): \quad f'(0^+) = q'(\{q' > p\}) - w;"
        r"\quad \exists\, \theta: \alpha(\theta) > \alpha(0) \iff w < q'(\{q' > p\});"
        r"\quad \alpha(\theta) \le \min(p(I), 1 - \theta) + \min(p(C), \theta (1 - w))"
    ),
    hypotheses=(
        Hypothesis(
            "no waste",
            r"r(\{p = 0\}) = 0",
            lambda p, draft, kept, prior: bool((prior[p == 0] == 0).all()),
            _wasted,
            "always wins",
        ),
    ),
    clauses=(
        Clause(
            name="slope",
            kind=Kind.IDENTITY,
            statement=r"f'(0^+) = q'(\{q' > p\}) - r(\{p = 0\})",
            build=_without_weight,
            stated=_margin,
            measured=_slope_by_trial,
            controls=(
                Control(
                    "waste costs nothing",
                    stated=lambda p, draft, kept, prior: (draft * (draft > p[kept])).sum(),
                ),
            ),
        ),
        Clause(
            name="always wins",
            kind=Kind.EXISTENCE,
            statement=r"r(\{p = 0\}) = 0 \implies f'(0^+) = q'(\{q' > p\}) > 0",
            build=_useful,
            stated=lambda p, draft, kept, prior: 0 * p[0],
            measured=_slope_by_trial,
            controls=(
                Control(
                    "with slope at least the cold mass",
                    stated=lambda p, draft, kept, prior: 1 - p[kept].sum(),
                ),
            ),
            tolerance=0.0,
        ),
        Clause(
            name="criterion",
            kind=Kind.IDENTITY,
            statement=r"\exists\, \theta: \alpha(\theta) > \alpha(0) \iff w < q'(\{q' > p\})",
            build=_without_weight,
            stated=lambda p, draft, kept, prior: bool(_margin(p, draft, kept, prior) > 0),
            measured=_beats_tli,
            controls=(
                Control("iff the target has cold mass", stated=lambda p, draft, kept, prior: bool(p[kept].sum() < 1)),
                Control(
                    "with equality", stated=lambda p, draft, kept, prior: bool(_margin(p, draft, kept, prior) >= 0)
                ),
            ),
            samples=400,
        ),
        Clause(
            name="above the ceiling",
            kind=Kind.IDENTITY,
            statement=r"\alpha(\theta) - p(I) = \sum_C \min(p, \theta r) - \sum_I (p - (1 - \theta) q')_+",
            build=_mixtures.cold_prior,
            stated=_above_the_ceiling,
            measured=_above_by_trial,
            controls=(
                Control(
                    "the draft keeps its mass",
                    stated=lambda p, draft, kept, prior, weight: (
                        _above_the_ceiling(p, draft, kept, prior, weight)
                        + np.maximum(p[kept] - (1 - weight) * draft, 0).sum()
                        - np.maximum(p[kept] - draft, 0).sum()
                    ),
                ),
            ),
        ),
        Clause(
            name="ceiling passed",
            kind=Kind.IDENTITY,
            statement=(
                r"q' \ge p \text{ on } I \implies [\exists\, \theta: \alpha(\theta) > p(I)"
                r" \iff w < q'(\{q' > p\})]"
            ),
            build=_at_the_ceiling,
            stated=lambda p, draft, kept, prior: bool(_margin(p, draft, kept, prior) > 0),
            measured=_passes_the_ceiling,
            controls=(
                Control("iff the target has cold mass", stated=lambda p, draft, kept, prior: bool(p[kept].sum() < 1)),
            ),
        ),
        Clause(
            name="upper bound",
            kind=Kind.TIGHT_UPPER,
            statement=r"\alpha(\theta) \le \min(p(I), 1 - \theta) + \min(p(C), \theta (1 - w))",
            build=_mixtures.cold_prior,
            stated=_upper,
            measured=_mixtures.cold_value,
            controls=(
                Control(
                    "nothing on cold tokens",
                    stated=lambda p, draft, kept, prior, weight: min(p[kept].sum(), 1 - weight),
                ),
                Control(
                    "the covered part of TLI",
                    stated=lambda p, draft, kept, prior, weight: (
                        np.minimum(p[kept], (1 - weight) * draft).sum() + weight * (1 - p[kept].sum())
                    ),
                ),
            ),
            attained=lambda: {**_perfect(), "weight": Fraction(1, 3)},
            grid_denominator=2,
        ),
    ),
    remarks=(
        "The bound is sharper than p(I) + min(θ, p(C)): the kept part cannot exceed 1 − θ, nor the cold part the mass "
        "of the prior that is not wasted. A perfect drafter with prior p(·|C) attains it at every weight.",
        "Over several contexts slopes and wastes are averaged: some weight wins on average iff E w < E q'({q' > p}).",
    ),
)
