"""R6 of ``block-verification``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "block-verification",
    __name__,
    theorems={
        "block_is_lossless": ("law and length",),
        "block_ends": ("law and length",),
        "block_accepts": ("law and length",),
        "tokens_are_lossless": ("token by token",),
        "tokens_accept": ("token by token",),
        "block_accepts_at_least": ("at least token by token",),
        "strict_iff": ("strictness",),
        "no_lossless_verifier_accepts_more": ("no lossless verifier accepts more",),
        "block_is_best": ("no lossless verifier accepts more",),
        "two_tokens": ("two tokens",),
    },
    mutants=(
        ("excess pre w / (excess pre w + 1 - w).", "w."),
        ("(pos (w * p pre y - r pre y) / excess pre w)", "residual n (p pre) (r pre) y"),
        ("length_tokens g [] 0 <= length_block g [] 1 0.", "length_tokens g [] 0 + 1 <= length_block g [] 1 0."),
        ("((0 < d * r pre x /\\ 0 < w < 1 /\\ r pre x < p pre x) \\/", "((0 < d * r pre x /\\ r pre x < p pre x) \\/"),
        (
            "accepted_length A g [] <= length_block g [] 1 0.",
            "accepted_length A g [] <= length_tokens g [] 0.",
        ),
        ("completed J ys = wanted ys.", "0 <= completed J ys."),
        ("2 [] 1 0 = 11 / 9", "2 [] 1 0 = 10 / 9"),
    ),
    model=(
        "exists p r : list nat -> nat -> R, forall pre, law 2 (p pre) /\\ law 2 (r pre)",
        "exists (fun _ => point 0), (fun _ => point 1). intros; split; apply point_law; lia.",
    ),
    notes=(
        "chains of any length and laws that depend on the prefix; the law of the verifier is a recursion on the chain, "
        "and a verifier at large is what can be seen of it from outside; the program itself runs in rationals at R1",
    ),
)
