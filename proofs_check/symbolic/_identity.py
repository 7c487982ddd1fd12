"""Identities between expressions in symbols, decided by normal form; what is none is refuted by numbers.

A power with a symbolic exponent, an exponential, a hyperbolic function: each is one more unknown. An expression is 0 if
the numerator of its normal form is the zero polynomial in all of these. `simplify` is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice, product
from typing import Any

from proofs_check.symbolic._cases import Finding
from rdk_theory.theorems._check import Status

WHOLE = {"N", "K", "R", "n", "m", "k", "gamma", "terms", "nnz", "e"}
"""Names of symbols that stand for positive integers; others stand for positive reals."""

TRIED = 3_000
"""Substitutions at most, to refute one expression."""


def symbols(names: str) -> tuple[Any, ...]:
    """Positive symbols, integers where their name says so."""
    import sympy

    return tuple(sympy.Symbol(name, positive=True, integer=name in WHOLE or None) for name in names.split())


def vanishes(expression: Any) -> bool:
    """Whether the numerator of the normal form is the zero polynomial."""
    return numerator(expression).is_zero


def numerator(expression: Any) -> Any:
    """The numerator, as a polynomial in symbols, powers with symbolic exponents and functions."""
    import sympy

    spread = sympy.expand_power_exp(sympy.sympify(expression))
    top = sympy.fraction(sympy.together(spread))[0]
    top = sympy.expand_power_exp(sympy.expand(top))
    generators = sorted(top.atoms(sympy.Symbol), key=str)
    return sympy.Poly(top, *generators) if top.is_polynomial(*generators) and generators else _general(top)


def _general(top: Any) -> Any:
    import sympy

    return sympy.Poly(top) if top.free_symbols else sympy.Poly(top, sympy.Symbol("unit"))


def equal(*pairs: tuple[Any, Any], where: Iterable[Any] = ()) -> Finding:
    """Whether the two sides of every pair are one; `where` holds expressions that must be positive at a refutation."""
    for left, right in pairs:
        difference = _expression(left) - _expression(right)
        if not vanishes(difference):
            return refutation(difference, list(where))
    return Finding(Status.PROVED, len(pairs))


def refutation(difference: Any, where: list[Any]) -> Finding:
    """Rational numbers at which an expression is not 0."""
    free = sorted(difference.free_symbols, key=str)
    for values in islice(product(*(_tried(s) for s in free)), TRIED):
        chosen = dict(zip(free, values, strict=True))
        try:
            value = difference.subs(chosen)
            allowed = all(bool(c.subs(chosen) > 0) for c in where)
        except ZeroDivisionError:
            continue
        if allowed and value.is_number and value.is_finite and not _is_zero(value):
            return Finding(Status.REFUTED, 1, {str(k): fraction(v) for k, v in chosen.items()})
    return Finding(Status.UNKNOWN, 1, reason=f"{difference} is not 0 in normal form, and no numbers refute it")


def _is_zero(value: Any) -> bool:
    return bool(value == 0) if value.is_Rational else bool(abs(value.evalf(50)) < 10**-30)


def _tried(symbol: Any) -> list[Any]:
    import sympy

    if symbol.is_integer:
        return [sympy.Integer(i) for i in (2, 3, 1, 4)]
    return [sympy.Rational(*pair) for pair in ((1, 2), (1, 3), (2, 3), (3, 4), (2, 1))]


def fraction(value: Any) -> Any:
    """A rational number of SymPy as a `Fraction`; anything else as it is."""
    return Fraction(int(value.p), int(value.q)) if getattr(value, "is_Rational", False) else value


def _expression(value: Any) -> Any:
    import sympy

    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    return sympy.sympify(value)


def induction(term: Any, base: tuple[int, Any], step: Any, index: Any) -> Finding:
    """``term(base) = value`` and ``term(n + 1) = step(term(n), n)``: known for every `n` from the base on."""
    start, value = base
    return equal((term(start), value), (term(index + 1), step(term(index), index)))
