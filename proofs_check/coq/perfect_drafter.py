"""R6 of ``perfect-drafter``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "perfect-drafter",
    __name__,
    theorems={
        "value_of_weight": ("value",),
        "free_weights": ("free weights",),
        "best_weight": ("best weight",),
        "free_weights_of_noise": ("free weights of a noisy drafter",),
        "no_larger_weight": ("no larger weight",),
    },
    mutants=(
        ("value x perfect = Rmin m (1 - x) + won x.", "value x perfect = m + won x."),
        ("Theorem free_weights x : 0 <= x <= 1 - m ->", "Theorem free_weights x : 0 <= x <= 1 ->"),
        ("value x perfect <= value (1 - m) perfect.", "value x perfect <= value ((1 - m) / 2) perfect."),
        ("0 <= x <= (1 - m - e) / (1 - e) ->", "0 <= x <= 1 - m ->"),
        ("pos (c - e) / (1 - e) < x <= 1 ->", "pos (c - e) / 2 < x <= 1 ->"),
    ),
)
