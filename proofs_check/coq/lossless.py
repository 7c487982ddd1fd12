"""R6 of ``lossless``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "lossless",
    __name__,
    theorems={
        "lossless": ("token",),
    },
    mutants=(("emitted n p r t = p t", "emitted n p r t = r t"),),
    notes=("the law by its formula; the verifier itself runs in rationals at R1",),
)
