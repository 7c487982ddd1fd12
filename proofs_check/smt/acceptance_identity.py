"""R3 of ``acceptance-identity``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._instances import laws
from rdk_theory.theorems import _roads


def _halves(p: np.ndarray, r: np.ndarray) -> Iterator[Any]:
    """``min(a, b) = (a + b − |a − b|)/2``, token by token."""
    return (min(a, b) == (a + b - abs(a - b)) / 2 for a, b in zip(p, r, strict=True))


def _over(p: np.ndarray, r: np.ndarray) -> Iterator[Any]:
    """``min(a, b) = b − (b − a)_+``, token by token."""
    return (min(a, b) == b - max(b - a, 0) for a, b in zip(p, r, strict=True))


CASES = (
    Case("overlap", 6),
    Case("total variation", 6),
    Case("total variation", 12, laws("p", "r"), measured=_roads.overlap, hints=_halves, unknowns=128),
    Case("over-coverage", 12, laws("p", "r"), measured=_roads.overlap, hints=_over, unknowns=128),
    Case("over-coverage", 6),
    Case("extremes", 5),
)
PROOF = smt_proof("acceptance-identity", __name__, *CASES)
