"""R6 of ``lossless``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "lossless",
    __name__,
    theorems={
        "lossless": ("token",),
        "drafted_and_verified": ("drafted and verified",),
        "match_is_lossless": ("a match with a target sample",),
        "misreported_bias": ("misreported proposal",),
    },
    mutants=(
        ("emitted n p r t = p t", "emitted n p r t = r t"),
        ("residual n p (moved k q M) t = p t.", "residual n p q t = p t."),
        ("(1 - p x) * (p t / (1 - p x))", "(1 - p x) * p t"),
        ("TV n (misreported n p r s a) p <= TV n r s.", "TV n (misreported n p r s a) p <= TV n r s / 2."),
    ),
    notes=("the law by its formula; the verifier itself runs in rationals at R1",),
)
