"""R6 of ``gain-identity``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "gain-identity",
    __name__,
    theorems={
        "gain_identity": ("identity",),
    },
    mutants=(("then Rmin p r - q else", "then r - q else"),),
)
