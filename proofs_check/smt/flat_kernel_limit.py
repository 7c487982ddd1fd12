"""R3 of ``flat-kernel-limit``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("entry in weights", 3),
    Case("sharp entry in weights", 3),
    Case("variances suffice", 3),
)

PROOF = smt_proof("flat-kernel-limit", __name__, *CASES)
