"""``maximal-coupling``: no verifier of one draft that emits the target's law accepts more often than the overlap."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source


def _laws(source: Source) -> Instance:
    size = source.size(1, 5)
    return {"p": source.distribution(size), "r": source.distribution(size)}


def _joint(source: Source) -> Instance:
    """The joint law of drafted token (row) and emitted token (column) under some verifier: any law of pairs is one."""
    size = source.size(1, 4)
    return {"joint": source.rational_distribution(size * size).reshape(size, size)}


def _maximal_joint(source: Source) -> Instance:
    """As `_joint`, with the maximal coupling of the same marginals made common."""
    joint = _joint(source)["joint"]
    if source.pick((True, False)):
        joint = _coupling(joint.sum(axis=0), joint.sum(axis=1))
    return {"joint": joint}


def _coupling(p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """The verifier's joint law: what is common stays, what was rejected is spread over the residual."""
    common = np.minimum(p, r)
    rejected = 1 - common.sum()
    joint = np.outer(r - common, p - common) / rejected if rejected > 0 else 0 * np.outer(p, r)
    joint[np.diag_indices(len(p))] += common
    return joint


def _bound(joint: np.ndarray) -> Any:
    return acceptance_rate(joint.sum(axis=0), joint.sum(axis=1))


def _agreement(joint: np.ndarray) -> Any:
    return sum(joint[t, t] for t in range(len(joint)))


def _is_maximal(joint: np.ndarray) -> bool:
    return bool(_agreement(joint) == _roads.overlap(joint.sum(axis=0).tolist(), joint.sum(axis=1).tolist()))


def _from_over_to_under(joint: np.ndarray) -> bool:
    """Whether every pair of different tokens leaves an over-covered one and reaches an under-covered one."""
    p, r = joint.sum(axis=0), joint.sum(axis=1)
    pairs = [(x, y) for x, y in np.argwhere(joint > 0) if x != y]
    return all(r[x] > p[x] and p[y] > r[y] for x, y in pairs)


def _largest(p: np.ndarray, r: np.ndarray) -> float:
    """The transport problem, solved: largest probability of agreement over all couplings."""
    from scipy.optimize import linprog

    size = len(p)
    rows = np.kron(np.eye(size), np.ones(size))
    columns = np.kron(np.ones(size), np.eye(size))
    marginals = np.concatenate([r, p[:-1]])
    found = linprog(-np.eye(size).ravel(), A_eq=np.vstack([rows, columns[:-1]]), b_eq=marginals, options=_roads.PRECISE)
    return -float(found.fun)


def _attained() -> Instance:
    p, r = (np.array([Fraction(n, 6) for n in row], dtype=object) for row in ((1, 2, 3), (3, 3, 0)))
    return {"joint": _coupling(p, r)}


CLAIM = Claim(
    id="maximal-coupling",
    title="No verifier accepts more",
    section="A",
    statement=(
        r"\text{If } X \sim r,\; Y \sim p \text{ then } P[Y = X] \le \alpha(p, r) = \min_{H \subseteq T} [p(H) + "
        r"r(T \setminus H)], \text{ with equality iff } P[X = x, Y = y] > 0,\; x \ne y "
        r"\text{ implies } r_x > p_x \text{ and } p_y > r_y"
    ),
    source="the coupling inequality; transport duality",
    clauses=(
        Clause(
            name="bound",
            kind=Kind.TIGHT_UPPER,
            statement=r"P[Y = X] \le \alpha(p, r) \text{ for every joint law with } X \sim r,\; Y \sim p",
            build=_joint,
            stated=_bound,
            measured=_agreement,
            controls=(
                Control("agreement of independent draws", stated=lambda joint: joint.sum(axis=0) @ joint.sum(axis=1)),
                Control("a little less", stated=lambda joint: _bound(joint) * Fraction(99, 100)),
            ),
            attained=_attained,
            grid_denominator=4,
        ),
        Clause(
            name="transport",
            kind=Kind.IDENTITY,
            statement=r"\max_{X \sim r,\, Y \sim p} P[Y = X] = \alpha(p, r)",
            build=_laws,
            stated=lambda p, r: acceptance_rate(p, r),
            measured=_largest,
            controls=(Control("agreement of independent draws", stated=lambda p, r: p @ r),),
            exact=False,
            samples=40,
            tolerance=1e-9,  # the solver's own feasibility tolerance, on at most 25 entries
        ),
        Clause(
            name="cut",
            kind=Kind.IDENTITY,
            statement=r"\min_{H \subseteq T} [p(H) + r(T \setminus H)] = \alpha(p, r)",
            build=_laws,
            stated=lambda p, r: acceptance_rate(p, r),
            measured=lambda p, r: _roads.cheapest_cut(p.tolist(), r.tolist()),
            controls=(Control("the empty set alone", measured=lambda p, r: r.sum()),),
            grid_denominator=4,
        ),
        Clause(
            name="equality",
            kind=Kind.IDENTITY,
            statement=(
                r"P[Y = X] = \alpha(p, r) \iff P[X = x, Y = y] > 0,\; x \ne y \text{ implies } r_x > p_x,\; p_y > r_y"
            ),
            build=_maximal_joint,
            stated=lambda joint: _from_over_to_under(joint),
            measured=lambda joint: _is_maximal(joint),
            controls=(
                Control("no pair of different tokens", stated=lambda joint: bool(_agreement(joint) == 1)),
                Control("always", stated=lambda joint: True),
            ),
            grid_denominator=3,
        ),
    ),
    remarks=(
        "The equality case says what is free: every maximal verifier accepts token t with probability min(p_t, r_t), "
        "and emits a rejected token from the residual; only which rejected draft is replaced by which token is open.",
    ),
)
