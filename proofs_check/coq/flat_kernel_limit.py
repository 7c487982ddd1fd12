"""R6 of ``flat-kernel-limit``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "flat-kernel-limit",
    __name__,
    theorems={
        "flat_kernel_limit": ("acceptance",),
    },
    mutants=(("(exp s / INR n)", "(exp s / INR n / 2)"),),
    model=(
        "exists X : nat -> R, sum 2 X = 0",
        "exists (fun _ => 0). simpl. lra.",
    ),
    notes=("one context; the mean over contexts is the sum of this over them",),
)
