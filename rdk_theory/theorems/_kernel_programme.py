"""The best context-free kernel as a linear programme: the second road of ``optimal-kernel``."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from rdk_theory.theorems import _roads

DENOMINATOR = 1000
"""Largest denominator of a vertex on the grids of the claims, with room to spare."""


def solve(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A kernel that maximises the mean acceptance over contexts, and prices of an optimal dual.

    For rational `p` and `q` of small denominators both are rational: a vertex of the programme and one of its dual,
    rounded to the fractions that the solver's floats stand for. Nothing is taken on trust: that they are feasible and
    of one value is what the claim checks.
    """
    key = (tuple(map(tuple, p.tolist())), tuple(map(tuple, q.tolist())))
    matrix, duals = _solve(*key)
    return (_fractions(matrix), _fractions(duals)) if p.dtype == object else (matrix, duals)


def value(p: np.ndarray, q: np.ndarray, matrix: np.ndarray) -> Any:
    """Mean acceptance of ``q' M`` over contexts, by loops."""
    count, size = p.shape
    total = 0 * p[0, 0]
    for c in range(count):
        for t in range(size):
            total += min(p[c, t], sum(q[c, i] * matrix[i, t] for i in range(q.shape[1])))
    return total / count


@lru_cache(maxsize=4096)
def _solve(p: tuple[Any, ...], q: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
    from scipy.optimize import linprog  # 0.3 s that only this claim needs

    target, draft = np.array(p, dtype=np.float64), np.array(q, dtype=np.float64)
    (count, size), kept = target.shape, draft.shape[1]
    # Variables: M row by row, then the accepted mass a of every token in every context; max mean of Σ a.
    cost = np.concatenate([np.zeros(kept * size), np.full(count * size, -1 / count)])
    accepted = np.hstack([-np.kron(draft, np.eye(size)), np.eye(count * size)])  # a ≤ q' M
    rows = np.hstack([np.kron(np.eye(kept), np.ones(size)), np.zeros((kept, count * size))])
    bounds = [(0, 1)] * (kept * size) + [(0, x) for x in target.ravel()]
    limits = (accepted, np.zeros(count * size), rows, np.ones(kept))
    found = linprog(cost, *limits, bounds=bounds, method="highs-ds", options=_roads.PRECISE)
    if not found.success:
        raise RuntimeError(f"the programme of the best kernel was not solved: {found.message}")
    matrix = found.x[: kept * size].reshape(kept, size)
    duals = np.clip(-count * found.ineqlin.marginals.reshape(count, size), 0, 1)
    return matrix / matrix.sum(axis=-1, keepdims=True), duals


def _fractions(x: np.ndarray) -> np.ndarray:
    flat = [Fraction(v).limit_denominator(DENOMINATOR) for v in x.ravel().tolist()]
    return np.array(flat, dtype=object).reshape(x.shape)
