"""R4 of ``finite-weight``, for any number of kept and of cold tokens."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, decide
from proofs_check.symbolic._every import Every, Sign, iff
from proofs_check.symbolic._mixing import COLD, KEPT, KEPT_AND_GIVEN, WEIGHT, after, before, rows, total
from proofs_check.symbolic._statement import Part, relation, symbolic_proof, termwise, tried
from rdk_theory.theorems._claim import Kind


def _gain(**x: Any) -> Any:
    return after(**x) - before(**x)


def _bound(p: Any, stays: Any, leaves: Any, given: Any, cold: bool) -> Any:
    return min(p, given) if cold else (-leaves if stays < p else 0 * p)


def _exact(p: Any, stays: Any, leaves: Any, given: Any, cold: bool) -> Any:
    crossed = not cold and stays < p < stays + leaves
    return _bound(p, stays, leaves, given, cold) + (stays + leaves - p if crossed else 0 * p)


def _at_zero(p: Any, stays: Any, leaves: Any, given: Any, cold: bool) -> Any:
    return min(p, given) if cold else (-leaves if stays + leaves < p else 0 * p)


def _no_slack(p: Any, stays: Any, leaves: Any, given: Any, cold: bool, weight: Any) -> bool:
    return bool(cold or not (stays < p and (p < stays + leaves or given > 0)))


def _not_crossed(p: Any, stays: Any, leaves: Any, given: Any, cold: bool, weight: Any) -> bool:
    return bool(cold or not stays < p < stays + leaves)


def _implied(kind: Kind, stated: Any, measured: Any) -> Finding:
    """The gain is at least the bound, term by term: where the bound is positive, so is the gain."""
    found = BOUND(Kind.LOWER, total(_bound), total(_gain))
    return found if not found.proved else tried(kind, stated, measured, SOME)


SOME = tuple(
    {
        "p": np.array([Fraction(n, 4), Fraction(4 - n, 4)], dtype=object),
        "draft": np.array([Fraction(1)], dtype=object),
        "kept": np.array([0]),
        "prior": np.array([Fraction(0), Fraction(1)], dtype=object),
        "weight": Fraction(1, 2),
    }
    for n in (1, 2, 4)
)
"""One kept token and one cold one: half of the draft is moved where the target has much, some or nothing."""


def _family(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``p = (1−x, x)`` and weight ``3x/2``: the bound is ``−x/2`` and the gain ``x/2``, for every x up to 1/3."""

    def wins(x: Any) -> bool:
        x.assume(x["u"] > 0)
        small = x["u"] / (3 * x["u"] + x["v"])
        numbers = {
            "p": np.array([1 - small, small], dtype=object),
            "draft": np.array([1 + 0 * small], dtype=object),
            "kept": np.array([0]),
            "prior": np.array([0 * small, 1 + 0 * small], dtype=object),
            "weight": 3 * small / 2,
        }
        return relation(kind)(measured(**numbers) - stated(**numbers))

    return decide(wins, "u v")


def _if_negative(otherwise: Any) -> Any:
    def road(**x: Any) -> Any:
        bound = total(_bound)(**x)
        return otherwise(bound) if bound < 0 else 1 + x["weight"]

    return road


BOUND = termwise(KEPT_AND_GIVEN, COLD, shared=WEIGHT)
PROOF = symbolic_proof(
    "finite-weight",
    __name__,
    Part(
        "gain",
        termwise(KEPT, COLD, shared=WEIGHT),
        total(_exact),
        total(_gain),
        {"the bound is the gain": total(_bound)},
    ),
    Part("bound", BOUND, total(_bound), total(_gain), {"only tokens below p at weight 0 pay": total(_at_zero)}),
    Part(
        "equality",
        iff(KEPT_AND_GIVEN, COLD, shared=WEIGHT),
        Every(_no_slack, rows=rows),
        Sign(total(lambda **x: _gain(**x) - _bound(**x))),
        {"iff no kept token is crossed": Every(_not_crossed, rows=rows)},
    ),
    Part(
        "dominance",
        _implied,
        lambda **x: True,
        lambda **x: bool(total(_bound)(**x) <= 0 or total(_gain)(**x) > 0),
        {
            "whenever the weight is positive": lambda **x: bool(x["weight"] == 0 or total(_gain)(**x) > 0),
        },
    ),
    Part(
        "not necessary",
        _family,
        _if_negative(lambda bound: 0 * bound),
        total(_gain),
        {"by more than the slack": _if_negative(lambda bound: -bound)},
    ),
    sizes="any N, any K, every θ",
)
