"""Unknown numbers of at least 0, on which ordinary code runs: a comparison splits the case until its sign is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

DEPTH = 60
"""Splits at most on the way to one case."""


class UndecidedError(RuntimeError):
    """The signs stay mixed, or there are too many cases."""


class OutsideError(Exception):
    """The case breaks an assumption."""


class Unknowns:
    """The unknowns of one case, by name; a statement asks for them and may assume things of them."""

    def __init__(self, names: Sequence[str], choices: Sequence[int] = ()) -> None:
        from sympy import QQ
        from sympy.polys.rings import ring

        self.ring, *gens = ring(list(names), QQ)
        self.gens = list(gens)
        self.names = list(names)
        self.positive = [False] * len(gens)
        self.moves: list[tuple[int, Any]] = []
        self._choices, self.made = list(choices), list[int]()

    def __getitem__(self, name: str) -> Number:
        return Number(self, self.gens[self.names.index(name)], self.ring.one, 0)

    def assume(self, condition: Any) -> None:
        """Leave out the cases in which the condition fails."""
        if not condition:
            raise OutsideError

    def _choose(self) -> int:
        at = len(self.made)
        if at >= DEPTH:
            raise UndecidedError(f"signs stay mixed after {DEPTH} splits")
        choice = self._choices[at] if at < len(self._choices) else 0
        self.made.append(choice)
        return choice

    def _move(self, index: int, replacement: Any) -> None:
        self.moves.append((index, replacement))

    def resolve(self, polynomial: Any, since: int) -> Any:
        """A polynomial in terms of the unknowns as they are now."""
        for index, replacement in self.moves[since:]:
            if polynomial.degree(self.gens[index]) > 0:
                polynomial = polynomial.compose(self.gens[index], replacement)
        return polynomial

    def sign(self, polynomial: Any) -> int:
        """−1, 0 or 1, in this case and after as many splits as that takes."""
        while True:
            since = len(self.moves)
            if not polynomial:
                return 0
            terms = polynomial.terms()
            signs = {1 if value > 0 else -1 for _, value in terms}
            if len(signs) == 1:
                support = [[i for i, e in enumerate(m) if e and not self.positive[i]] for m, _ in terms]
                if not all(support):
                    return signs.pop()
                self._zero_or_positive(support[0][0])
            else:
                self._compare(terms)
            polynomial = self.resolve(polynomial, since)

    def _zero_or_positive(self, index: int) -> None:
        if self._choose():
            self._move(index, self.ring.zero)
        else:
            self.positive[index] = True

    def _compare(self, terms: Sequence[tuple[tuple[int, ...], Any]]) -> None:
        """Split on the order of two unknowns, one from a positive term and one from a negative term."""
        pairs = sorted(
            (sum(a) + sum(b), i, j)
            for a, x in terms
            for b, y in terms
            if x > 0 > y
            for i, j in product(range(len(a)), repeat=2)
            if a[i] > b[i] and b[j] > a[j]
        )
        if not pairs:
            raise UndecidedError("a number stands against unknowns")
        _, i, j = pairs[0]
        for known, other in ((i, j), (j, i)):
            if self.positive[known] and not self.positive[other]:
                self._zero_or_positive(other)
                return
        if self._choose():
            i, j, strict = j, i, True
        else:
            strict = False
        self._move(i, self.gens[i] + self.gens[j])
        self.positive[i] = strict

    def values(self, free: Fraction) -> dict[str, Fraction]:
        """Numbers for the unknowns in this case: those that may be 0 are, the others are 1 or as `free` says."""
        now = [Fraction(k + 1) if p else free for k, p in enumerate(self.positive)]
        found = {}
        for name, gen in zip(self.names, self.gens, strict=True):
            value = self.resolve(gen, 0).evaluate(list(zip(self.gens, now, strict=True)))
            found[name] = Fraction(int(value.numerator), int(value.denominator))
        return found


class Number:
    """A quotient of polynomials in unknowns, the divisor positive; its comparisons split the case where they must."""

    __slots__ = ("_at", "_bottom", "_of", "_top")

    def __init__(self, of: Unknowns, top: Any, bottom: Any, at: int) -> None:
        self._of, self._top, self._bottom, self._at = of, top, bottom, at

    def _now(self) -> tuple[Any, Any]:
        if self._at < len(self._of.moves):
            self._top = self._of.resolve(self._top, self._at)
            self._bottom = self._of.resolve(self._bottom, self._at)
            self._at = len(self._of.moves)
        return self._top, self._bottom

    def _new(self, top: Any, bottom: Any) -> Number:
        if bottom != self._of.ring.one:
            top, bottom = top.cancel(bottom)
            if bottom.LC < 0:
                top, bottom = -top, -bottom
        return Number(self._of, top, bottom, len(self._of.moves))

    def _lift(self, other: Any) -> tuple[Any, Any]:
        if isinstance(other, Number):
            return other._now()
        value = Fraction(other)
        return self._of.ring(value.numerator), self._of.ring(value.denominator)

    def __add__(self, other: Any) -> Number:
        (a, b), (c, d) = self._now(), self._lift(other)
        return self._new(a * d + c * b, b * d) if b != d else self._new(a + c, b)

    def __mul__(self, other: Any) -> Number:
        (a, b), (c, d) = self._now(), self._lift(other)
        return self._new(a * c, b * d)

    def __neg__(self) -> Number:
        a, b = self._now()
        return Number(self._of, -a, b, self._at)

    def __sub__(self, other: Any) -> Number:
        return self + -other

    def __rsub__(self, other: Any) -> Number:
        return -self + other

    def __truediv__(self, other: Any) -> Number:
        c, d = self._lift(other)
        sign = self._of.sign(c)
        if sign == 0:
            raise ZeroDivisionError("division by an unknown that may be 0")
        (a, b), (c, d) = self._now(), self._lift(other)
        return self._new(sign * a * d, sign * b * c)

    def __rtruediv__(self, other: Any) -> Number:
        return Number(self._of, *self._lift(other), len(self._of.moves)) / self

    def __pow__(self, power: int) -> Number:
        a, b = self._now()
        return self._new(a**power, b**power)

    def __abs__(self) -> Number:
        return -self if self < 0 else self

    __radd__ = __add__
    __rmul__ = __mul__

    def _sign(self, other: Any = 0) -> int:
        return self._of.sign((self - other)._now()[0])

    def __lt__(self, other: Any) -> bool:
        return self._sign(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._sign(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._sign(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._sign(other) >= 0

    def __eq__(self, other: object) -> bool:
        return self._sign(other) == 0

    def __bool__(self) -> bool:
        return self._sign() != 0

    __hash__ = None  # type: ignore[assignment]


class Values:
    """Numbers in place of unknowns, to run a statement again."""

    def __init__(self, values: Mapping[str, Any], choices: Sequence[int] = ()) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def assume(self, condition: Any) -> None:
        """Refuse numbers that break an assumption."""
        if not condition:
            raise OutsideError
