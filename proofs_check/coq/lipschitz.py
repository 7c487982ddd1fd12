"""R6 of ``lipschitz``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "lipschitz",
    __name__,
    theorems={
        "lipschitz": ("proposal",),
        "lipschitz_sharp": ("proposal",),
        "both_sides": ("both sides",),
        "kernel": ("kernel",),
        "equality_iff": ("equality",),
    },
    mutants=(
        ("<= TV n r s", "<= TV n r s / 2"),
        ("<= TV n p p' + TV n r r'.", "<= Rmax (TV n p p') (TV n r r')."),
        ("<= sum k (fun i => q i * TV n (M i) (M' i)).", "<= sum k (fun i => q i * TV n (M i) (M' i)) / 2."),
        (
            "(Rabs (alpha n p r - alpha n p s) = TV n r s <->\n   (forall",
            "(Rabs (alpha n p r - alpha n p s) < TV n r s <->\n   (forall",
        ),
    ),
)
