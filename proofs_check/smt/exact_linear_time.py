"""R3 of ``exact-linear-time``."""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._source import FreeSource
from rdk_theory.theorems._claim import Instance


def _laws_and_tries(source: FreeSource) -> Instance:
    size = source.largest
    return {"p": source.distribution(size), "r": source.distribution(size), "tries": source.pick((0, 1, 2))}


CASES = (
    Case("law of the loop", 3, _laws_and_tries, splits=True, control_size=2),
    Case("fall-back and columns", 2, _laws_and_tries, splits=True, control_size=2),
    Case("two-stage draw", 3),
)
PROOF = smt_proof("exact-linear-time", __name__, *CASES)
