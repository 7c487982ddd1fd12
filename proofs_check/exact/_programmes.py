"""The linear programmes of the claims, with certified optima."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from proofs_check.exact._certificate import Programme, Row, value_of_point, value_of_prices
from proofs_check.exact._propose import Solved, Uncertified, solve

Rows = tuple[tuple[Any, ...], ...]


def rows(array: np.ndarray) -> Rows:
    """A matrix as something that can be a key."""
    return tuple(map(tuple, array.tolist()))


def coupling(p: np.ndarray, r: np.ndarray, drafts: int = 1) -> Solved:
    """Largest ``P[Y ∈ {X_1, …, X_n}]`` over all joint laws of ``X ~ r^n`` and ``Y ~ p``; variables ``(x, y)``."""
    return _coupling(tuple(p), tuple(r), drafts)


@cache
def _coupling(p: tuple[Any, ...], r: tuple[Any, ...], drafts: int) -> Solved:
    drafted, tokens = list(product(range(len(r)), repeat=drafts)), range(len(p))
    gains = {(x, y): int(y in x) for x in drafted for y in tokens}
    of_drafts = [Row({(x, y): 1 for y in tokens}, prod(r[t] for t in x), equal=True) for x in drafted]
    of_tokens = [Row({(x, y): 1 for x in drafted}, p[y], equal=True) for y in tokens]
    return solve(Programme(gains, (*of_drafts, *of_tokens)))


def maximal_coupling(p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """A joint law with the most agreement, as a matrix: drafted token by emitted token."""
    point, tokens = coupling(p, r).point, range(len(p))
    return np.array([[point[(x,), y] for y in tokens] for x in tokens], dtype=object)


def is_maximal(joint: np.ndarray) -> bool:
    """Whether a joint law has the most agreement of its marginals: whether it is complementary to certified prices."""
    size = len(joint)
    prices = coupling(joint.sum(axis=0), joint.sum(axis=1)).prices
    spare = {(x, y): prices[x] + prices[size + y] - (x == y) for x in range(size) for y in range(size)}
    return all(joint[x, y] == 0 or left == 0 for (x, y), left in spare.items())


WEIGHT = "weight"


def best_mixing(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    """``max_θ f(θ)`` over ``[0, 1]``."""
    return _mixing(rows(p), rows(q), rows(r), 0, None).value


def least_weight(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    """``min {θ : f(θ) = max f}``."""
    return -_mixing(rows(p), rows(q), rows(r), -1, best_mixing(p, q, r)).value


def largest_safe_weight(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    """``max {θ : f(θ) ≥ f(0)}``; the set is convex and holds 0, so it is ``[0, θ_max]``."""
    return _mixing(rows(p), rows(q), rows(r), 1, at_zero(p, q)).value


def at_zero(p: np.ndarray, q: np.ndarray) -> Any:
    """``f(0)``."""
    return sum(min(a, b) for a, b in zip(p.ravel(), q.ravel(), strict=True)) / len(p)


@cache
def _mixing(p: Rows, q: Rows, r: Rows, of_weight: int, floor: Any) -> Solved:
    """The most accepted, or with a `floor` of acceptance the largest (+1) or least (−1) weight."""
    cells = list(product(range(len(p)), range(len(p[0]))))
    limits = [Row({WEIGHT: 1}, 1)]
    for c, t in cells:
        limits.append(Row({(c, t): 1}, p[c][t]))
        limits.append(Row({(c, t): 1, WEIGHT: q[c][t] - r[c][t]}, q[c][t]))
    if floor is not None:
        limits.append(Row(dict.fromkeys(cells, -1), -floor * len(p)))
    gains = dict.fromkeys(cells, Fraction(1, len(p)) if floor is None else 0)
    return solve(Programme({WEIGHT: of_weight, **gains}, tuple(limits)))


def best_kernel(p: np.ndarray, q: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray]:
    """Largest mean acceptance over all kernels, a kernel that has it, and the prices of accepted tokens in [0, 1]."""
    (count, size), kept = p.shape, q.shape[1]
    solved = _kernel(rows(p), rows(q), None, None)
    # The first rows say a ≤ q' M. Above 1 a price buys nothing: all of p_t is accepted then.
    duals = [[min(Fraction(1), count * solved.prices[c * size + t]) for t in range(size)] for c in range(count)]
    return solved.value, _matrix(solved, kept, size), np.array(duals, dtype=object)


def another_best_kernel(p: np.ndarray, q: np.ndarray, favoured: int) -> np.ndarray:
    """Of all kernels with the largest mean acceptance, one that sends most to the `favoured` token."""
    return _matrix(_kernel(rows(p), rows(q), best_kernel(p, q)[0], favoured), q.shape[1], p.shape[1])


def _matrix(solved: Solved, kept: int, size: int) -> np.ndarray:
    return np.array([[solved.point["kernel", i, j] for j in range(size)] for i in range(kept)], dtype=object)


def kernel_gap(p: np.ndarray, q: np.ndarray, matrix: np.ndarray, duals: np.ndarray) -> Any:
    """What prices bound, less what a kernel accepts: both are checked to be feasible for the programme."""
    (count, size), kept, proposals = p.shape, q.shape[1], q @ matrix
    programme = _kernel_programme(rows(p), rows(q), None, None)
    point: dict[Any, Any] = {("kernel", i, j): matrix[i, j] for i in range(kept) for j in range(size)}
    point |= {(c, t): min(p[c, t], proposals[c, t]) for c in range(count) for t in range(size)}
    worth = [max(sum(q[c, i] * duals[c, j] for c in range(count)) for j in range(size)) for i in range(kept)]
    prices = [*duals.ravel(), *(1 - duals.ravel()), *worth]
    low, high = value_of_point(programme, point), value_of_prices(programme, [price / count for price in prices])
    if low is None or high is None:
        raise Uncertified("the kernel or the prices are not feasible")
    return high - low


@cache
def _kernel(p: Rows, q: Rows, floor: Any, favoured: int | None) -> Solved:
    return solve(_kernel_programme(p, q, floor, favoured))


def _kernel_programme(p: Rows, q: Rows, floor: Any, favoured: int | None) -> Programme:
    """The most accepted, or with a `floor` of acceptance the most that goes to the `favoured` token."""
    contexts, tokens, kept = range(len(p)), range(len(p[0])), range(len(q[0]))
    accepted = [Row({(c, t): 1, **{("kernel", i, t): -q[c][i] for i in kept}}, 0) for c in contexts for t in tokens]
    wanted = [Row({(c, t): 1}, p[c][t]) for c in contexts for t in tokens]
    laws = [Row({("kernel", i, t): 1 for t in tokens}, 1, equal=True) for i in kept]
    shares: dict[Any, Any] = dict.fromkeys(product(contexts, tokens), Fraction(1, len(p)))
    limits = [*accepted, *wanted, *laws]
    if floor is not None:
        limits.append(Row({cell: -share for cell, share in shares.items()}, -floor))
        shares = dict.fromkeys(shares, 0)
    gains = {("kernel", i, t): int(t == favoured) for i in kept for t in tokens}
    return Programme({**gains, **shares}, tuple(limits))
