"""R2 of ``support-ceiling``: the transport problem of several drafts, and the best kernel of one context."""

from __future__ import annotations

import numpy as np

from proofs_check.exact import _instances
from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import Grid, Sample
from proofs_check.exact._programmes import best_kernel, coupling
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source


def _drafts(source: Source) -> Instance:
    """Laws and a number of drafts; the fewer drafts, the more tokens."""
    n = source.pick((1, 2, 3))
    size = source.size(1, {1: 8, 2: 6, 3: 4}[n])
    return {"p": source.distribution(size), "r": source.distribution(size), "n": n}


def _fewer_drafts(source: Source) -> Instance:
    """As `_drafts`, so that one more draft can be taken."""
    n = source.pick((1, 2))
    size = source.size(1, {1: 6, 2: 4}[n])
    return {"p": source.distribution(size), "r": source.distribution(size), "n": n}


def _kept(source: Source) -> Instance:
    size = source.size(1, 8)
    kept = source.kept(size)
    return {"p": source.distribution(size), "draft": source.distribution(len(kept)), "kept": kept}


def _kept_coupling(p: np.ndarray, draft: np.ndarray, kept: np.ndarray) -> object:
    proposal = 0 * p
    proposal[kept] = draft
    return coupling(p, proposal).value


LAWS = Sample((Grid("pairs (p, r) with N ≤ 3", _instances.laws, 3, (6,)),), _instances.laws, 200, "with N ≤ 8")
KEPT = Sample((Grid("pairs (p, q') with N ≤ 3", _kept, 3, (3, 4)),), _kept, 200, "with N ≤ 8")
DRAFTS = Sample(
    (Grid("pairs (p, r) with N ≤ 3, n ≤ 3,", _drafts, 3, (3, 4)),), _drafts, 150, "with N ≤ 8, 6, 4 for n = 1, 2, 3"
)
FEWER = Sample(
    (Grid("pairs (p, r) with N ≤ 3, n ≤ 2,", _fewer_drafts, 3, (3, 4)),),
    _fewer_drafts,
    100,
    "with N ≤ 6, 4 for n = 1, 2",
)

PROOF = duality_proof(
    "support-ceiling",
    __name__,
    Case("one draft", lambda p, r: coupling(p, r).value, LAWS),
    Case("equality", lambda p, r: bool(coupling(p, r).value == p[r > 0].sum()), LAWS),
    Case("restricted draft", _kept_coupling, KEPT),
    Case("restricted equality", lambda p, draft, kept: bool(_kept_coupling(p, draft, kept) == p[kept].sum()), KEPT),
    Case("several drafts", lambda p, r, n: coupling(p, r, n).value, DRAFTS, both=True),
    Case("several drafts, as a linear program", lambda p, r, n: coupling(p, r, n).value, DRAFTS),
    Case("one sort", lambda p, r, n: coupling(p, r, n).value, DRAFTS, both=True),
    Case("ceiling of several drafts", lambda p, r, n: coupling(p, r, n).value, DRAFTS),
    Case("more drafts never hurt", lambda p, r, n: coupling(p, r, n + 1).value, FEWER),
    Case("the ceiling is approached", lambda p, r, n: coupling(p, r, n).value, DRAFTS),
    Case("redistribution has none", lambda p, draft, kept: best_kernel(p[None], draft[None])[0], KEPT),
)
