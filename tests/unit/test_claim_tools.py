"""What claims stand on: exact bounds of polynomials, counted arithmetic, the programme of the best kernel."""

from fractions import Fraction

import numpy as np
import pytest

from rdk_theory.theorems import _kernel_programme as programme
from rdk_theory.theorems._counting import Counting, count, counting
from rdk_theory.theorems._polynomials import Polynomial, least
from rdk_theory.theorems._softmax_proof import certificate

UNIT = (Fraction(0), Fraction(1))
EIGHTHS = [Fraction(n, 8) for n in range(9)]


def at(polynomial, point):
    return sum(
        value * np.prod([x**e for x, e in zip(point, es, strict=True)]) for es, value in polynomial.terms.items()
    )


def random_polynomial(rng, degree):
    exponents = [(i, j) for i in range(degree + 1) for j in range(degree + 1)]
    return Polynomial(2, {e: Fraction(int(n), 4) for e, n in zip(exponents, rng.integers(-9, 10, 99), strict=False)})


@pytest.mark.parametrize("seed", range(8))
def test_bound_is_below_every_value_on_the_box(seed):
    polynomial = random_polynomial(np.random.default_rng(seed), degree=3)
    box = ((Fraction(-1, 2), Fraction(1, 3)), (Fraction(1, 4), Fraction(2)))
    first, second = ([low + (high - low) * t for t in EIGHTHS] for low, high in box)
    values = [at(polynomial, (a, b)) for a in first for b in second]
    for depth in (0, 4):
        assert least(polynomial, box, depth) <= min(values)


def test_bound_improves_with_depth_and_finds_the_sign():
    (x, y) = Polynomial.variables(2)
    barely = (x - y) * (x - y) + Fraction(1, 100)
    assert least(barely, (UNIT, UNIT), depth=0) < 0 < least(barely, (UNIT, UNIT), depth=12)
    touching = (x - Fraction(1, 3)) * (x - Fraction(1, 3))
    assert least(touching, (UNIT, UNIT), depth=12) <= 0


def test_bound_is_attained_at_a_corner():
    x, y = Polynomial.variables(2)
    assert least(1 + x + 2 * y, (UNIT, UNIT)) == 1
    assert least(4 - x - 2 * y, (UNIT, UNIT)) == 1


def test_arithmetic_of_polynomials():
    x, y = Polynomial.variables(2)
    assert ((x + y) * (x - y) - (x * x - y * y)).terms == {}
    assert (x * x * y)(x + 1, y).terms == ((x + 1) * (x + 1) * y).terms
    assert (x * x * y).over((2, 0)).terms == y.terms
    with pytest.raises(ValueError, match="does not divide"):
        (x + y).over((1, 0))


def test_the_proof_holds_for_an_eighth_and_fails_for_a_ninth():
    assert certificate(8) > 0
    assert certificate(9) < 0


def test_every_product_and_sum_is_counted_and_comparisons_are_not():
    a, b = counting([Fraction(1, 2), Fraction(1, 3)])
    assert count(lambda: (a + b) * a - 1) == (1, 2)
    assert count(lambda: 1 - a / b) == (1, 1)
    assert count(lambda: (a < b, max(a, b), -a)) == (0, 0)
    assert isinstance(Fraction(1) + a * 2, Counting)
    assert count(lambda: counting([[1, 2, 3]]) @ counting([[1], [2], [3]])) == (3, 2)


def test_the_programme_returns_rationals_that_are_feasible_and_of_one_value():
    third = Fraction(1, 3)
    p = np.array([[third, 2 * third, 0 * third], [0 * third, third, 2 * third]])
    q = np.array([[third, 2 * third], [2 * third, third]])
    matrix, duals = programme.solve(p, q)
    assert (matrix >= 0).all()
    assert (matrix.sum(axis=1) == 1).all()
    assert ((duals >= 0) & (duals <= 1)).all()
    bound = (((1 - duals) * p).sum() + (q.T @ duals).max(axis=1).sum()) / 2
    assert programme.value(p, q, matrix) == bound
