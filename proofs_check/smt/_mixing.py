"""Goals about mixtures ``f(θ) = E α(p, (1−θ) q' + θ r)``, where a road of the registry tries every bend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from proofs_check.smt._relations import relations
from proofs_check.smt._source import FreeSource
from proofs_check.smt._symbols import Guard, choose, guard
from rdk_theory.theorems import _mixtures
from rdk_theory.theorems._claim import Clause, Instance

Parts = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Target, baseline and prior of an instance."""


def one_context(source: FreeSource) -> Instance:
    """One context of as many tokens as the case says."""
    return {name: source.distribution(source.largest).reshape(1, -1) for name in ("p", "q", "r")}


def steps(source: FreeSource) -> Instance:
    """One context, its prior given by the step ``θ (r − q')`` at a weight: mixtures at that weight are then linear."""
    p, q = source.distribution(source.largest), source.distribution(source.largest)
    weight = positive(source)
    moves = [source.real() for _ in range(source.largest - 1)]
    r = [b + move / weight for b, move in zip(q, [*moves, -sum(moves)], strict=True)]
    for value in r:
        source.assume(value >= 0)
    source.chosen = weight
    return {name: row.reshape(1, -1) for name, row in (("p", p), ("q", q), ("r", source.row(r)))}


def same(p: np.ndarray, q: np.ndarray, r: np.ndarray, **_: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Instances that are target, baseline and prior."""
    return p, q, r


def cold(
    p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, **_: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Instances with a draft on kept tokens."""
    return p, _mixtures.whole(draft, kept, len(p)), prior


def early(source: FreeSource, p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    """Any weight in (0, 1] up to which no term has bent: ``p − q'`` has not changed sign. There always is one."""
    weight = positive(source)
    for a, b, c in zip(np.ravel(p), np.ravel(q), np.ravel(r), strict=True):
        now = b + weight * (c - b)
        source.assume(guard(a == b) | (guard(a > b) & guard(a >= now)) | (guard(a < b) & guard(a <= now)))
    return weight


def positive(source: FreeSource) -> Any:
    """Any weight in (0, 1]; that of the instance where it has one."""
    if source.chosen is not None:
        return source.chosen
    weight = source.real()
    source.assume(weight > 0)
    source.assume(weight <= 1)
    return weight


def rises(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> list[Any]:
    """The slope of each term right of 0."""
    rows = zip(np.ravel(p), np.ravel(q), np.ravel(r), strict=True)
    return [choose(b < a, c - b, choose(b == a, min(c - b, 0), 0)) for a, b, c in rows]


def _sum_of_rises(source: FreeSource, p: np.ndarray, q: np.ndarray, r: np.ndarray, weight: Any, *, early: bool) -> Any:
    """Prove that each term is, or at a late weight is at most, its value at 0 and its rise; then give their sum."""
    total: Any = 0
    for a, b, c, rise in zip(np.ravel(p), np.ravel(q), np.ravel(r), rises(p, q, r), strict=True):
        grown = min(a, b) + weight * rise
        now = min(a, (1 - weight) * b + weight * c)
        source.lemma(now == grown if early else now <= grown)
        total = total + weight * rise
    return total


def slope(parts: Parts) -> Callable[[FreeSource, Clause, Instance], list[Guard | bool]]:
    """The stated number is ``(f(h) − f(0)) / h`` for every early `h`: what the registry computes for one `h`."""

    def goal(source: FreeSource, clause: Clause, instance: Instance) -> list[Guard | bool]:
        p, q, r = parts(**instance)
        h = early(source, p, q, r)
        _sum_of_rises(source, p, q, r, h, early=True)
        rise = _mixtures.value(p, q, r, h) - _mixtures.value(p, q, r, 0)
        return relations(clause.kind, rise, h * clause.stated(**instance))

    return goal


def some_weight(parts: Parts, *, strict: bool) -> Callable[[FreeSource, Clause, Instance], list[Guard | bool]]:
    """The stated truth value holds iff some positive weight wins (`strict`), or loses nothing.

    Where it is true, every early weight does; where it is false, no weight does.
    """

    def goal(source: FreeSource, clause: Clause, instance: Instance) -> list[Guard | bool]:
        p, q, r = parts(**instance)
        start = _mixtures.value(p, q, r, 0)
        if clause.stated(**instance):
            h = early(source, p, q, r)
            total = _sum_of_rises(source, p, q, r, h, early=True)
            source.lemma(total > 0 if strict else total >= 0)
            value = _mixtures.value(p, q, r, h)
            return [value > start if strict else value >= start]
        weight = positive(source)
        total = _sum_of_rises(source, p, q, r, weight, early=False)
        source.lemma(total <= 0 if strict else total < 0)
        value = _mixtures.value(p, q, r, weight)
        return [value <= start if strict else value < start]

    return goal
