"""Whether a polynomial is at least 0 on the unit box: one point of every open cell of a cylindrical decomposition.

The last variables are decomposed so that over each open cell the roots of the polynomial in the first variable neither
meet nor enter the interval [0, 1]: discriminants, resultants and values at 0 and 1 do not vanish there. So the
polynomial has one sign on each cell, which one rational point tells, and what holds on the open cells holds on the
closed box. Real roots are isolated in rationals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise
from typing import Any

from proofs_check.symbolic._cases import Finding
from proofs_check.symbolic._identity import fraction
from rdk_theory.theorems._check import Status


def not_negative(polynomial: Any, variables: Sequence[Any]) -> Finding:
    """Whether the polynomial is at least 0 where all `variables` are in [0, 1]; the first is the first to go."""
    points = cells([polynomial], variables)
    for point in points:
        if polynomial.subs(point) < 0:
            return Finding(Status.REFUTED, len(points), {str(k): fraction(v) for k, v in point.items()})
    return Finding(Status.PROVED, len(points))


def cells(polynomials: Iterable[Any], variables: Sequence[Any]) -> list[dict[Any, Any]]:
    """A rational point in each open cell of the unit box on which no polynomial vanishes."""
    first, *rest = variables
    factors = _factors(polynomials)
    own = [f for f in factors if f.has(first)]
    base = cells(_projection(factors, first), rest) if rest else [{}]
    return [{**point, first: place} for point in base for place in _between([f.subs(point) for f in own], first)]


def _projection(factors: Sequence[Any], first: Any) -> list[Any]:
    """What must not vanish, so that the roots in the first variable stay apart and inside or outside of [0, 1]."""
    import sympy

    own = [f for f in factors if f.has(first)]
    out = [f for f in factors if not f.has(first)]
    out += [sympy.discriminant(f, first) for f in own if sympy.degree(f, first) > 1]
    out += [sympy.resultant(f, g, first) for f, g in combinations(own, 2)]
    return out + [f.subs(first, end) for f in own for end in (0, 1)]


def _factors(polynomials: Iterable[Any]) -> list[Any]:
    """Irreducible factors, each once."""
    import sympy

    found: set[Any] = set()
    for polynomial in polynomials:
        if polynomial.free_symbols:
            found |= {factor for factor, _ in sympy.factor_list(polynomial)[1]}
    return sorted(found, key=str)


def _between(polynomials: Sequence[Any], variable: Any) -> list[Any]:
    """Rational points in (0, 1), one between neighbouring roots."""
    import sympy

    wanted = sympy.prod(polynomials)
    if not wanted.free_symbols:
        return [sympy.Rational(1, 2)]
    poly = sympy.Poly(wanted, variable).sqf_part()
    width = sympy.Rational(1, 1 << 20)
    while True:
        roots = [ends for ends, _ in poly.intervals(eps=width, inf=0, sup=1)]
        edges = [(0, 0), *roots, (1, 1)]
        gaps = [(high, low) for (_, high), (low, _) in pairwise(edges)]
        if all(high < low or high == low in (0, 1) for high, low in gaps):
            return [sympy.Rational(high + low) / 2 for high, low in gaps if high < low]
        width /= 1 << 10
