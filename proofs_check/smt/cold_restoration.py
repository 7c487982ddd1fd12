"""R3 of ``cold-restoration``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._mixing import cold, slope, some_weight

CASES = (
    Case("slope", 4, goal=slope(cold)),
    Case("always wins", 4, goal=slope(cold)),
    Case("criterion", 4, goal=some_weight(cold, strict=True)),
    Case("above the ceiling", 5),
    Case("ceiling passed", 4, goal=some_weight(cold, strict=True)),
    Case("upper bound", 4),
)
PROOF = smt_proof("cold-restoration", __name__, *CASES)
