"""R6 of ``cumulant-cold-mass``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "cumulant-cold-mass",
    __name__,
    theorems={
        "mean_of_logits": ("moments",),
        "variance_of_logits": ("moments",),
        "rank_loss": (),
    },
    mutants=(
        ("mean n (logit d W h) = sum d (fun k => h k * mean_row n W k).",
         "mean n (logit d W h) = sum d (fun k => mean_row n W k)."),
        ("(W j k - mean_row n W k) * (W j l - mean_row n W l)).", "W j k * W j l)."),
    ),
    model=(
        "exists W : nat -> nat -> R, variance 2 (logit 1 W (fun _ => 1)) = 1",
        "exists (fun j _ => 2 * INR j). unfold variance, logit, mean. simpl. field.",
    ),
    partial=("rank: for a covariance that is given by its eigenvalues and orthonormal eigenvectors",),
    notes=("any number of cold rows, any width; the bounds on the estimate are proved at R5",),
)  # fmt: skip
