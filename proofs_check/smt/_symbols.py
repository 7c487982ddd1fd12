"""Numbers that stand for every real: rational functions of unknowns, plus pieces that count under a condition.

A `Symbol` passes for a `Fraction`, so the functions that the claims call run on it unchanged. ``min``, ``max`` and
``abs`` add a piece ``[a < b] (a − b)`` instead of asking which is smaller; only a truth value that Python itself
needs splits a proof into cases (see `_explore`). Conditions are SMT-LIB text.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from contextvars import ContextVar
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from proofs_check.smt import _quotients
from proofs_check.smt._quotients import Denominator, Quotient

if TYPE_CHECKING:
    from flint import fmpq_mpoly

TRUE, FALSE = "true", "false"
EXPANDED = 1
"""A product of pieces that makes more than so many gets a name for one factor instead."""
_RELATIONS = {"<": operator.lt, "<=": operator.le, ">=": operator.ge, "=": operator.eq}


class Judge(Protocol):
    """Who follows a path through the cases: `_explore.Explorer`."""

    names: dict[str, Symbol]
    """Unknowns that this path has introduced for numbers with pieces."""
    splits: bool
    """Whether a minimum is a case of the proof too, rather than a piece."""

    def decide(self, condition: str) -> bool:
        """Whether this path assumes the condition; where both can be, the other is another path."""
        ...

    def fresh(self) -> int:
        """Index of an unknown that is not used yet."""
        ...

    def assume(self, condition: str) -> None:
        """State what holds from here on."""
        ...


JUDGE: ContextVar[Judge] = ContextVar("judge")


class Unsupported(TypeError):
    """A road asks of an unknown number what only a known one can answer."""


class Guard:
    """A condition on unknowns. Python's ``bool`` of it takes a side; ``&``, ``|``, ``~`` do not."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __bool__(self) -> bool:
        return JUDGE.get().decide(self.text)

    def __and__(self, other: Any) -> Guard:
        return Guard(f"(and {self.text} {guard(other).text})")

    def __or__(self, other: Any) -> Guard:
        return Guard(f"(or {self.text} {guard(other).text})")

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Guard:
        return Guard(f"(not {self.text})")

    # Numpy adds truth values up.

    def __mul__(self, other: Any) -> Any:
        return choose(self, other, 0 * other)

    __rmul__ = __mul__


def guard(value: Any) -> Guard:
    """A truth value as a condition."""
    return value if isinstance(value, Guard) else Guard(TRUE if value else FALSE)


