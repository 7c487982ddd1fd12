"""R3 of ``linear-cost``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("arithmetic", 3),
    Case("bytes", 3),
)

PROOF = smt_proof("linear-cost", __name__, *CASES)
