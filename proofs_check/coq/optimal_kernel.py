"""R6 of ``optimal-kernel``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "optimal-kernel",
    __name__,
    theorems={
        "dual_bound": ("bound",),
        "certificate": (),
    },
    mutants=(("value M <= paid + sum k b.", "value M <= sum k b."),),
)
