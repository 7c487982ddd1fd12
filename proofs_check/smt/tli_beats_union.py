"""R3 of ``tli-beats-union``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("at least the union", 4),
    Case("strictness", 3),
    Case("at most the foreign mass", 4),
    Case("all foreign mass gained", 3),
    Case("at most in proportion", 4),
    Case("played out", 3),
)

PROOF = smt_proof("tli-beats-union", __name__, *CASES)
