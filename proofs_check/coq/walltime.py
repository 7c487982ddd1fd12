"""R6 of ``walltime``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "walltime",
    __name__,
    theorems={
        "speedup_closed": ("speed-up",),
        "speedup_certain": ("speed-up",),
        "upper_bound": ("upper bound",),
        "upper_bound_attained": ("upper bound",),
        "gain_iff": ("criterion",),
        "one_hill": ("one hill",),
        "kept_size": ("kept size",),
        "union_rises": ("kept size for union",),
        "smaller_head_can_accept_more": ("a smaller head can accept more",),
    },
    mutants=(
        ("= (1 - a ^ S g) / ((1 - a)", "= (1 - a ^ g) / ((1 - a)"),
        ("speedup a c g <= (1 + INR g * a) /", "speedup a c g <= (INR g * a) /"),
        ("/\\ 1 < speedup a c g) <-> c < a)", "/\\ 1 < speedup a c g) <-> c <= a)"),
        ("< a ^ S g * (INR g * c + 1))", "< a ^ S g * (INR (S g) * c + 1))"),
        ("c1 n k : (forall j, rises (S j) <= rises j) ->", "c1 n k : (forall j, rises (S j) <= rises j + 1) ->"),
        ("= sum k (fun t => Rmin (p t) (q t)).", "= sum k q."),
        ("0 < x < 1 -> p n = 0 ->", "0 < x < 1 -> 0 <= p n ->"),
    ),
    model=(
        "exists a c : R, 0 <= a <= 1 /\\ c < a",
        "exists 1, 0. lra.",
    ),
    notes=("tokens are numbered by falling overlap where the union keeps the first k",),
)
