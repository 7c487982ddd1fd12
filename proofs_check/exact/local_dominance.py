"""R2 of ``local-dominance``: whether some weight wins, and how large a weight is safe, as linear programmes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import grids_of_contexts
from proofs_check.exact._programmes import at_zero, best_mixing, largest_safe_weight
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source


def _weighted(source: Source, contexts: Instance) -> Instance:
    """With the largest safe weight, one between it and 1, or 1/2 or 1."""
    limit = largest_safe_weight(**contexts)
    return {**contexts, "weight": source.pick((limit, (limit + 1) / 2, Fraction(1, 2), Fraction(1)))}


def _wins(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> bool:
    return bool(best_mixing(p, q, r) > at_zero(p, q))


CONTEXTS, WEIGHTED = grids_of_contexts(), grids_of_contexts(_weighted, " and a weight,")

PROOF = duality_proof(
    "local-dominance",
    __name__,
    Case("iff the slope is positive", _wins, CONTEXTS),
    Case("iff the slope is not negative", lambda p, q, r: bool(largest_safe_weight(p, q, r) > 0), CONTEXTS),
    Case("interval", lambda p, q, r, weight: bool(weight <= largest_safe_weight(p, q, r)), WEIGHTED),
    notes=("interval: the weights that lose nothing are the shadow of a polytope, so 0 and the largest are its ends",),
)
