"""R6 of ``expected-tokens``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "expected-tokens",
    __name__,
    theorems={
        "series": ("geometric",),
        "closed_form": ("geometric",),
    },
    mutants=(("= 1 - a ^ S g", "= 1 - a ^ g"),),
    model=(
        "exists a : R, 0 <= a <= 1",
        "exists (/ 2). lra.",
    ),
)
