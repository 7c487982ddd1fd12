"""R3 of ``lipschitz``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._instances import flow, laws
from proofs_check.smt._source import FreeSource
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Instance


def _token(p: np.ndarray, r: np.ndarray, s: np.ndarray) -> Iterator[Any]:
    """``−(s − r)_+ ≤ min(a, r) − min(a, s) ≤ (r − s)_+``; both sums are the total variation."""
    for a, b, c in zip(p, r, s, strict=True):
        change, distance = min(a, b) - min(a, c), abs(b - c)
        yield change <= (distance + (b - c)) / 2
        yield -change <= (distance - (b - c)) / 2
    change, distance = _roads.overlap(p, r) - _roads.overlap(p, s), sum(abs(b - c) for b, c in zip(r, s, strict=True))
    yield change <= distance / 2
    yield -change <= distance / 2


def _both(p: np.ndarray, r: np.ndarray, o: np.ndarray, s: np.ndarray) -> Iterator[Any]:
    """As `_token`, for each argument that changes."""
    for a, b, c, d in zip(p, r, o, s, strict=True):
        change = min(a, b) - min(c, d)
        yield change <= (abs(a - c) + (a - c) + abs(b - d) + (b - d)) / 2
        yield -change <= (abs(a - c) - (a - c) + abs(b - d) - (b - d)) / 2
    change = _roads.overlap(p, r) - _roads.overlap(o, s)
    distance = sum(abs(a - c) for a, c in zip((*p, *r), (*o, *s), strict=True))
    yield change <= distance / 2
    yield -change <= distance / 2


def _kernels(source: FreeSource) -> Instance:
    draft = source.distribution(source.largest)
    matrix, other = (flow(source, draft, source.largest) for _ in range(2))
    return {"p": source.distribution(source.largest), "draft": draft, "matrix": matrix, "other": other}


def _rows(p: np.ndarray, draft: np.ndarray, matrix: np.ndarray, other: np.ndarray) -> Iterator[Any]:
    """The bound of the proposals, then ``|Σ_i q'_i (M_i − M̂_i)| ≤ Σ_i q'_i |M_i − M̂_i|``."""
    r, s = (np.array(_roads.times(draft, m), dtype=object) for m in (matrix, other))
    yield from _token(p, r, s)
    for j in range(len(p)):
        yield abs(r[j] - s[j]) <= sum(q * abs(a[j] - b[j]) for q, a, b in zip(draft, matrix, other, strict=True))


CASES = (
    Case("proposal", 12, laws("p", "r", "s"), hints=_token, unknowns=128, controls=("half of it",)),
    Case("proposal", 3),
    Case("equality", 2, controls=("only if one of them is the target",)),
    Case("equality", 3, controls=("token by token",)),
    Case("both sides", 12, laws("p", "r", "o", "s"), hints=_both, unknowns=128),
    Case("kernel", 2, _kernels, hints=_rows),
)
PROOF = smt_proof("lipschitz", __name__, *CASES)
