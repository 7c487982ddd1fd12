"""Where certificates come from: a solver in floats proposes, and the rationals that it stands for are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from proofs_check.exact._certificate import Programme, Variable, optimum

NEAR = 1e-7
"""What the solver calls 0: its tolerances are 1e-10, and this decides only what is tried, not what is believed."""
DENOMINATOR = 10_000
"""Largest denominator of a number read off a float; others come from exact equations."""

Terms: TypeAlias = Mapping[Any, Any]


class Uncertified(ArithmeticError):
    """No exact certificate was found, so that nothing is known about this instance."""


@dataclass(frozen=True)
class Solved:
    """An optimum with the point and the prices that certify it."""

    value: Any
    point: Mapping[Variable, Any]
    prices: tuple[Any, ...]


def solve(programme: Programme) -> Solved:
    """The certified optimum; raises `Uncertified` if the solver fails or its answer fails the exact check."""
    x, y = _floats(programme)
    for road in (_nearest, _on_tight_rows):
        point, prices = road(programme, x, y)
        value = optimum(programme, point, prices)
        if value is not None:
            return Solved(value, point, tuple(prices))
    raise Uncertified(f"what HiGHS proposed for {len(programme.gains)} variables fails the exact check")


def _floats(programme: Programme) -> tuple[dict[Variable, float], list[float]]:
    """Point and prices as HiGHS finds them."""
    from scipy.optimize import linprog

    place = {v: i for i, v in enumerate(programme.gains)}
    matrix = np.zeros((len(programme.rows), len(place)))
    for i, row in enumerate(programme.rows):
        for v, a in row.terms.items():
            matrix[i, place[v]] = a
    bounds = np.array([float(row.bound) for row in programme.rows])
    equal = np.array([row.equal for row in programme.rows], dtype=bool)
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    found = linprog(
        -np.array([float(gain) for gain in programme.gains.values()]),
        A_ub=matrix[~equal],
        b_ub=bounds[~equal],
        A_eq=matrix[equal],
        b_eq=bounds[equal],
        method="highs-ds",
        options=options,
    )
    if not found.success:
        raise Uncertified(f"HiGHS: {found.message}")
    prices = np.zeros(len(programme.rows))
    prices[~equal], prices[equal] = -found.ineqlin.marginals, -found.eqlin.marginals
    return dict(zip(programme.gains, found.x.tolist(), strict=True)), prices.tolist()


def _nearest(_: Programme, x: Mapping[Variable, float], y: Sequence[float]) -> tuple[dict[Variable, Any], list[Any]]:
    """The simplest fractions near the floats."""
    return {v: _simple(value) for v, value in x.items()}, [_simple(value) for value in y]


def _on_tight_rows(
    programme: Programme, x: Mapping[Variable, float], y: Sequence[float]
) -> tuple[dict[Variable, Any], list[Any]]:
    """Exact solutions of the equations that hold where the floats are near equality; what these leave open is read off.

    At a vertex nothing is left open of the point, however degenerate it is; of the prices, what redundant rows share.
    """
    tight = [row for row in programme.rows if row.equal or abs(_left(row.terms, x) - float(row.bound)) < NEAR]
    used = {v for v, value in x.items() if value > NEAR}
    point = _exact([(row.terms, row.bound) for row in tight], {v: _simple(x[v]) for v in used})
    columns: dict[Variable, dict[int, Any]] = {v: {} for v in programme.gains}
    for i, row in enumerate(programme.rows):
        for v, a in row.terms.items():
            columns[v][i] = a
    priced = {i: _simple(price) for i, price in enumerate(y) if abs(price) > NEAR}
    paid = {v: _left(terms, dict(enumerate(y))) for v, terms in columns.items()}
    met = [(columns[v], gain) for v, gain in programme.gains.items() if abs(paid[v] - float(gain)) < NEAR]
    prices = _exact(met, priced)
    return {v: point.get(v, Fraction(0)) for v in programme.gains}, [prices.get(i, Fraction(0)) for i in range(len(y))]


def _left(terms: Terms, values: Mapping[Any, float]) -> float:
    return sum(float(a) * values[v] for v, a in terms.items())


def _simple(value: float) -> Fraction:
    return Fraction(value).limit_denominator(DENOMINATOR)


def _exact(equations: Sequence[tuple[Terms, Any]], guess: Mapping[Any, Fraction]) -> dict[Any, Fraction]:
    """A solution by elimination in the variables of `guess`, all others 0; what is left free keeps its guess.

    Equations that contradict others are passed over: the check that follows finds them.
    """
    solved: list[tuple[Any, dict[Any, Fraction], Fraction]] = []
    for terms, bound in equations:
        left, right = {v: Fraction(a) for v, a in terms.items() if a and v in guess}, Fraction(bound)
        for pivot, other, constant in solved:
            if factor := left.pop(pivot, None):
                right -= factor * constant
                for v, a in other.items():
                    left[v] = left.get(v, Fraction(0)) - factor * a
        left = {v: a for v, a in left.items() if a}
        if left:
            pivot, scale = next(iter(left.items()))
            solved.append((pivot, {v: a / scale for v, a in left.items() if v != pivot}, right / scale))
    found = dict(guess)
    for pivot, other, constant in reversed(solved):
        found[pivot] = constant - sum(a * found[v] for v, a in other.items())
    return found
