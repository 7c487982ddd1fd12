"""R3 of ``support-ceiling``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof

CASES = (
    Case("one draft", 5),
    Case("equality", 5),
    Case("restricted draft", 5),
    Case("restricted equality", 5),
    Case("several drafts", 2),
    Case("one sort", 2),
    Case("ceiling of several drafts", 2),
    Case("more drafts never hurt", 2),
    Case("the ceiling is approached", 2),
    Case("redistribution has none", 3),
)

PROOF = smt_proof("support-ceiling", __name__, *CASES)
