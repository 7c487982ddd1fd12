"""R2 of ``maximal-coupling``: the transport problem, solved and certified."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.exact import _instances
from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import Grid, Sample
from proofs_check.exact._programmes import coupling, is_maximal, maximal_coupling
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source

LAWS = Sample((Grid("pairs (p, r) with N ≤ 3", _instances.laws, 3, (5, 6, 7, 8)),), _instances.laws, 300, "with N ≤ 8")


def _joint(source: Source) -> Instance:
    """A joint law: independent draws, an optimal one, or between them."""
    p, r = _instances.laws(source).values()
    independent, best = np.outer(r, p), maximal_coupling(p, r)
    return {"joint": source.pick((independent, best, (independent + best) / 2))}


JOINTS = Sample(
    (Grid("joint laws that are independent, best or half way, N ≤ 3, marginals", _joint, 3, (4, 5)),),
    _joint,
    300,
    "with N ≤ 8",
)


def _most_agreement(joint: np.ndarray) -> Any:
    """Over all joint laws of the marginals of this one."""
    return coupling(joint.sum(axis=0), joint.sum(axis=1)).value


PROOF = duality_proof(
    "maximal-coupling",
    __name__,
    Case("bound", _most_agreement, JOINTS, best=True),
    Case("transport", lambda p, r: coupling(p, r).value, LAWS),
    Case("cut", lambda p, r: coupling(p, r).value, LAWS, both=True),
    Case("equality", is_maximal, JOINTS),
    notes=("bound: for every joint law with the marginals of an instance",),
)
