"""R2 of ``cold-restoration``: the best weight on cold tokens as a linear programme."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import Grid, Sample
from proofs_check.exact._programmes import at_zero, best_mixing
from rdk_theory.theorems import _mixtures
from rdk_theory.theorems.cold_restoration import CLAIM


def _rows(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, ...]:
    """One context: target, draft over all tokens, prior."""
    return p[None], _mixtures.whole(draft, kept, len(p))[None], prior[None]


def _beats_tli(**instance: Any) -> bool:
    p, q, r = _rows(**instance)
    return bool(best_mixing(p, q, r) > at_zero(p, q))


def _passes_the_ceiling(**instance: Any) -> bool:
    return bool(best_mixing(*_rows(**instance)) > sum(instance["p"][t] for t in instance["kept"]))


def _registry(clause: str, what: str) -> Sample:
    build = CLAIM.clause(clause).build
    return Sample((Grid(f"{what} of N ≤ 3", build, 3, (3, 4)),), build, 200, "with N ≤ 6")


PROOF = duality_proof(
    "cold-restoration",
    __name__,
    Case("criterion", _beats_tli, _registry("criterion", "targets, drafts and cold priors")),
    Case(
        "ceiling passed",
        _passes_the_ceiling,
        _registry("ceiling passed", "targets, drafts that cover them where kept and cold priors"),
    ),
)
