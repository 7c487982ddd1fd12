"""R3 of ``walltime``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("speed-up", 5),
    Case("upper bound", 5),
    Case("criterion", 5),
    Case("one hill", 5),
    Case("kept size", 3),
    Case("kept size for union", 2),
    Case("a smaller head can accept more", 4),
)

PROOF = smt_proof("walltime", __name__, *CASES)
