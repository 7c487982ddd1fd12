"""R3 of ``rank-one``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("proposal", 5),
    Case("row-stochastic", 5),
    Case("columns", 5),
    Case("one token", 5),
)

PROOF = smt_proof("rank-one", __name__, *CASES)
