"""R3 of ``block-verification``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("at least token by token", 2),
    Case("strictness", 2),
    Case("two tokens", 2),
)

PROOF = smt_proof("block-verification", __name__, *CASES)
