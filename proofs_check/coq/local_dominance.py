"""R6 of ``local-dominance``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "local-dominance",
    __name__,
    theorems={
        "concave": ("concave",),
        "slope_is_right_derivative": ("slope",),
        "some_weight_wins_iff": ("iff the slope is positive",),
        "largest_safe_weight": ("interval",),
        "safe_weights_are_an_interval": ("interval",),
        "safe_weight_positive_iff": ("iff the slope is not negative",),
    },
    mutants=(
        ("f 0 < f x) <-> 0 < slope.", "f 0 < f x) <-> 0 <= slope."),
        ("(f 0 <= f x <-> x <= y).", "(f 0 <= f x <-> x < y)."),
        ("(0 < y <-> 0 <= slope).", "(0 < y <-> 0 < slope)."),
    ),
    model=(
        "exists w : nat -> R, forall k, 0 <= w k",
        "exists (fun _ => 1). intros; lra.",
    ),
    notes=("contexts and tokens are flattened into terms with weights",),
)
