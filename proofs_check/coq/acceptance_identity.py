"""R6 of ``acceptance-identity``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "acceptance-identity",
    __name__,
    theorems={
        "acceptance_identity": (
            "overlap",
            "total variation",
            "over-coverage",
        ),
        "extremes": ("extremes",),
    },
    mutants=(
        ("accepted n p r = alpha n p r /\\", "accepted n p r = TV n p r /\\"),
        ("1 - TV n p r /\\", "1 - 2 * TV n p r /\\"),
        (
            "(accepted n p r = 1 <-> forall t, (t < n)%nat -> p t = r t)",
            "(accepted n p r = 1 <-> forall t, (t < n)%nat -> p t <= 2 * r t)",
        ),
    ),
)
