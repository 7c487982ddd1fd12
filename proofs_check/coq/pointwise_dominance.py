"""R6 of ``pointwise-dominance``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "pointwise-dominance",
    __name__,
    theorems={
        "pointwise_dominance": ("dominance",),
        "strict_iff_one_token_gains": ("strictness",),
        "covering_iff_no_set_loses": ("converse",),
        "not_necessary": ("not necessary",),
    },
    mutants=(
        (
            "Rmin (p t) (q t) <= r t) -> alpha n p q <= alpha n p r.",
            "Rmin (p t) (q t) <= r t) -> alpha n p r <= alpha n p q.",
        ),
        (
            "((forall t, (t < n)%nat -> Rmin (p t) (q t) <= r t) <->\n   forall H",
            "((forall t, (t < n)%nat -> q t <= r t) <->\n   forall H",
        ),
        (
            "r 0%nat < Rmin (p 0%nat) (q 0%nat) /\\ alpha 3 p q < alpha 3 p r.",
            "Rmin (p 0%nat) (q 0%nat) < r 0%nat /\\ alpha 3 p q < alpha 3 p r.",
        ),
    ),
    model=(
        "exists p q r : nat -> R, law 2 p /\\ law 2 q /\\ law 2 r /\\ forall t, Rmin (p t) (q t) <= r t",
        "exists (point 0), (point 0), (point 0). split; [|split; [|split]]; try (apply point_law; lia). "
        "intros; apply Rmin_l.",
    ),
)
