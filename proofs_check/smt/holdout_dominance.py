"""R3 of ``holdout-dominance``: two or three kinds of document, as many documents; the kernel on three tokens."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("fair game", 3),
    Case("constant bets", 3),
    Case("range", 3),
)
PROOF = smt_proof(
    "holdout-dominance",
    __name__,
    *CASES,
    notes=("that a capital seldom reaches 1/delta, and the coverage that follows, is proved in Coq for all numbers",),
)
