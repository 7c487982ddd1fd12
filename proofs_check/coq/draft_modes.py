"""R6 of ``draft-modes``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "draft-modes",
    __name__,
    theorems={
        "exact_match_below_ratio": (),
        "argmax_can_win": (),
        "argmax_can_lose": (),
    },
    mutants=(("sum n (fun t => p t * r t) <= alpha n p r", "alpha n p r <= sum n (fun t => p t * r t)"),),
    partial=(
        "match below ratio: without the factor max(max p, max r)",
        "argmax can win: one witness",
        "argmax can lose: one witness",
    ),
)
