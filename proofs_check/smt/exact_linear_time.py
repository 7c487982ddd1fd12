"""R3 of ``exact-linear-time``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._source import FreeSource
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Instance


def _laws_and_tries(source: FreeSource) -> Instance:
    size = source.largest
    return {"p": source.distribution(size), "r": source.distribution(size), "tries": source.pick((0, 1, 2))}


def _rejected(p: np.ndarray, r: np.ndarray, tries: int) -> Iterator[Any]:
    """What is accepted and what is missing make up `p`; the rejected mass is the residual's."""
    accepted = [b * min(1, a / b) if b > 0 else 0 * a for a, b in zip(p, r, strict=True)]
    weights = _roads.positive_part(p, r)
    for a, kept, left in zip(p, accepted, weights, strict=True):
        yield kept + left == a
    yield 1 - sum(accepted) == sum(weights)


CASES = (
    Case("law of the loop", 3, _laws_and_tries, hints=_rejected, control_size=2),
    Case("fall-back and columns", 3, _laws_and_tries, hints=_rejected, control_size=2),
    Case("two-stage draw", 3),
)
PROOF = smt_proof("exact-linear-time", __name__, *CASES)
