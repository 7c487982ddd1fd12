"""R6 of ``restriction-is-renormalisation``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "restriction-is-renormalisation",
    __name__,
    theorems={
        "restriction_is_renormalisation": ("pruned head",),
        "weights": ("weights",),
    },
    mutants=(
        ("= softmax n z (kept i) / sum k (fun a => softmax n z (kept a)).", "= softmax n z (kept i)."),
        ("w (kept i) / sum n w / (sum k (fun a => w (kept a)) / sum n w).", "w (kept i) / sum n w."),
    ),
    model=(
        "exists n : nat, (0 < n)%nat",
        "exists 1%nat. lia.",
    ),
    notes=("a temperature is part of z",),
)
