"""R3 of ``diffusion-first-order``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("resolvent", 2),
    Case("resolvent, exactly", 2),
    Case("resolvent, equality", 2),
    Case("acceptance", 2),
)

PROOF = smt_proof("diffusion-first-order", __name__, *CASES)
