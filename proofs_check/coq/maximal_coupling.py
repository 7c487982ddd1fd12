"""R6 of ``maximal-coupling``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "maximal-coupling",
    __name__,
    theorems={
        "no_verifier_beats_overlap": ("bound",),
        "rejection_attains": (
            "bound",
            "transport",
        ),
    },
    mutants=(("sum n (fun t => J t t) <= alpha n p r.", "sum n (fun t => J t t) <= alpha n p r / 2."),),
)
