"""R2 of ``optimal-mixing``: the best weight as a linear programme, and the least weight that is best as another."""

from __future__ import annotations

from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import grids_of_contexts
from proofs_check.exact._programmes import best_mixing, least_weight

CONTEXTS = grids_of_contexts()

PROOF = duality_proof(
    "optimal-mixing",
    __name__,
    Case("maximum", best_mixing, CONTEXTS, both=True),
    Case("smallest maximiser", least_weight, CONTEXTS),
    Case("selection", least_weight, CONTEXTS, both=True),
)
