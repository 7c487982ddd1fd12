"""R6 of ``holdout-dominance``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "holdout-dominance",
    __name__,
    theorems={
        "fair": ("fair game",),
        "ville": (),
        "reach": ("reach",),
        "reach_sharp": ("reach",),
        "constant_bets": ("constant bets",),
        "falls": (),
        "coverage": ("coverage",),
        "no_better": ("equal gains",),
        "range": ("range",),
        "range_sharp": ("range",),
    },
    mutants=(
        ("1 + bet t * (x i - m)", "1 + bet (cons i t) * (x i - m)"),
        ("next_gain k p x h <= m)", "next_gain k p x h <= m + 1)"),
        ("bet h * (m - low) <= 1.", "bet h * (m - low) <= 2."),
        ("(sum k (fun i => p i * x i))) nil <= d.", "(sum k (fun i => p i * x i))) nil <= d / 2."),
        ("bound (always n nil) <= low + r * (g - low).", "bound (always n nil) <= low + r * r * (g - low)."),
        ("point (kept i)))) <= g.", "point (kept i)))) <= g / 2."),
    ),
    model=(
        "exists (p : nat -> R) (x w c : nat -> R) (low : R), law 2 p /\\ (forall i, (i < 2)%nat -> low <= x i) /\\ "
        "law 1 w /\\ (forall a, (a < 1)%nat -> 0 <= c a <= 1)",
        "exists (point 1), (fun _ => 1), (point 0), (fun _ => 1), 0. split; [apply point_law; lia|]. "
        "split; [intros; lra|]. split; [apply point_law; lia|]. intros; lra.",
    ),
    notes=(
        "coverage holds for any number whose capital reaches 1/d; that the package's bound is one is checked in exact "
        "arithmetic by the clause `certificate`, at R1",
        "a document's gain has finitely many values, as any number in a computer has",
        "fair, ville and reach hold also where the law of a document depends on those before it",
    ),
)
