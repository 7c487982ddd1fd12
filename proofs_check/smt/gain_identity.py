"""R3 of ``gain-identity``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._instances import flow, laws
from proofs_check.smt._source import FreeSource
from proofs_check.smt._symbols import choose
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Instance


def _token(p: np.ndarray, r: np.ndarray, q: np.ndarray) -> Iterator[Any]:
    """The identity of one token, which the sum lifts."""
    for a, b, c in zip(p, r, q, strict=True):
        won = choose(a > c, min(a, b) - c, 0)
        lost = choose(a > c, 0, choose(a - b > 0, a - b, 0))
        yield min(a, b) - min(a, c) == won - lost


def _overlaps(p: np.ndarray, r: np.ndarray, q: np.ndarray) -> Any:
    return _roads.overlap(p, r) - _roads.overlap(p, q)


def _kernel(source: FreeSource) -> Instance:
    kept = source.kept(source.largest)
    draft = source.distribution(len(kept))
    matrix = flow(source, draft, source.largest)
    return {"p": source.distribution(source.largest), "draft": draft, "kept": kept, "matrix": matrix}


CASES = (
    Case("identity", 12, laws("p", "r", "q"), measured=_overlaps, hints=_token, unknowns=128),
    Case("identity", 3, hints=_token),
    Case("ties", 3),
    Case("kernel", 2, _kernel),
)
PROOF = smt_proof("gain-identity", __name__, *CASES)
