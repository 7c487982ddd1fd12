"""R3 of ``maximal-coupling``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._source import FreeSource
from rdk_theory.theorems._claim import Instance


def _joint(source: FreeSource) -> Instance:
    return {"joint": source.distribution(source.largest**2).reshape(source.largest, source.largest)}


def _agreement(joint: np.ndarray) -> Iterator[Any]:
    """``J_tt ≤ min(p_t, r_t)``, token by token."""
    p, r = joint.sum(axis=0), joint.sum(axis=1)
    return (joint[t, t] <= min(p[t], r[t]) for t in range(len(joint)))


CASES = (
    Case("bound", 12, _joint, hints=_agreement, unknowns=192, controls=("a little less",)),
    Case("bound", 2),
    Case("cut", 6),
    Case("equality", 2),
)
PROOF = smt_proof("maximal-coupling", __name__, *CASES)
