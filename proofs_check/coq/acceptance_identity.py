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
    },
    mutants=(
        ("accepted n p r = alpha n p r /\\", "accepted n p r = TV n p r /\\"),
        ("1 - TV n p r /\\", "1 - 2 * TV n p r /\\"),
    ),
)
