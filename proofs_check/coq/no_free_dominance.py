"""R6 of ``no-free-dominance``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "no-free-dominance",
    __name__,
    theorems={
        "no_free_dominance": (
            "loss",
            "only the embedding",
        ),
        "row_at_home_is_embedding": ("only the embedding",),
        "largest_loss": ("largest loss",),
        "any_rule": ("any rule that sees the draft alone",),
    },
    mutants=(
        (
            "alpha n p (moved k q M) < alpha n p (moved",
            "alpha n p (moved k q (fun a => point (kept a))) < alpha n p (moved",
        ),
        ("- alpha n p (moved k q M) <= x.", "- alpha n p (moved k q M) <= x / 2."),
        ("-> r t <> q t ->", "-> r t = r t ->"),
    ),
    model=(
        "exists M : nat -> nat -> R, stochastic 1 2 M /\\ M 0%nat 0%nat < 1",
        "exists (fun _ => point 1). split; [intros i _; apply point_law; lia|unfold point; simpl; lra].",
    ),
    notes=("that the embedding itself never loses is its definition",),
)
