"""R6 of ``cold-restoration``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "cold-restoration",
    __name__,
    theorems={
        "slope_is_over_minus_waste": ("slope",),
        "cold_mass_means_over": ("always wins",),
        "small_weight_wins_iff": ("criterion",),
        "above_the_ceiling": ("above the ceiling",),
        "ceiling_passed_iff": ("ceiling passed",),
        "upper_bound": ("upper bound",),
    },
    mutants=(
        ("slope n ones p q r = over - waste.", "slope n ones p q r = over."),
        ("<-> waste < over.", "<-> waste <= over."),
        ("pos (p t - (1 - x) * q t)).", "pos (p t - q t))."),
        ("ceiling < f n ones p q r x) <-> waste < over).", "ceiling < f n ones p q r x) <-> waste <= over)."),
        ("Rmin (1 - ceiling) (x * (1 - waste)).", "Rmin (1 - ceiling) 0."),
    ),
    model=(
        "exists p q r : nat -> R, law 2 p /\\ law 2 q /\\ law 2 r /\\ q 1%nat = 0 /\\ r 0%nat = 0",
        "exists (point 1), (point 0), (point 1). repeat split; try (apply point_law; lia); "
        "try (apply sum_point_one; lia); try (intros i _; unfold point; destruct (Nat.eq_dec i _); lra); "
        "unfold point; simpl; lra.",
    ),
)
