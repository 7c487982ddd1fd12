"""Exact lower bounds of a rational polynomial on a box, by Bernstein coefficients of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import comb

import numpy as np

Exponents = tuple[int, ...]
Interval = tuple[Fraction, Fraction]


class Polynomial:
    """A polynomial in `count` variables with rational coefficients."""

    def __init__(self, count: int, terms: Mapping[Exponents, Fraction]) -> None:
        self.count = count
        self.terms = {exponents: value for exponents, value in terms.items() if value}

    @classmethod
    def variables(cls, count: int) -> tuple[Polynomial, ...]:
        """The variables themselves."""
        eye = [tuple(int(i == j) for j in range(count)) for i in range(count)]
        return tuple(cls(count, {exponents: Fraction(1)}) for exponents in eye)

    def __add__(self, other: Polynomial | Fraction | int) -> Polynomial:
        out = dict(self.terms)
        for exponents, value in self._lift(other).terms.items():
            out[exponents] = out.get(exponents, Fraction(0)) + value
        return Polynomial(self.count, out)

    def __mul__(self, other: Polynomial | Fraction | int) -> Polynomial:
        out: dict[Exponents, Fraction] = {}
        for (one, x), (two, y) in product(self.terms.items(), self._lift(other).terms.items()):
            exponents = tuple(a + b for a, b in zip(one, two, strict=True))
            out[exponents] = out.get(exponents, Fraction(0)) + x * y
        return Polynomial(self.count, out)

    def __neg__(self) -> Polynomial:
        return self * -1

    def __sub__(self, other: Polynomial | Fraction | int) -> Polynomial:
        return self + -self._lift(other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Fraction | int) -> Polynomial:
        return -self + other

    def __call__(self, *values: Polynomial) -> Polynomial:
        """The composition with polynomials, one for each variable."""
        total = values[0] * 0
        for exponents, coefficient in self.terms.items():
            term = values[0] * 0 + coefficient
            for value, exponent in zip(values, exponents, strict=True):
                for _ in range(exponent):
                    term = term * value
            total = total + term
        return total

    def over(self, exponents: Exponents) -> Polynomial:
        """The quotient by a monomial that divides every term."""
        out = {tuple(a - b for a, b in zip(one, exponents, strict=True)): x for one, x in self.terms.items()}
        if any(e < 0 for one in out for e in one):
            raise ValueError(f"the monomial {exponents} does not divide the polynomial")
        return Polynomial(self.count, out)

    def _lift(self, other: Polynomial | Fraction | int) -> Polynomial:
        if isinstance(other, Polynomial):
            return other
        return Polynomial(self.count, {(0,) * self.count: Fraction(other)})


def least(polynomial: Polynomial, box: Sequence[Interval], depth: int = 6) -> Fraction:
    """A lower bound of the polynomial on the box: its least Bernstein coefficient over the parts of the box.

    A part on which the bound is not positive is halved, every side in turn, up to `depth` times; so the bound is
    positive, if it is, on every part.
    """
    coefficients = _bernstein(polynomial, box)
    bound = min(coefficients.ravel().tolist())
    if bound > 0 or depth == 0:
        return Fraction(bound)
    axis = depth % len(box)
    low, high = box[axis]
    middle = (low + high) / 2
    parts = ([*box[:axis], side, *box[axis + 1 :]] for side in ((low, middle), (middle, high)))
    return min(least(polynomial, part, depth - 1) for part in parts)


def _bernstein(polynomial: Polynomial, box: Sequence[Interval]) -> np.ndarray:
    """Bernstein coefficients on the box: the polynomial lies between the least and the greatest of them."""
    degrees = [max(e[i] for e in polynomial.terms) for i in range(len(box))]
    out = np.full([d + 1 for d in degrees], Fraction(0), dtype=object)
    for exponents, value in polynomial.terms.items():
        out[exponents] += value
    for axis, (degree, (low, high)) in enumerate(zip(degrees, box, strict=True)):
        matrix = np.array([[_entry(i, j, degree, low, high) for j in range(degree + 1)] for i in range(degree + 1)])
        out = np.moveaxis(np.tensordot(matrix, out, axes=(1, axis)), 0, axis)
    return out


def _entry(i: int, j: int, degree: int, low: Fraction, high: Fraction) -> Fraction:
    """Bernstein coefficient `i` of ``(low + (high − low) t)^j`` in degree `degree`."""
    powers = (
        comb(j, k) * low ** (j - k) * (high - low) ** k * Fraction(comb(i, k), comb(degree, k))
        for k in range(min(i, j) + 1)
    )
    return sum(powers, Fraction(0))
