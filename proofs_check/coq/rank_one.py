"""R6 of ``rank-one``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "rank-one",
    __name__,
    theorems={
        "rank_one_stochastic": ("row-stochastic",),
        "rank_one_moves": ("proposal",),
        "columns": ("columns",),
        "one_token": ("one token",),
    },
    mutants=(
        ("(1 - x) * embedded k kept q j + x * pi j.", "(1 - x) * embedded k kept q j + pi j."),
        ("(if Nat.eq_dec j (kept i) then 1 - x else 0).", "(if Nat.eq_dec j (kept i) then 1 else 0)."),
        ("= (1 - x) * q i + x * pi (kept i).", "= x * pi (kept i)."),
    ),
)
