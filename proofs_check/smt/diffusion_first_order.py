"""R3 of ``diffusion-first-order``."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._source import FreeSource
from rdk_theory.theorems._claim import Instance


def _sparse(source: FreeSource) -> Instance:
    """Each token moves to one or two tokens, any of them, with equal probability."""
    size = source.largest
    sets = [c for count in (1, 2) for c in combinations(range(size), count)]
    rows = [source.pick(sets) for _ in range(size)]
    affinity = np.array([[Fraction(int(j in row), len(row)) for j in range(size)] for row in rows], dtype=object)
    return {"affinity": affinity, "weight": source.open_weight()}


CASES = (
    Case("resolvent", 2),
    Case("resolvent, exactly", 2),
    Case("resolvent, equality", 3, _sparse),
)

PROOF = smt_proof("diffusion-first-order", __name__, *CASES)
