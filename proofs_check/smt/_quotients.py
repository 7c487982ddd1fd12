"""Rational functions of unknown reals, in lowest terms, with denominators that are known to be positive."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flint import fmpq_mpoly


class _Ring:
    """Polynomials in so many unknowns."""

    def __init__(self, unknowns: int) -> None:
        from flint import Ordering, fmpq_mpoly_ctx

        self.names = tuple(f"x{i}" for i in range(unknowns))
        self.context = fmpq_mpoly_ctx.get(list(self.names), Ordering.degrevlex)
        self.unknowns = self.context.gens()
        # Polynomials have no hash, so that a denominator holds their texts; this is where they are.
        self.factors: dict[str, fmpq_mpoly] = {}


_ring: _Ring


def use(unknowns: int) -> None:
    """Begin with so many unknowns; what was made before is void."""
    global _ring  # noqa: PLW0603
    _ring = _Ring(unknowns)


def names() -> tuple[str, ...]:
    """Names of the unknowns."""
    return _ring.names


Denominator = tuple[tuple[str, int], ...]
"""Factors, by their text, and their powers."""


class Quotient:
    """``num / Π f^e`` over irreducible polynomials `f` that are positive on the path at hand."""

    __slots__ = ("den", "num")

    def __init__(self, num: fmpq_mpoly, den: Denominator = ()) -> None:
        kept = []
        for key, power in den:
            while power and not num.is_zero():
                quotient, rest = divmod(num, _ring.factors[key])
                if not rest.is_zero():
                    break
                num, power = quotient, power - 1
            if power and not num.is_zero():
                kept.append((key, power))
        self.num, self.den = num, tuple(kept)

    def __add__(self, other: Quotient) -> Quotient:
        den = common([self, other])
        return Quotient(self.over(den) + other.over(den), den)

    def __mul__(self, other: Quotient) -> Quotient:
        powers = dict(self.den)
        for key, power in other.den:
            powers[key] = powers.get(key, 0) + power
        return Quotient(self.num * other.num, tuple(sorted(powers.items())))

    def __neg__(self) -> Quotient:
        return Quotient(-self.num, self.den)

    def over(self, den: Denominator) -> fmpq_mpoly:
        """The numerator over a denominator that this one's divides."""
        mine, num = dict(self.den), self.num
        for key, power in den:
            num = num * _ring.factors[key] ** (power - mine.get(key, 0))
        return num

    def value(self) -> Fraction | None:
        """The number that it is, if it is one."""
        if self.den or not self.num.is_constant():
            return None
        if self.num.is_zero():
            return Fraction(0)
        c = self.num.leading_coefficient()
        return Fraction(int(c.p), int(c.q))

    def factors(self) -> list[tuple[fmpq_mpoly, int]]:
        """Irreducible factors of the numerator with their powers, then its constant."""
        constant, parts = self.num.factor()
        return [*parts, (_ring.context.constant(constant), 1)]


def constant(value: Fraction) -> Quotient:
    """A number."""
    from flint import fmpq

    return Quotient(_ring.context.constant(fmpq(value.numerator, value.denominator)))


def unknown(index: int) -> Quotient:
    """An unknown."""
    return Quotient(_ring.unknowns[index])


def reciprocal(factor: fmpq_mpoly, power: int) -> Quotient:
    """``1 / f^e`` of an irreducible `f` that is positive on the path at hand."""
    if factor.is_constant():
        return Quotient(_ring.context.constant(1 / factor.leading_coefficient() ** power))
    key = str(factor)
    _ring.factors[key] = factor
    return Quotient(_ring.context.constant(1), ((key, power),))


def factor_of(key: str) -> fmpq_mpoly:
    """The polynomial of a denominator's factor."""
    return _ring.factors[key]


def common(quotients: Iterable[Quotient]) -> Denominator:
    """Least common denominator."""
    return least(part for quotient in quotients for part in quotient.den)


def least(parts: Iterable[tuple[str, int]]) -> Denominator:
    """The least denominator that all these factors divide."""
    powers: dict[str, int] = {}
    for key, power in parts:
        powers[key] = max(powers.get(key, 0), power)
    return tuple(sorted(powers.items()))


def text(polynomial: fmpq_mpoly) -> str:
    """SMT-LIB text of a polynomial."""
    terms = []
    for powers, coefficient in polynomial.terms():
        factors = [_ring.names[i] for i, power in enumerate(powers) for _ in range(power)]
        c = Fraction(int(coefficient.p), int(coefficient.q))
        parts = ([number(c)] if c != 1 or not factors else []) + factors
        terms.append(parts[0] if len(parts) == 1 else f"(* {' '.join(parts)})")
    if not terms:
        return "0.0"
    return terms[0] if len(terms) == 1 else f"(+ {' '.join(terms)})"


def number(value: Fraction) -> str:
    """SMT-LIB text of a rational."""
    size = f"{abs(value.numerator)}.0"
    if value.denominator != 1:
        size = f"(/ {size} {value.denominator}.0)"
    return size if value >= 0 else f"(- {size})"
