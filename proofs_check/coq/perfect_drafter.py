"""R6 of ``perfect-drafter``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "perfect-drafter",
    __name__,
    theorems={
        "perfect_drafter": (),
    },
    mutants=(("0 <= x <= 1 - m ->", "0 <= x <= 1 ->"),),
    partial=(
        "value: for weights up to p(C)",
        "free weights: for priors on cold tokens",
    ),
)
