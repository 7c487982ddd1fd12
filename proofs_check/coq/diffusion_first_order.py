"""R6 of ``diffusion-first-order``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "diffusion-first-order",
    __name__,
    theorems={
        "resolvent_bound": ("resolvent",),
        "attained": ("resolvent",),
        "acceptance_bound": ("acceptance",),
        "exact_distance": ("resolvent, exactly",),
    },
    mutants=(
        ("(first_order x A i) <= x * x.", "(first_order x A i) <= x * x * x."),
        ("(moved n q (first_order x A))) <= x * x.", "(moved n q (first_order x A))) <= x * x / 4."),
        ("x * x * TV n (A i) (product n A (product n A R0) i).", "x * x * TV n (A i) (product n A R0 i)."),
    ),
    model=(
        "stochastic 3 3 chain /\\ resolvent 3 (/ 2) chain (chain_resolvent (/ 2))",
        "destruct (attained (/ 2)) as [H [_ [G _]]]; [lra|]. split; assumption.",
    ),
    notes=("the resolvent is any row-stochastic R with R = (1 - x) I + x R A",),
)