class Symbol(Fraction):
    """``base + Σ [condition] · value``: a number that depends on unknowns."""

    __slots__ = ("base", "pieces")
    base: Quotient
    pieces: tuple[tuple[str, Quotient], ...]

    def __new__(cls, base: Quotient, pieces: tuple[tuple[str, Quotient], ...] = ()) -> Symbol:
        self = object.__new__(cls)
        self.base, self.pieces = base, pieces
        return self

    @property
    def numerator(self) -> int:
        """No unknown has one."""
        raise Unsupported("an unknown number has no numerator")

    @property
    def denominator(self) -> int:
        """No unknown has one."""
        raise Unsupported("an unknown number has no denominator")

    def __repr__(self) -> str:
        return f"<{self.text()}>"

    __str__ = __repr__

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __reduce__(self) -> Any:
        raise Unsupported("an unknown number cannot leave its process")

    def text(self) -> str:
        """SMT-LIB text of the numerator over the common denominator, which is positive."""
        return self.over(self.denominators())

    def over(self, den: Denominator) -> str:
        """SMT-LIB text of the numerator over a denominator that this one's divides."""
        terms = [_piece(c, value.over(den)) for c, value in self.pieces]
        base = _quotients.text(self.base.over(den))
        return f"(+ {base} {' '.join(terms)})" if terms else base

    def sign(self) -> str:
        """SMT-LIB text of a number of the same sign: positive multiples of one have one text."""
        if self.pieces:
            return self.text()
        leading = self.base.num.leading_coefficient()
        return _quotients.text(self.base.num / abs(leading))

    def denominators(self) -> Denominator:
        """The common denominator."""
        return _quotients.common([self.base, *(value for _, value in self.pieces)])

    # Arithmetic. What turns out to be known becomes a plain Fraction again.

    def __neg__(self) -> Any:
        return settle(-self.base, tuple((c, -value) for c, value in self.pieces))

    def __pos__(self) -> Any:
        return self

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # numpy goes through the entries
        other = lift(other)
        return settle(self.base + other.base, self.pieces + other.pieces)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return self + -lift(other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        if isinstance(other, Guard):
            return other * self
        other = lift(other)
        several, one = (self, other) if len(self.pieces) >= len(other.pieces) else (other, self)
        if len(several.pieces) * len(one.pieces) > EXPANDED:
            several, one = one, named(several)
        pieces = [(c, value * one.base) for c, value in several.pieces]
        pieces += [(c, several.base * value) for c, value in one.pieces]
        pieces += [(_both(c, d), x * y) for c, x in several.pieces for d, y in one.pieces]
        return settle(several.base * one.base, tuple(pieces))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = lift(other)
        known = other.base.value() if not other.pieces else None
        if known is not None:
            return self * (1 / known)
        return self * _inverse(named(other))

    def __rtruediv__(self, other: Any) -> Any:
        return lift(other) / self

    def __pow__(self, power: Any) -> Any:
        if not isinstance(power, int | np.integer) or power < 0:
            raise Unsupported(f"an unknown number to the power {power!r}")
        out: Any = Fraction(1)
        for _ in range(power):
            out = self * out
        return out

    def __rpow__(self, base: Any) -> Any:
        raise Unsupported("an unknown exponent")

    def __abs__(self) -> Any:
        return lesser(self, -self) * -1

    def __bool__(self) -> bool:
        return bool(self != 0)

    # Comparisons.

    def __lt__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else compare(self, other, "<")

    def __gt__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else compare(other, self, "<")

    def __le__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else compare(self, other, "<=")

    def __ge__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else compare(other, self, "<=")

    def __eq__(self, other: Any) -> Any:
        return compare(self, other, "=") if isinstance(other, int | float | Fraction | np.number) else NotImplemented

    def __ne__(self, other: Any) -> Any:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else negation(equal)

    # What Fraction offers and no unknown can answer.

    def _no(self, *_: Any) -> Any:
        raise Unsupported("an unknown number cannot be rounded to a known one")

    __int__ = __float__ = __round__ = __floor__ = __ceil__ = __trunc__ = _no  # type: ignore[assignment]
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _no  # type: ignore[assignment]
    __complex__ = limit_denominator = as_integer_ratio = _no  # type: ignore[assignment]


def _both(c: str, d: str) -> str:
    """Two conditions, in one order whichever came first."""
    return c if c == d else f"(and {min(c, d)} {max(c, d)})"


def _piece(condition: str, value: fmpq_mpoly) -> str:
    """A piece as a multiple of one whose leading coefficient is 1, so that the solvers see equal pieces as equal."""
    leading = value.leading_coefficient()
    text = f"(ite {condition} {_quotients.text(value / leading)} 0.0)"
    factor = Fraction(int(leading.p), int(leading.q))
    return text if factor == 1 else f"(* {_quotients.number(factor)} {text})"


def lift(value: Any) -> Symbol:
    """A number as a symbol; floats are the rationals that they are."""
    if isinstance(value, Symbol):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, int | float | Fraction):
        raise Unsupported(f"arithmetic of an unknown number with {type(value).__name__}")
    return Symbol(_quotients.constant(Fraction(value)))


