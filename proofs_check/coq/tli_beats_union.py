"""R6 of ``tli-beats-union``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "tli-beats-union",
    __name__,
    theorems={
        "tli_beats_union": ("at least the union",),
        "strict_iff": ("strictness",),
        "at_most_the_foreign_mass": ("at most the foreign mass",),
        "all_foreign_mass_iff": ("all foreign mass gained",),
        "at_most_in_proportion": ("at most in proportion",),
        "played_out": ("played out",),
    },
    mutants=(
        ("alpha n p q <= alpha n p tli", "alpha n p tli <= alpha n p q"),
        ("alpha n p tli - alpha n p q <= 1 - m.", "alpha n p tli - alpha n p q <= (1 - m) / 2."),
        ("m = 1 \\/ forall t, (t < n)%nat -> tli t <= p t).", "m = 1 \\/ forall t, (t < n)%nat -> q t <= p t)."),
        ("m * alpha n p tli <= alpha n p q.", "alpha n p tli <= alpha n p q."),
    ),
)
