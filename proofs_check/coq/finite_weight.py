"""R6 of ``finite-weight``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "finite-weight",
    __name__,
    theorems={
        "exact_gain": ("gain",),
        "finite_weight": ("bound",),
        "equality_iff": ("equality",),
        "dominance": ("dominance",),
        "not_necessary": ("not necessary",),
    },
    mutants=(
        ("Theorem finite_weight : restored - x * exposed <= gain.", "Theorem finite_weight : restored <= gain."),
        ("gain = restored - x * exposed + crossed.", "gain = restored - x * exposed."),
        (
            "forall t, (t < n)%nat -> ~ (cold t = false /\\ (1 - x) * q t < p t /\\ (p t < q t \\/ 0 < x * r t)).\n"
            "  Proof.\n    rewrite gain_as_sum, floor_as_sum.",
            "forall t, (t < n)%nat -> ~ (cold t = false /\\ (1 - x) * q t < p t /\\ p t < q t).\n"
            "  Proof.\n    rewrite gain_as_sum, floor_as_sum.",
        ),
        ("Theorem dominance : x * exposed < restored ->", "Theorem dominance : 0 < restored ->"),
        ("(3 * y / 2) = y / 2.", "(3 * y / 2) = y."),
    ),
)
