"""R6 of ``optimal-mixing``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "optimal-mixing",
    __name__,
    theorems={
        "piecewise_linear": ("piecewise linear",),
        "maximum": ("maximum",),
        "smallest_maximiser": ("smallest maximiser",),
        "slope_after_bends": ("selection",),
        "first_fall_is_smallest_maximiser": ("selection",),
    },
    mutants=(
        ("-> a < x < b -> ~ bend k x) ->\n    value", "-> a < x < b -> k = k) ->\n    value"),
        ("\\/ exists k, (k < m)%nat /\\ bend k x).", ")."),
        ("value z <= value x) -> y <= x).", "value z <= value x) -> x <= y)."),
        ("slope_after 0 - sum m (fun k => w k * falls k y).", "slope_after 0 - sum m (fun k => falls k y)."),
        ("(y = 1 \\/ slope_after y <= 0) ->", "(y = 1 \\/ slope_after y <= 1) ->"),
    ),
    model=(
        "exists w : nat -> R, forall k, 0 <= w k",
        "exists (fun _ => 1). intros; lra.",
    ),
    notes=("contexts and tokens are flattened into terms with weights",),
)
