"""R4 of ``pointwise-dominance``, for any number of tokens."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, decide
from proofs_check.symbolic._every import Every, Sign, iff, pointwise
from proofs_check.symbolic._statement import Part, Total, plain, relation, symbolic_proof, termwise
from proofs_check.symbolic._tokens import trial
from rdk_theory.theorems._claim import Kind


def _covers(p: Any, q: Any, r: Any) -> bool:
    return bool(r >= min(p, q))


COVERED = plain("p q r", _covers)
BEFORE = Total(lambda p, q, r: min(p, q))
AFTER = Total(lambda p, q, r: trial(p, r))


def _family(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``p = (a, 0, 1−a)``, ``q' = (b, 1−b, 0)``, ``p̃ = (0, 0, 1)`` for all ``a, b > 0`` with ``a + b ≤ 1/2``."""

    def wins(x: Any) -> bool:
        unit = x["a"] + x["b"] + x["rest"]
        x.assume(x["a"] > 0 and x["b"] > 0)
        a, b = x["a"] / unit / 2, x["b"] / unit / 2
        rows = [[a, 0 * a, 1 - a], [b, 1 - b, 0 * b], [0 * a, 0 * a, 0 * a + 1]]
        numbers = dict(zip("pqr", (np.array(row, dtype=object) for row in rows), strict=True))
        covered = all(_covers(*token) for token in zip(*rows, strict=True))
        return not covered and relation(kind)(measured(**numbers) - stated(**numbers))

    return decide(wins, "a b rest")


PROOF = symbolic_proof(
    "pointwise-dominance",
    __name__,
    Part(
        "dominance",
        termwise(COVERED),
        BEFORE,
        AFTER,
        {
            "always strictly": None,
            "half of the missing mass is won": Total(lambda p, q, r: min(p, q) / 2, lambda: Fraction(1, 2)),
        },
    ),
    Part(
        "strictness",
        iff(COVERED),
        Every(lambda p, q, r: min(p, r) > min(p, q), some=True),
        Sign(Total(lambda p, q, r: trial(p, r) - trial(p, q)), positive=True),
        {"strict iff something moved": Every(lambda p, q, r: r != q, some=True)},
    ),
    Part(
        "converse",
        pointwise("p q r"),
        Every(_covers),
        # Every set of tokens is accepted as often as before iff every set of one token is.
        Every(lambda p, q, r: trial(p, r) >= trial(p, q)),
        {"iff the proposal covers the draft": Every(lambda p, q, r: r >= q)},
    ),
    Part("not necessary", _family, BEFORE, AFTER),
    sizes="any N",
)
