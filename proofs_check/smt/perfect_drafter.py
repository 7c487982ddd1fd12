"""R3 of ``perfect-drafter``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("value", 4),
    Case("free weights", 3),
    Case("best weight", 3),
    Case("free weights of a noisy drafter", 3),
    Case("no larger weight", 4),
)

PROOF = smt_proof("perfect-drafter", __name__, *CASES)
