"""R2 of ``draft-modes``: the ratio test as the best verifier, of a sampled draft and of its argmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.exact import _instances
from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import Grid, Sample
from proofs_check.exact._programmes import coupling, is_maximal
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source
from rdk_theory.theorems.draft_modes import CLAIM


def _laws(source: Source) -> Instance:
    """Laws, the same one twice made common beyond the grid."""
    laws = _instances.laws(source)
    return laws if source.exact or source.pick((True, True, False)) else {**laws, "r": laws["p"]}


def _of_argmax(p: np.ndarray, r: np.ndarray) -> Any:
    """The best verifier of a draft that is the likeliest token."""
    point = 0 * r
    point[list(r).index(max(r))] += 1
    return coupling(p, point).value


def _difference(p: np.ndarray, r: np.ndarray) -> Any:
    return _of_argmax(p, r) - coupling(p, r).value


LAWS = Sample((Grid("pairs (p, r) with N ≤ 3", _laws, 3, (4, 6)),), _laws, 200, "with N ≤ 8")


def _registry(clause: str) -> Sample:
    """Instances of the special form that the clause is about."""
    build = CLAIM.clause(clause).build
    return Sample((Grid("laws of N ≤ 3, before they are flattened,", build, 3, (4, 6)),), build, 50, "with N ≤ 6")


PROOF = duality_proof(
    "draft-modes",
    __name__,
    Case("argmax", _of_argmax, LAWS),
    Case("equality of match and ratio", lambda p, r: is_maximal(np.outer(r, p)), LAWS),
    Case("argmax from above", _difference, LAWS),
    Case("argmax from below", _difference, LAWS),
    Case("argmax can win", _of_argmax, _registry("argmax can win")),
    Case("argmax can lose", _of_argmax, _registry("argmax can lose")),
    notes=("equality of match and ratio: whether independent draws are complementary to certified prices",),
)
