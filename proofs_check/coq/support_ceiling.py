"""R6 of ``support-ceiling``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "support-ceiling",
    __name__,
    theorems={
        "support_ceiling": (
            "one draft",
            "restricted draft",
        ),
        "ceiling_attained_iff": (
            "equality",
            "restricted equality",
        ),
        "redistribution_has_none": ("redistribution has none",),
    },
    mutants=(
        ("alpha n p r <= mass n p H.", "alpha n p r <= mass n p H / 2."),
        ("/\\ alpha n p (moved k q M) = 1) /\\", "/\\ alpha n p (moved k q M) = 2) /\\"),
    ),
)
