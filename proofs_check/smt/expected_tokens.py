"""R3 of ``expected-tokens``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("geometric", 5),
    Case("varying rates", 2, splits=True),
    Case("one call", 2, splits=True),
    Case("trajectory", 2, splits=True),
    Case("trajectory with bonus tokens", 2, splits=True),
)
PROOF = smt_proof("expected-tokens", __name__, *CASES)
