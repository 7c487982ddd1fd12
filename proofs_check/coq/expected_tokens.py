"""R6 of ``expected-tokens``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "expected-tokens",
    __name__,
    theorems={
        "series": ("geometric",),
        "closed_form": ("geometric",),
        "varying_rates": ("varying rates",),
        "one_call": ("one call",),
        "trajectory": ("trajectory",),
        "trajectory_with_bonus": ("trajectory with bonus tokens",),
    },
    mutants=(
        ("= 1 - a ^ S g", "= 1 - a ^ g"),
        (
            "sum m (fun c => w c * a c) ^ k) <= sum m (fun c => w c * sum (S g) (fun k => a c ^ k)).",
            "sum m (fun c => w c * a c) ^ k) <= sum m (fun c => w c * sum (S g) (fun k => a c ^ k)) / 2.",
        ),
        ("length_tokens n p r g nil 0 = products", "length_block n p r g nil 1 0 = products"),
        (
            "sum n (fun x => p pre x * distances j' (cons x pre))",
            "sum n (fun x => r pre x * distances j' (cons x pre))",
        ),
        ("with_bonus block j pre d <= distances j pre.", "distances j pre <= with_bonus block j pre d."),
    ),
    model=(
        "exists a : R, 0 <= a <= 1",
        "exists (/ 2). lra.",
    ),
)
