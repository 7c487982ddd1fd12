"""R6 of ``exact-linear-time``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "exact-linear-time",
    __name__,
    theorems={
        "fixed_point_is_residual": (),
        "law_is_target": ("law of the loop",),
        "fall_back_probability": ("fall-back and columns",),
        "expected_tries": ("fall-back and columns",),
    },
    mutants=(
        ("* failed m = (1 - alpha n p r) * alpha n p r ^ m.", "* failed m = alpha n p r ^ m."),
        ("* tries m = 1 - alpha n p r ^ m.", "* tries m = 1 - alpha n p r ^ S m."),
    ),
)
