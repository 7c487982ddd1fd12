"""What makes an optimum certain: a point and prices, both feasible and of one value, checked in rationals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

Variable: TypeAlias = Any
"""A name: anything that can be a key."""


@dataclass(frozen=True)
class Row:
    """``Σ terms_v x_v ≤ bound``, or ``=``."""

    terms: Mapping[Variable, Any]
    bound: Any
    equal: bool = False


@dataclass(frozen=True)
class Programme:
    """``max Σ gains_v x_v`` over ``x ≥ 0`` that satisfy every row; `gains` names every variable."""

    gains: Mapping[Variable, Any]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        for place, row in enumerate(self.rows):
            if unknown := set(row.terms) - set(self.gains):
                raise ValueError(f"row {place} has the variables {sorted(map(str, unknown))}, which have no gain")


def optimum(programme: Programme, point: Mapping[Variable, Any], prices: Sequence[Any]) -> Any:
    """The optimum, or `None` if point and prices do not certify one."""
    low, high = value_of_point(programme, point), value_of_prices(programme, prices)
    return low if low is not None and low == high else None


def value_of_point(programme: Programme, point: Mapping[Variable, Any]) -> Any:
    """What a feasible point gains, so that the optimum is no less; `None` if the point is not feasible."""
    if point.keys() != programme.gains.keys() or not _rational(point.values()) or min(point.values()) < 0:
        return None
    for row in programme.rows:
        left = sum(a * point[v] for v, a in row.terms.items())
        if left > row.bound or (row.equal and left != row.bound) or not _rational([*row.terms.values(), row.bound]):
            return None
    return sum(gain * point[v] for v, gain in programme.gains.items())


def value_of_prices(programme: Programme, prices: Sequence[Any]) -> Any:
    """What all rows cost at feasible prices, so that the optimum is no more; `None` if they are not feasible."""
    if len(prices) != len(programme.rows) or not _rational([*prices, *programme.gains.values()]):
        return None
    paid = dict.fromkeys(programme.gains, Fraction(0))
    for row, price in zip(programme.rows, prices, strict=True):
        if price < 0 and not row.equal:
            return None
        for v, a in row.terms.items():
            paid[v] += a * price
    if any(paid[v] < gain for v, gain in programme.gains.items()):
        return None
    return sum(price * row.bound for row, price in zip(programme.rows, prices, strict=True))


def _rational(numbers: Iterable[Any]) -> bool:
    """Whether all are Python's integers or fractions: a float certifies nothing."""
    return all(isinstance(x, int | Fraction) for x in numbers)
