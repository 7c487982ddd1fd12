"""R3 of ``softmax-first-order``: the clauses without exponentials that unknowns can decide.

The polynomials of the proof are bounded exactly at R1.
"""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("rows", 3),
    Case("linear time", 2),
)

PROOF = smt_proof("softmax-first-order", __name__, *CASES)
