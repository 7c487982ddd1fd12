"""R2 of ``optimal-kernel``: the programme of the best kernel, and prices that bound every kernel."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import Grid, Sample
from proofs_check.exact._programmes import another_best_kernel, best_kernel, kernel_gap
from rdk_theory.theorems import _kernel_programme as programme
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source
from rdk_theory.theorems.optimal_kernel import CLAIM


def _contexts(source: Source) -> Instance:
    """Targets and drafts: on a grid of few contexts, tokens and kept tokens, else of up to 4, 8 and 4."""
    if source.exact:
        count, size, kept = source.pick(SHAPES)
    else:
        count, size = source.size(1, 4), source.size(2, 8)
        kept = source.size(1, min(size, 4))
    return {"p": source.distributions(count, size), "q": source.distributions(count, kept)}


def _solved(source: Source) -> Instance:
    """With a best kernel and its prices."""
    instance = _contexts(source)
    _, matrix, duals = best_kernel(**instance)
    return {**instance, "matrix": matrix, "duals": duals}


def _priced(source: Source) -> Instance:
    """With a kernel that is half way to a best one, and with prices of that one, none, all, or others."""
    instance = _solved(source)
    p, _, best, duals = instance.values()
    others = [duals, 0 * duals, 0 * duals + 1, 1 - duals]
    if not source.exact:
        others.append(np.array([[Fraction(source.weight()) for _ in row] for row in p], dtype=object))
    return {**instance, "matrix": (best + _flat(best)) / 2, "duals": source.pick(others)}


def _candidate(source: Source) -> Instance:
    """Prices of a best kernel; that kernel, another best one, the mean of both, or half way to one that need not be."""
    instance = _solved(source)
    p, q, best, _ = instance.values()
    another = another_best_kernel(p, q, source.pick((0, p.shape[1] - 1)))
    return {**instance, "matrix": source.pick((best, another, (best + another) / 2, (best + _flat(best)) / 2))}


def _flat(matrix: np.ndarray) -> np.ndarray:
    """The kernel that sends everything everywhere."""
    return np.full(matrix.shape, Fraction(1, matrix.shape[1]), dtype=object)


def _largest(p: np.ndarray, q: np.ndarray, **_: Any) -> Any:
    return best_kernel(p, q)[0]


def _is_best(p: np.ndarray, q: np.ndarray, matrix: np.ndarray, duals: np.ndarray) -> bool:
    return bool(programme.value(p, q, matrix) == best_kernel(p, q)[0])


SHAPES = ((1, 3, 1), (1, 3, 2), (2, 2, 1), (2, 2, 2), (2, 3, 1), (2, 3, 2), (3, 2, 2))


def _sample(build: Callable[[Source], Instance], added: str = "") -> Sample:
    shapes = ", ".join(map(str, SHAPES))
    return Sample(
        (Grid(f"contexts{added} with (C, N, K) among {shapes}", build, 3, (2,)),),
        build,
        200,
        "with C ≤ 4, N ≤ 8, K ≤ 4",
    )


SOLVED, PRICED, CANDIDATES = _sample(_solved), _sample(_priced, " and prices"), _sample(_candidate, " and kernels")
ONE_KEPT = Sample(
    (Grid("contexts with (C, N, K) = (1, 2, 1)", CLAIM.clause("deterministic kernels fall short").build, 2, (30,)),)
)

PROOF = duality_proof(
    "optimal-kernel",
    __name__,
    Case("gap", kernel_gap, PRICED),
    Case("bound", _largest, PRICED, best=True),
    Case("strong duality", _largest, SOLVED, both=True),
    Case("optimal iff complementary", _is_best, CANDIDATES),
    Case("at least TLI", _largest, SOLVED),
    Case("deterministic kernels fall short", _largest, ONE_KEPT),
    notes=("bound: for every kernel at once, at the prices of an instance",),
)
