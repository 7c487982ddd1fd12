"""Is a function positive on a whole interval? Arb encloses it on boxes; where it starts at 0, its Taylor coefficients.

A function is written once, for anything that adds, multiplies, divides and has ``exp`` and ``log``: balls, power
series of balls, and power series of rationals. It runs on all three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rdk_theory.theorems._check import Status

Function = Callable[[Any], Any]

BITS = 128
"""Precision of the balls."""
ORDER = 12
"""Highest order of a zero at the start that is looked for."""
DEPTH = 40
"""How often a box is halved before it is given up: a function that touches 0 inside is then neither."""
BOXES = 20_000
"""Boxes at most."""
CLOSE, SETTLED = 1.5, 10
"""A positive box is halved until its ends are this close, or it is this deep, so that the margin is near the truth."""


@dataclass(frozen=True)
class Bound:
    """What was found about the sign of a function on ``(low, high]``."""

    status: Status
    order: int = 0
    """The function starts at 0 like this power of the distance."""
    margin: float = 0.0
    """If proved, the function is at least this times that power, on the whole interval."""
    boxes: int = 0
    where: str = ""
    """If not proved, where not, with the enclosure of the function there."""


@contextmanager
def _settings(length: int) -> Iterator[None]:
    """Arb's precision, and the number of coefficients of series."""
    from flint import ctx

    before = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = BITS, length
    try:
        yield
    finally:
        ctx.prec, ctx.cap = before


def ball(low: Fraction, high: Fraction) -> Any:
    """A ball that holds ``[low, high]``."""
    from flint import arb, fmpq

    ends = [arb(fmpq(x.numerator, x.denominator)) for x in (low, high)]
    return ends[0].union(ends[1])


def positive(f: Function, low: Fraction | int, high: Fraction | int) -> Bound:
    """Prove ``f > 0`` on ``(low, high]`` (with `low` where ``f(low) > 0``), refute it by a box, or neither.

    Where `low` is 0 the order of the zero there is read off the rational coefficients, and `f` over that power is
    bounded on a first box by the Taylor coefficient of that order, which holds at every point of it: no part is left
    out.
    """
    low, high = Fraction(low), Fraction(high)
    with _settings(ORDER):
        order = _order(f) if low == 0 else 0
    if order == ORDER:
        return Bound(Status.UNKNOWN, order, where=f"the first {ORDER} coefficients at 0 are 0")
    if low != 0:
        return _subdivide(f, low, high, 0, None)
    first = high
    for halved in range(DEPTH):
        found = _coefficient(f, ball(low, first), order)
        if found > 0 and (found.upper() <= CLOSE * found.lower() or halved >= SETTLED):
            return _subdivide(f, first, high, order, found)
        if found < 0:
            return Bound(Status.REFUTED, order, where=f"on (0, {float(first):.6g}] it is {_show(found)} x^{order}")
        first /= 2
    return Bound(Status.UNKNOWN, order, where="no box at 0 has a coefficient of one sign")


def value_at(f: Function, at: Fraction | float) -> Any:
    """A ball that holds the value of a function at a point."""
    with _settings(1):
        return f(ball(Fraction(at), Fraction(at)))


def _order(f: Function) -> int:
    from flint import fmpq_series

    coefficients = f(fmpq_series([0, 1])).coeffs()
    return next((n for n, c in enumerate(coefficients) if c != 0), ORDER)


def _coefficient(f: Function, at: Any, order: int) -> Any:
    """The Taylor coefficient of this order at every point of a ball."""
    from flint import arb_series

    with _settings(order + 1):
        return f(arb_series([at, 1]))[order]


def _subdivide(f: Function, low: Fraction, high: Fraction, order: int, margin: Any) -> Bound:
    """Halve boxes until each shows the sign of ``f / x^order``."""
    lowest, count, failed = margin.lower() if margin is not None else None, 1, ""
    boxes = [(low, high, 0)] if low < high or margin is None else []
    while boxes:
        left, right, depth = boxes.pop()
        count += 1
        value = _over_box(f, left, right, order)
        close = value.upper() <= CLOSE * value.lower() or depth >= SETTLED
        if value > 0 and close:
            lowest = value.lower() if lowest is None else min(lowest, value.lower())
        elif value < 0:
            where = f"on [{float(left):.6g}, {float(right):.6g}] it is {_show(value)} x^{order}"
            return Bound(Status.REFUTED, order, boxes=count, where=where)
        elif depth == DEPTH or count > BOXES:
            failed = f"on [{float(left):.9g}, {float(right):.9g}] it may be {_show(value)} x^{order}"
            if count > BOXES:
                break
        else:
            middle = (left + right) / 2
            boxes += [(middle, right, depth + 1), (left, middle, depth + 1)]
    if failed:
        return Bound(Status.UNKNOWN, order, boxes=count, where=failed)
    return Bound(Status.PROVED, order, float(lowest) if lowest is not None else 0.0, count)


def _over_box(f: Function, left: Fraction, right: Fraction, order: int) -> Any:
    """Enclosure of ``f / x^order`` on a box: Taylor's terms at its middle, and the next coefficient over all of it."""
    from flint import arb, arb_series

    middle, radius = (left + right) / 2, (right - left) / 2
    away, box, here = ball(-radius, radius), ball(left, right), ball(middle, middle)
    terms = order + 2
    with _settings(terms + 1):
        try:
            wide, narrow = f(arb_series([box, 1])), f(arb_series([here, 1]))
        except (ValueError, ZeroDivisionError):  # a denominator or a logarithm of a box that is still too wide
            return arb.nan()
        value = wide[terms]
        for n in reversed(range(terms)):
            value = narrow[n] + value * away
        if value.is_finite() and wide[0].is_finite() and value.overlaps(wide[0]):
            value = value.intersection(wide[0])
        for _ in range(order):  # a power of a wide box could hold 0
            value = value / box
        return value


def _show(value: Any) -> str:
    return f"[{float(value.lower()):.4g}, {float(value.upper()):.4g}]"


def phi(x: Any) -> Any:
    """``(e^x − 1)/x = ∫₀¹ e^{tx} dt``, also where `x` holds 0: coefficients there are integrals of ``t^k e^{tx}``."""
    from flint import arb, arb_series, ctx, fmpq_series

    if isinstance(x, fmpq_series):
        return (x.exp() - 1) / x
    if isinstance(x, arb) and not x.contains(0):
        return (x.exp() - 1) / x
    if isinstance(x, arb_series):
        at = x[0]
        if not at.contains(0):
            return (x.exp() - 1) / x
        # The Taylor polynomial about the ball, at the rest of x, which starts at 0.
        rest, between = arb_series([0, *x.coeffs()[1:]]), at.exp().union(arb(1))
        total = arb_series([0])
        for k in reversed(range(ctx.cap)):
            total = total * rest + between / arb.fac_ui(k + 1)
        return total
    return x.exp().union(arb(1))
