"""R3 of ``optimal-mixing``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._mixing import one_context

CASES = (
    Case("piecewise linear", 2, splits=True),
    Case("maximum", 2, one_context, splits=True),
    Case("smallest maximiser", 2, one_context, splits=True),
    Case("selection", 2, one_context, splits=True),
    Case("selection is linear", 5),
)
PROOF = smt_proof("optimal-mixing", __name__, *CASES)
