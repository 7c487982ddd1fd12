"""R6 of ``finite-weight``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "finite-weight",
    __name__,
    theorems={
        "finite_weight": (),
        "equality_iff": (),
    },
    mutants=(
        ("restored - x * exposed <= alpha n p mixed - alpha n p q.", "restored <= alpha n p mixed - alpha n p q."),
    ),
    partial=(
        "bound: for priors on cold tokens",
        "equality: for priors on cold tokens and positive weights",
    ),
)
