"""R3 of ``softmax-first-order``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("proof", 3),
    Case("ratio", 3),
    Case("rows", 3),
    Case("linear time", 3),
)

PROOF = smt_proof("softmax-first-order", __name__, *CASES)
