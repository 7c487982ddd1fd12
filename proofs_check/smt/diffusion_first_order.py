"""R3 of ``diffusion-first-order``."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._source import FreeSource
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems.diffusion_first_order import one_step, resolvent


def _sparse(source: FreeSource) -> Instance:
    """Each token moves to one or two tokens, any of them, with equal probability."""
    size = source.largest
    sets = [c for count in (1, 2) for c in combinations(range(size), count)]
    rows = [source.pick(sets) for _ in range(size)]
    affinity = np.array([[Fraction(int(j in row), len(row)) for j in range(size)] for row in rows], dtype=object)
    return {"affinity": affinity, "weight": source.open_weight()}


def _error(affinity: np.ndarray, weight: Any, kept: np.ndarray, p: np.ndarray, draft: np.ndarray) -> Any:
    """Both proposals by loops: the package's kernel sets up its series in floats, which no unknown has."""
    rates = [_roads.overlap(p, _roads.times(draft, matrix(affinity, weight)[kept])) for matrix in (resolvent, one_step)]
    return abs(rates[0] - rates[1])


def _rows(affinity: np.ndarray, weight: Any, kept: np.ndarray, p: np.ndarray, draft: np.ndarray) -> Iterator[Any]:
    """Rows are within ``θ²``, and so are the proposals, which mix them; acceptance moves no further, token by token."""
    square = weight**2
    matrices = [resolvent(affinity, weight)[kept], one_step(affinity, weight)[kept]]
    for m, n in permutations(matrices):
        r, s = (_roads.times(draft, matrix) for matrix in (m, n))
        parts = [_roads.positive_part(a, b) for a, b in zip(m, n, strict=True)]
        for part in parts:
            yield sum(part) <= square
        moved = _roads.positive_part(r, s)
        for j, part in enumerate(moved):
            yield part <= sum(q * row[j] for q, row in zip(draft, parts, strict=True))
        yield sum(moved) <= square
        for a, b, c, part in zip(p, r, s, moved, strict=True):
            yield min(a, b) - min(a, c) <= part


CASES = (
    Case("resolvent", 2),
    Case("resolvent, exactly", 2),
    Case("resolvent, equality", 3, _sparse),
    Case("acceptance", 2, measured=_error, hints=_rows),
)

PROOF = smt_proof("diffusion-first-order", __name__, *CASES)
