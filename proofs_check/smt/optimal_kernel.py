"""R3 of ``optimal-kernel``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("gap", 3),
    Case("bound", 3),
    Case("concave", 3),
    Case("deterministic kernels fall short", 4),
)

PROOF = smt_proof("optimal-kernel", __name__, *CASES)
