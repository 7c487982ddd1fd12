"""R6 of ``lipschitz``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "lipschitz",
    __name__,
    theorems={
        "lipschitz": ("proposal",),
        "lipschitz_sharp": ("proposal",),
    },
    mutants=(("<= TV n r s", "<= TV n r s / 2"),),
)
