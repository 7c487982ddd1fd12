"""R6 of ``tli-beats-union``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "tli-beats-union",
    __name__,
    theorems={
        "tli_beats_union": ("at least the union",),
        "strict_iff": ("strictness",),
    },
    mutants=(("alpha n p q <= alpha n p tli", "alpha n p tli <= alpha n p q"),),
)
