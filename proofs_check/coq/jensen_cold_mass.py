"""R6 of ``jensen-cold-mass``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "jensen-cold-mass",
    __name__,
    theorems={
        "jensen_cold_mass": ("lower",),
        "chord": ("chord",),
        "jensen_upper": ("upper",),
        "jensen_upper_attained": ("upper",),
    },
    mutants=(
        ("ln (INR n) + mean n z <= log_mass n z.", "ln (INR n) + mean n z + 1 <= log_mass n z."),
        ("log_mass n z <= ln (INR n) + mean n z + gap (b - a).", "log_mass n z <= ln (INR n) + mean n z."),
    ),
    model=(
        "exists z : nat -> R, between 2 z 0 1 /\\ z 0%nat = 0 /\\ z 1%nat = 1",
        "exists (fun i => INR (Nat.min i 1)). split; [|simpl; split; reflexivity]."
        " intros i I. destruct i as [|[|i]]; simpl; lra || lia.",
    ),
    partial=("largest gap: that no share exceeds J(s), and that one reaches it",),
    notes=("the range is any s with the logits inside an interval of that length",),
)
