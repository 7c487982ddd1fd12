"""R3 of ``restriction-is-renormalisation``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("weights", 5),
    Case("truncation does not commute", 4),
)

PROOF = smt_proof("restriction-is-renormalisation", __name__, *CASES)
