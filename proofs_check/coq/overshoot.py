"""R6 of ``overshoot``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

MIXED = "alpha 3 target (fun t => (1 - own_weight) * restricted t + own_weight * point 2 t)"

PROOF = coq_proof(
    "overshoot",
    __name__,
    theorems={
        "overshoot": (),
        "overshoot_with_cold_mass": (),
    },
    mutants=(
        (
            f"{MIXED} < alpha 3 target restricted.",
            f"alpha 3 target restricted < {MIXED}.",
        ),
    ),
    partial=("target on kept tokens: one witness",),
)
