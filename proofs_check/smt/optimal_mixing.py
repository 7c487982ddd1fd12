"""R3 of ``optimal-mixing``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._mixing import one_context

CASES = (
    Case("piecewise linear", 2),
    Case("maximum", 3, one_context),
    Case("smallest maximiser", 2, one_context),
    Case("selection", 2, one_context),
    Case("selection is linear", 3),
)
PROOF = smt_proof("optimal-mixing", __name__, *CASES)
