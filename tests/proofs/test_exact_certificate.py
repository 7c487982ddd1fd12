"""The check of a certificate, and where certificates come from: nothing that a solver says is believed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from proofs_check.exact import _propose
from proofs_check.exact._certificate import Programme, Row, optimum, value_of_point, value_of_prices
from proofs_check.exact._programmes import coupling, is_maximal, maximal_coupling
from proofs_check.exact._propose import Uncertified, solve

HALF, THIRD, SMALL = Fraction(1, 2), Fraction(1, 3), Fraction(1, 10**9)

# max 3x + 2y, x + y ≤ 4, x ≤ 3, x + 2y = 5: (3, 1), of value 11, at prices (0, 2, 1).
PROGRAMME = Programme(
    {"x": 3, "y": 2},
    (Row({"x": 1, "y": 1}, 4), Row({"x": 1}, 3), Row({"x": 1, "y": 2}, 5, equal=True)),
)
POINT = {"x": Fraction(3), "y": Fraction(1)}
PRICES = (Fraction(0), Fraction(2), Fraction(1))


def _law(*numerators: int) -> np.ndarray:
    return np.array([Fraction(n, sum(numerators)) for n in numerators], dtype=object)


def test_a_right_pair_certifies_its_value() -> None:
    assert optimum(PROGRAMME, POINT, PRICES) == 11


@pytest.mark.parametrize(
    "point",
    [
        {"x": 3 + SMALL, "y": 1 - SMALL / 2},  # breaks x ≤ 3
        {"x": Fraction(3), "y": 1 + SMALL},  # breaks the equation
        {"x": Fraction(3), "y": 1 - SMALL},
        {"x": Fraction(7), "y": Fraction(-1)},  # not all are non-negative
        {"x": Fraction(3)},
        {"x": Fraction(3), "y": Fraction(1), "z": Fraction(0)},
        {"x": 3.0, "y": 1.0},
    ],
)
def test_a_point_that_is_not_feasible_certifies_nothing(point: dict[Any, Any]) -> None:
    assert value_of_point(PROGRAMME, point) is None
    assert optimum(PROGRAMME, point, PRICES) is None


@pytest.mark.parametrize(
    "prices",
    [
        (Fraction(0), 2 - SMALL, Fraction(1)),  # x is worth more than it costs
        (Fraction(0), Fraction(2), 1 - SMALL),
        (-SMALL, Fraction(2) + SMALL, Fraction(1) + SMALL),  # a price below 0
        (Fraction(2), Fraction(1)),
        (0.0, 2.0, 1.0),
    ],
)
def test_prices_that_are_not_feasible_certify_nothing(prices: tuple[Any, ...]) -> None:
    assert value_of_prices(PROGRAMME, prices) is None
    assert optimum(PROGRAMME, POINT, prices) is None


def test_a_feasible_pair_that_is_not_optimal_certifies_nothing() -> None:
    worse = {"x": 1, "y": 2}
    dearer = (SMALL, Fraction(2), Fraction(1))
    assert value_of_point(PROGRAMME, worse) == 7
    assert value_of_prices(PROGRAMME, dearer) == 11 + 4 * SMALL
    assert optimum(PROGRAMME, worse, PRICES) is None
    assert optimum(PROGRAMME, POINT, dearer) is None


def test_a_price_below_zero_is_right_for_an_equation_only() -> None:
    equation = Programme({"x": -1}, (Row({"x": 1}, HALF, equal=True),))
    assert optimum(equation, {"x": HALF}, (-1,)) == -HALF
    inequality = Programme({"x": -1}, (Row({"x": 1}, HALF),))
    assert optimum(inequality, {"x": HALF}, (-1,)) is None


def test_floats_in_the_programme_certify_nothing() -> None:
    assert optimum(Programme({"x": 1}, (Row({"x": 1}, 0.5),)), {"x": HALF}, (1,)) is None
    assert optimum(Programme({"x": 1}, (Row({"x": 1.0}, 1),)), {"x": 1}, (1,)) is None
    assert optimum(Programme({"x": 1.0}, (Row({"x": 1}, 1),)), {"x": 1}, (1,)) is None


def test_a_row_may_not_name_a_variable_that_has_no_gain() -> None:
    with pytest.raises(ValueError, match=r"row 1 has the variables \['y'\]"):
        Programme({"x": 1}, (Row({"x": 1}, 1), Row({"y": 1}, 1)))


def test_the_solver_finds_the_pair() -> None:
    assert solve(PROGRAMME).value == 11


@pytest.mark.parametrize("road", ["_nearest", "_on_tight_rows"])
def test_a_degenerate_programme_is_certified_by_either_road(road: str) -> None:
    """One equation follows from the others, one row stands twice, most variables are 0, and optima are many."""
    tokens = range(3)
    gains = {(x, y): int(x == y) for x in tokens for y in tokens}
    drafted = [Row({(x, y): 1 for y in tokens}, THIRD, equal=True) for x in tokens]
    emitted = [Row({(x, y): 1 for x in tokens}, int(y == 2), equal=True) for y in tokens]
    programme = Programme(gains, (*drafted, *emitted, drafted[0], Row(dict.fromkeys(gains, 1), 1)))
    x, y = _propose._floats(programme)
    point, prices = getattr(_propose, road)(programme, x, y)
    assert optimum(programme, point, prices) == THIRD


def test_denominators_beyond_what_a_float_can_show_are_found_on_the_tight_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    p, r = _law(123_456_789, 987_654_321, 55_555_555), _law(314_159_265, 271_828_182, 141_421_356)
    assert coupling(p, r).value == np.minimum(p, r).sum()
    monkeypatch.setattr(_propose, "_on_tight_rows", _propose._nearest)
    with pytest.raises(Uncertified, match="fails the exact check"):
        coupling(_law(123_456_789, 987_654_321, 55_555_557), r)


def _moved(x: dict[Any, float], y: list[float]) -> tuple[dict[Any, float], list[float]]:
    return {v: value + 1e-3 for v, value in x.items()}, y


def _dearer(x: dict[Any, float], y: list[float]) -> tuple[dict[Any, float], list[float]]:
    return x, [price + 1e-3 for price in y]


def _flattened(x: dict[Any, float], y: list[float]) -> tuple[dict[Any, float], list[float]]:
    return dict.fromkeys(x, 0.0), y


@pytest.mark.parametrize("lie", [_moved, _dearer, _flattened])
def test_a_solver_that_lies_is_found_out(monkeypatch: pytest.MonkeyPatch, lie: Callable[..., Any]) -> None:
    honest = _propose._floats
    monkeypatch.setattr(_propose, "_floats", lambda programme: lie(*honest(programme)))
    with pytest.raises(Uncertified):
        solve(PROGRAMME)


@pytest.mark.parametrize(
    "rows", [(Row({"x": -1}, 0),), (Row({"x": 1}, 1), Row({"x": -1}, -2))], ids=["unbounded", "infeasible"]
)
def test_a_programme_without_an_optimum_has_no_certificate(rows: tuple[Row, ...]) -> None:
    with pytest.raises(Uncertified, match="HiGHS"):
        solve(Programme({"x": 1}, rows))


def test_complementary_to_certified_prices_means_maximal() -> None:
    p, r = _law(1, 2, 3), _law(3, 2, 1)
    best = maximal_coupling(p, r)
    assert np.trace(best) == np.minimum(p, r).sum()
    assert is_maximal(best)
    assert not is_maximal(np.outer(r, p))
