"""R2 of ``perfect-drafter``: no weight beats the cold mass, as a linear programme."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import Grid, Sample
from proofs_check.exact._programmes import best_mixing
from rdk_theory.theorems import _mixtures
from rdk_theory.theorems.perfect_drafter import CLAIM


def _best(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    return best_mixing(p[None], _mixtures.whole(draft, kept, len(p))[None], prior[None])


BUILD = CLAIM.clause("best weight").build
DRAFTERS = Sample((Grid("drafts and priors of N ≤ 3", BUILD, 3, (2, 3)),), BUILD, 200, "with N ≤ 6")

PROOF = duality_proof("perfect-drafter", __name__, Case("best weight", _best, DRAFTERS, both=True))
