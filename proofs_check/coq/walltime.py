"""R6 of ``walltime``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "walltime",
    __name__,
    theorems={
        "gain_iff": (),
    },
    mutants=(("pays a c g) <-> c < a", "pays a c g) <-> c <= a"),),
    model=(
        "exists a c : R, 0 <= a <= 1 /\\ c < a",
        "exists 1, 0. lra.",
    ),
    partial=("criterion: that some draft length gains iff alpha > c",),
)
