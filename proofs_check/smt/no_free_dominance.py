"""R3 of ``no-free-dominance``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("loss", 4),
    Case("largest loss", 2),
    Case("only the embedding", 3),
    Case("any rule that sees the draft alone", 4),
)

PROOF = smt_proof("no-free-dominance", __name__, *CASES)
