"""R6 of ``flat-kernel-limit``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "flat-kernel-limit",
    __name__,
    theorems={
        "flat_kernel_limit": ("acceptance",),
        "entry": ("entry",),
        "sharp_entry": ("sharp entry",),
        "sharp_entry_attained": ("sharp entry",),
        "sharper": ("sharper",),
        "variances_suffice": ("variances suffice",),
        "from_the_mean_target": ("acceptance from the mean target",),
        "distance_from_uniform": ("distance from uniform",),
    },
    mutants=(
        ("(exp s / INR n)", "(exp s / INR n / 2)"),
        ("softmax n x j <= exp s / INR n.\nProof. apply", "softmax n x j <= exp s / INR n / 2.\nProof. apply"),
        ("softmax (S (S n)) x j <= / (1 + INR (S n)", "softmax (S (S n)) x j <= / (2 + INR (S n)"),
        (
            "/ (1 + INR (S n) * exp (- (s * INR (S (S n)) / INR (S n)))) <= exp s / INR (S (S n)).",
            "/ (1 + INR (S n) * exp (- (s * INR (S (S n)) / INR (S n)))) <= / INR (S (S n)).",
        ),
        ("sum m (fun c => w c * (a c i * a c j)) <= v.", "sum m (fun c => w c * (a c i * a c j)) <= v / 2."),
        (
            "(exp s + 1) * TV n (softmax n x) (fun _ => / INR n) <= exp s - 1.",
            "(exp s + 2) * TV n (softmax n x) (fun _ => / INR n) <= exp s - 1.",
        ),
    ),
    model=(
        "exists X : nat -> R, sum 2 X = 0",
        "exists (fun _ => 0). simpl. lra.",
    ),
)
