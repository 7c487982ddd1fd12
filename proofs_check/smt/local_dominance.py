"""R3 of ``local-dominance``."""

from __future__ import annotations

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._mixing import same, slope, some_weight, steps
from rdk_theory.theorems.local_dominance import _slope


def _twice(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
    """The formula in place of what the package's walk through all bends reports."""
    return np.array([_slope(p, q, r)] * 2, dtype=object)


CASES = (
    Case("concave", 5),
    Case("slope", 8, steps, stated=_twice, goal=slope(same)),
    Case("slope", 2, steps, goal=slope(same), controls=()),
    Case("iff the slope is positive", 8, steps, goal=some_weight(same, strict=True)),
    Case("iff the slope is not negative", 8, steps, goal=some_weight(same, strict=False)),
    Case("interval", 2),
)
PROOF = smt_proof("local-dominance", __name__, *CASES)
