"""R3 of ``overshoot``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("gain", 4),
    Case("target on kept tokens", 4),
    Case("right mass, wrong token", 4),
    Case("largest loss", 4),
    Case("covered", 4),
    Case("not wasted", 4),
)

PROOF = smt_proof("overshoot", __name__, *CASES)
