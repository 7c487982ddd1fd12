"""``draft-modes``: what is accepted when the draft is sampled or its argmax, and tested by ratio or by comparison."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.draft_modes import argmax_rate, exact_match_rate
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source


def _laws(source: Source) -> Instance:
    size = source.size(1, 6)
    return {"p": source.distribution(size), "r": source.distribution(size)}


def _rational_laws(source: Source) -> Instance:
    """Rational laws, the same one twice made common."""
    size = source.size(1, 6)
    p = source.rational_distribution(size)
    return {"p": p, "r": p if source.pick((True, False)) else source.rational_distribution(size)}


def _certain_target(source: Source) -> Instance:
    """The target is sure of the token that the draft finds likeliest, and the draft is not."""
    size = source.size(2, 6)
    r = (source.distribution(size) + source.array([1] * size)) / (size + 1)
    return {"p": source.array([int(t == int(r.argmax())) for t in range(size)]), "r": r}


def _same_law(source: Source) -> Instance:
    """Target and draft agree, and neither is sure."""
    size = source.size(2, 6)
    law = (source.distribution(size) + source.array([1] * size)) / (size + 1)
    return {"p": law, "r": law}


def _meetings(p: np.ndarray, r: np.ndarray) -> Any:
    """Probability that two independent draws are the same token, by going through all pairs."""
    return sum(px * ry for x, px in enumerate(p) for y, ry in enumerate(r) if x == y)


def _point(r: np.ndarray) -> list[int]:
    """The point mass on the first largest entry."""
    best = next(t for t, value in enumerate(r) if all(value >= other for other in r))
    return [int(t == best) for t in range(len(r))]


def _argmax_trial(p: np.ndarray, r: np.ndarray) -> Any:
    """The ratio test played out for a draft that is the point mass on the likeliest token."""
    return _roads.acceptance_by_trial(p, _point(r))


def _modes_agree(p: np.ndarray, r: np.ndarray) -> bool:
    return bool(max(p) == 1 or max(r) == 1 or (p * r == 0).all())


def _law(*sixths: int) -> np.ndarray:
    return np.array([Fraction(n, 6) for n in sixths], dtype=object)


CLAIM = Claim(
    id="draft-modes",
    title="Sampled or argmax draft, ratio test or exact match",
    section="A",
    statement=(
        r"\text{ratio test } \sum_t \min(p_t, r_t), \text{ exact match } \sum_t p_t r_t, \text{ argmax draft } "
        r"p(\arg\max r). \quad \sum p\,r \le \max(\max p, \max r) \sum \min(p, r), \text{ so } \sum p\,r \le "
        r"\sum \min(p, r), \text{ with equality iff } p \text{ or } r \text{ is a point mass or } p \perp r; \quad "
        r"|p(\arg\max r) - \sum \min(p, r)| \le 1 - \max r, \text{ and either sign occurs}"
    ),
    clauses=(
        Clause(
            name="exact match",
            kind=Kind.IDENTITY,
            statement=r"P[X = Y] = \sum_t p_t r_t \text{ for independent } X \sim r,\; Y \sim p",
            build=_laws,
            stated=lambda p, r: exact_match_rate(p, r),
            measured=_meetings,
            controls=(Control("overlap", stated=lambda p, r: acceptance_rate(p, r)),),
            grid_denominator=4,
        ),
        Clause(
            name="argmax",
            kind=Kind.IDENTITY,
            statement=r"P[\text{accept}] = p(\arg\max r) \text{ where the draft is the likeliest token}",
            build=_laws,
            stated=lambda p, r: argmax_rate(p, r),
            measured=_argmax_trial,
            controls=(
                Control("the target's likeliest token", stated=lambda p, r: max(p)),
                Control("the least likely token", stated=lambda p, r: p[int(np.argmin(r))]),
            ),
            grid_denominator=4,
        ),
        Clause(
            name="match below ratio",
            kind=Kind.TIGHT_UPPER,
            statement=r"\sum_t p_t r_t \le \max(\max p, \max r) \sum_t \min(p_t, r_t)",
            build=_laws,
            stated=lambda p, r: max(*p, *r) * acceptance_rate(p, r),
            measured=_meetings,
            controls=(
                Control("the smaller peak", stated=lambda p, r: min(max(p), max(r)) * acceptance_rate(p, r)),
                Control("above instead", kind=Kind.LOWER),
            ),
            attained=lambda: {"p": _law(2, 2, 2), "r": _law(2, 2, 2)},
            grid_denominator=4,
        ),
        Clause(
            name="equality of match and ratio",
            kind=Kind.IDENTITY,
            statement=r"\sum p\,r = \sum \min(p, r) \iff \max p = 1 \text{ or } \max r = 1 \text{ or } p \perp r",
            build=_rational_laws,
            stated=_modes_agree,
            measured=lambda p, r: bool(_meetings(p, r) == _roads.overlap(p, r)),
            controls=(
                Control("only disjoint", stated=lambda p, r: bool((p * r == 0).all())),
                Control("equal laws", stated=lambda p, r: _modes_agree(p, r) or bool((p == r).all())),
            ),
            grid_denominator=4,
        ),
        Clause(
            name="argmax from above",
            kind=Kind.TIGHT_UPPER,
            statement=r"p(\arg\max r) - \sum_t \min(p_t, r_t) \le 1 - \max r",
            build=_laws,
            stated=lambda p, r: 1 - max(r),
            measured=lambda p, r: _argmax_trial(p, r) - _roads.overlap(p, r),
            controls=(Control("half of it", stated=lambda p, r: (1 - max(r)) / 2),),
            attained=lambda: {"p": _law(6, 0, 0), "r": _law(3, 2, 1)},
            grid_denominator=4,
        ),
        Clause(
            name="argmax from below",
            kind=Kind.TIGHT_LOWER,
            statement=r"p(\arg\max r) - \sum_t \min(p_t, r_t) \ge -(1 - \max r)",
            build=_laws,
            stated=lambda p, r: max(r) - 1,
            measured=lambda p, r: _argmax_trial(p, r) - _roads.overlap(p, r),
            controls=(Control("half of it", stated=lambda p, r: (max(r) - 1) / 2),),
            attained=lambda: {"p": _law(0, 4, 2), "r": _law(3, 2, 1)},
            grid_denominator=4,
        ),
        Clause(
            name="argmax can win",
            kind=Kind.EXISTENCE,
            statement=r"p(\arg\max r) > \sum \min(p, r) \text{ where } p = e_{\arg\max r} \text{ and } \max r < 1",
            build=_certain_target,
            stated=lambda p, r: acceptance_rate(p, r),
            measured=_argmax_trial,
            controls=(
                Control("by more than the draft's doubt", stated=lambda p, r: acceptance_rate(p, r) + 1 - max(r)),
            ),
        ),
        Clause(
            name="argmax can lose",
            kind=Kind.COUNTEREXAMPLE,
            statement=r"p(\arg\max r) < \sum \min(p, r) \text{ where } r = p \text{ and } \max p < 1",
            build=_same_law,
            stated=lambda p, r: acceptance_rate(p, r),
            measured=_argmax_trial,
            controls=(
                Control("by more than the draft's doubt", stated=lambda p, r: acceptance_rate(p, r) - 1 + max(r)),
            ),
        ),
    ),
    remarks=(
        "An argmax draft is a point mass: the ratio test on it, the comparison with a sample of the target and the "
        "lossless residual all accept with probability p(argmax r).",
        "The comparison loses at least the factor max(max p, max r): on flat laws nearly everything.",
    ),
)
