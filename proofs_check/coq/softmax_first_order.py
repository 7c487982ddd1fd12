"""R6 of ``softmax-first-order``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "softmax-first-order",
    __name__,
    theorems={
        "ratio_bound": ("ratio",),
        "softmax_first_order": (),
        "rows": ("rows",),
        "three_tokens": ("three tokens",),
        "leading_constant": ("leading constant",),
    },
    mutants=(
        ("(s + 1) * TV n p q <= s - 1.", "(s + 2) * TV n p q <= s - 1."),
        (
            "law n (fun j => (1 + covariance m w a i j / tau) / INR n).",
            "law n (fun j => (1 + 2 * covariance m w a i j / tau) / INR n).",
        ),
        ("  / 2 * ((exp s - 1) / (exp s + 1)) ^ 2.\nProof.\n  intros K S.", "  s ^ 2 / 8.\nProof.\n  intros K S."),
        ("s ^ 2 / 8 - s ^ 4 / 48 <=", "s ^ 2 / 8 <="),
    ),
    model=(
        "exists x : nat -> R, sum 2 x = 0",
        "exists (fun _ => 0). simpl. lra.",
    ),
    notes=(
        "softmax_first_order is the older bound tanh((-s - ln(1 - s))/4); s^2/8 is not proved here but at R5",
        "(exp s - 1) / (exp s + 1) is tanh(s/2)",
    ),
)
