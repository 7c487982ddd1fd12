"""R3 of ``pointwise-dominance``: for every proposal that covers ``min(p, q')``, without a parametrisation of these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._source import FreeSource
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Instance


def _covering(source: FreeSource) -> Instance:
    p, q, r = (source.distribution(source.largest) for _ in range(3))
    for a, b, c in zip(p, q, r, strict=True):
        source.assume(c >= min(a, b))
    return {"p": p, "q": q, "r": r}


def _token(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Iterator[Any]:
    """``min(p_t, q_t) ≤ min(p_t, r_t)``."""
    return (min(a, b) <= min(a, c) for a, b, c in zip(p, q, r, strict=True))


def _overlap(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    return _roads.overlap(p, r)


def _gains(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> bool:
    return bool(_roads.overlap(p, r) > _roads.overlap(p, q))


CASES = (
    Case("dominance", 12, _covering, measured=_overlap, hints=_token, unknowns=128),
    Case("dominance", 3, _covering, hints=_token),
    Case("strictness", 5, _covering, measured=_gains, hints=_token),
    Case("converse", 4),
    Case("not necessary", 5),
)
PROOF = smt_proof("pointwise-dominance", __name__, *CASES)