def settle(base: Quotient, pieces: tuple[tuple[str, Quotient], ...] = ()) -> Any:
    """The number: a Fraction if nothing in it is unknown."""
    sums: dict[str, Quotient] = {}
    for condition, value in pieces:
        sums[condition] = sums[condition] + value if condition in sums else value
    pieces = tuple((c, value) for c, value in sums.items() if not value.num.is_zero())
    known = base.value() if not pieces else None
    return Symbol(base, pieces) if known is None else known


def unknown() -> Symbol:
    """An unknown of which nothing is known."""
    return Symbol(_quotients.unknown(JUDGE.get().fresh()))


def named(value: Symbol) -> Symbol:
    """`value` without pieces: an unknown that is said to equal it, where it has some."""
    if not value.pieces:
        return value
    names = JUDGE.get().names
    text = f"{value.text()} / {value.denominators()}"
    if text not in names:
        names[text] = name = unknown()
        JUDGE.get().assume((name - value == 0).text)
    return names[text]


def negation(value: bool | Guard) -> bool | Guard:
    """Not `value`."""
    return ~value if isinstance(value, Guard) else not value


def compare(a: Any, b: Any, relation: str) -> bool | Guard:
    """``a < b``, ``a <= b``, ``a >= b`` or ``a = b``."""
    for known, other in ((a, b), (b, a)):
        if isinstance(known, float) and math.isinf(known) and isinstance(other, Symbol):
            return bool(_RELATIONS[relation](*((known, 0) if known is a else (0, known))))
    difference = lift(a) - lift(b)
    if isinstance(difference, Symbol):
        return Guard(f"({relation} {difference.sign()} 0.0)")
    return bool(_RELATIONS[relation](difference, 0))


def equal(a: Any, b: Any) -> bool | Guard:
    """``a = b`` of two numbers, or of two truth values."""
    if isinstance(a, bool | np.bool | Guard) and isinstance(b, bool | np.bool | Guard):
        a, b = guard(a), guard(b)
        return (a & b) | (~a & ~b)
    return compare(a, b, "=")


def choose(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`."""
    if not isinstance(condition, Guard) or JUDGE.get().splits:
        return a if condition else b
    difference = lift(a) - lift(b)
    if not isinstance(difference, Symbol):
        difference = lift(difference)
    difference = named(difference)
    return lift(b) + settle(_quotients.constant(Fraction(0)), ((condition.text, difference.base),))


def lesser(a: Any, b: Any) -> Any:
    """The smaller of two numbers."""
    return choose(compare(a, b, "<"), a, b)


def greater(a: Any, b: Any) -> Any:
    """The larger of two numbers."""
    return choose(compare(a, b, "<"), b, a)


def extreme(values: Sequence[Any], relation: str) -> Symbol:
    """The smallest (``<=``) or largest (``>=``) of several: an unknown that bounds all and equals one."""
    if JUDGE.get().splits:
        return reduce(lesser if relation == "<=" else greater, values)
    names = JUDGE.get().names
    key = " ".join([relation, *(repr(value) for value in values)])
    if key in names:
        return names[key]
    names[key] = found = unknown()
    for value in values:
        JUDGE.get().assume(guard(compare(found, value, relation)).text)
    equal = [guard(compare(found, value, "=")).text for value in values]
    JUDGE.get().assume(f"(or {' '.join(equal)})")
    return found


def _inverse(divisor: Symbol) -> Symbol:
    """``1 / divisor``. Zero is a case of its own, and so is the sign of each irreducible factor."""
    out = Symbol(_quotients.reciprocal(_quotients.constant(Fraction(1)).num, 1))
    for key, power in divisor.base.den:
        out = lift(out * Symbol(Quotient(_quotients.factor_of(key))) ** power)
    for factor, power in divisor.base.factors():
        sign = 1
        if not factor.is_constant():
            value = Symbol(Quotient(factor))
            if value == 0:
                raise ZeroDivisionError("a division by a number that can be 0")
            sign = 1 if value > 0 else -1
        part = _quotients.reciprocal(factor * sign, power)
        out = lift(out * Symbol(part) * sign**power)
    return out
