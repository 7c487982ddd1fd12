"""R6 of ``optimal-kernel``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "optimal-kernel",
    __name__,
    theorems={
        "dual_bound": ("bound",),
        "certificate": (),
        "gap": ("gap",),
        "concave": ("concave",),
        "at_least_tli": ("at least TLI",),
        "deterministic_kernels_fall_short": ("deterministic kernels fall short",),
    },
    mutants=(
        ("value M <= paid + sum k b.", "value M <= sum k b."),
        ("paid + sum k b - value M =\n", "paid + sum k b =\n"),
        ("x * value M + (1 - x) * value M' <= value (fun", "value M + value M' <= value (fun"),
        ("value (fun i => point (kept i)) <= value M.", "1 <= value M."),
        ("law 2 p -> p 0%nat < 1 -> p 1%nat < 1 ->", "law 2 p -> p 0%nat <= 1 -> p 1%nat < 1 ->"),
    ),
)
