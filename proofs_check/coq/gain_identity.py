"""R6 of ``gain-identity``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "gain-identity",
    __name__,
    theorems={
        "gain_identity": ("identity",),
        "ties": ("ties",),
        "kernel": ("kernel",),
    },
    mutants=(
        ("then Rmin p r - q else", "then r - q else"),
        (
            "if Rle_dec (q t) (p t) then Rmin (p t) (r t) - q t else",
            "if Rle_dec (p t) (q t) then Rmin (p t) (r t) - q t else",
        ),
        ("gain_term (p t) (moved k q M t) (moved k q E t)).", "gain_term (p t) (moved k q M t) (q t))."),
    ),
)
