"""R3 of ``finite-weight``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("gain", 5),
    Case("bound", 5),
    Case("equality", 4),
    Case("dominance", 4),
    Case("not necessary", 4),
)

PROOF = smt_proof("finite-weight", __name__, *CASES)
