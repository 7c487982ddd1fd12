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
        "cut": ("cut",),
        "best_iff": ("equality",),
    },
    mutants=(
        ("sum n (fun t => J t t) <= alpha n p r.", "sum n (fun t => J t t) <= alpha n p r / 2."),
        (
            "exists H : nat -> bool, alpha n p r = sum n (fun t => if H t then p t else r t).",
            "exists H : nat -> bool, alpha n p r = sum n (fun t => if H t then p t else r t) / 2.",
        ),
        ("0 < J x y -> p x < r x /\\ r y < p y).", "0 < J x y -> p x < r x /\\ p y < r y)."),
    ),
)
