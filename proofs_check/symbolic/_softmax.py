"""The steps of the proof that a softmax row is within ``s²/8`` of its linear form, each checked in symbols.

The argument is that of `rdk_theory.theorems._softmax_proof`; the polynomial inequality in which it ends is decided
there by Bernstein coefficients, here by a cylindrical decomposition. Series are compared term by term, the index a
symbol.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._cylinders import not_negative
from proofs_check.symbolic._identity import equal, symbols


def event_bound(w: Any, c: Any, u: Any, alpha: Any, kappa: Any) -> Any:
    """``w(1−w)[(1+c)κ − (1+u)α] / (1 + wα + (1−w)κ)``."""
    return w * (1 - w) * ((1 + c) * kappa - (1 + u) * alpha) / (1 + w * alpha + (1 - w) * kappa)


def convexity() -> Finding:
    """``e^x`` lies above its tangents, and on [−s, s] below its chord ``cosh s + x sinh(s)/s``.

    A function with positive second derivative: its tangent touches at one point, its chord at the two ends.
    """
    import sympy

    x, c, s = sympy.symbols("x c s", real=True)
    tangent = sympy.exp(x) - sympy.exp(c) * (1 + x - c)
    chord = sympy.cosh(s) + x * sympy.sinh(s) / s - sympy.exp(x)
    return equal(
        (tangent.subs(x, c), 0),
        (sympy.diff(tangent, x).subs(x, c), 0),
        (sympy.diff(tangent, x, 2), sympy.exp(x)),
        (sympy.diff(chord, x, 2), -sympy.exp(x)),
        *((chord.subs(x, sign * s).rewrite(sympy.exp), 0) for sign in (1, -1)),
    )


def event(bound: Any = event_bound) -> Finding:
    """``M¹(A) − M(A)`` is at most the bound, where ``A`` holds a share `w` and ``x`` has mean `c` on it, `u` off it.

    ``M(A) ≥ w e^c / (w e^c + (1−w) K)``: a share ``a/(a+b)`` rises with `a` and falls with `b`.
    """
    w, c, alpha, kappa = symbols("w c alpha kappa")
    u = -w * c / (1 - w)
    inside, outside = w * (1 + c + alpha), (1 - w) * (1 + u + kappa)
    return both(
        equal((w * (1 + c) - inside / (inside + outside), bound(w, c, u, alpha, kappa))),
        decide(_monotone, "a b more less"),
        convexity(),
    )


def _monotone(x: Any) -> bool:
    a, b = x["a"], x["b"] + x["less"]
    x.assume(a + x["b"] > 0)
    return bool((a + x["more"]) / (a + x["more"] + x["b"]) >= a / (a + b))


def odds() -> Finding:
    """``x(1−y)(1−d)² − y(1−x)(1+d)² = d(1−x−y)²`` for ``d = x − y``: log-odds Δ apart bound `d` by tanh Δ/4."""
    x, y = symbols("x y")
    d = x - y
    return equal((x * (1 - y) * (1 - d) ** 2 - y * (1 - x) * (1 + d) ** 2, d * (1 - x - y) ** 2))


def same_side() -> Finding:
    """``c ≤ 0 ≤ u``: log-odds of ``M¹(A)`` and ``M(A)`` differ by ``Δ ≤ ln cosh s ≤ s²/2``, and ``tanh Δ/4 ≤ Δ/4``.

    ``Δ = ln K/(1+u) − (c − ln(1+c))``; the first term falls in `u`, as ``sinh(s)/s ≤ cosh s`` term by term; the second
    is at least 0, being 0 with its derivative at 0 and convex. ``cosh s ≤ e^{s²/2}``, as ``(2k)! ≥ 2^k k!``.
    """
    import sympy

    c, u, s, k, x = symbols("c u s k x")
    k_of_u = sympy.cosh(s) + u * sympy.sinh(s) / s
    slope = sympy.diff(sympy.log(k_of_u / (1 + u)), u)
    dip = c - sympy.log(1 + c)
    tail = x - sympy.tanh(x)
    grows = sympy.factorial(2 * k + 2) / sympy.factorial(2 * k)  # 2^k k! grows by 2(k+1)
    return both(
        odds(),
        equal(
            (slope * k_of_u * (1 + u), sympy.sinh(s) / s - sympy.cosh(s)),
            # Term by term 1/(2k+1)! − 1/(2k)! = −2k/(2k+1)!.
            (sympy.combsimp(sympy.factorial(2 * k) / sympy.factorial(2 * k + 1)) - 1, -2 * k / (2 * k + 1)),
            (sympy.diff(dip, c), c / (1 + c)),
            (dip.subs(c, 0), 0),
            (sympy.combsimp(grows), (2 * k + 1) * 2 * (k + 1)),
            (sympy.diff(tail, x), sympy.tanh(x) ** 2),
            (tail.subs(x, 0), 0),
        ),
    )


@cache
def other_side(inverse: int) -> Finding:
    """``c = sb > 0``, ``u = −sa``: what is left is ``Q ≥ 0``, a polynomial once `k` and `e` are bounded."""
    import sympy

    a, b, s, k, e = symbols("a b s k e_")
    w, c, u = a / (a + b), s * b, -s * a
    q = (a + b) ** 2 + s**2 * (a + b) * (b * k + a * e) - inverse * a * b * ((1 + c) * k - (1 + u) * e)
    target = s**2 / inverse - event_bound(w, c, u, s**2 * e, s**2 * k)
    scale = inverse * (a + b) ** 2 * (1 + w * s**2 * e + (1 - w) * s**2 * k) / s**2
    by_k = s**2 * (a + b) * b - inverse * a * b * (1 + c)
    # Bounds of k from above and of e from below; Q falls in k, or M¹(A) is below the bound already, and rises in e.
    highest = sympy.Rational(1, 2) + sympy.Rational(COSH.numerator, COSH.denominator) * s**2 - s * a / 6
    lowest = b**2 / 2 + s * b**3 / 6
    return both(
        equal(
            (target * scale, q),
            (sympy.diff(q, k), by_k),
            (by_k, inverse * b * (a + b) * (s**2 / inverse - w * (1 + c))),
            (sympy.diff(q, e), s**2 * (a + b) * a + inverse * a * b * (1 - s * a)),
        ),
        series(),
        not_negative(sympy.expand(q.subs({k: highest, e: lowest})), [a, b, s]),
    )


def below_older(over: int) -> Finding:
    """Both older bounds by their series: ``cosh s ≥ 1 + s²/2``, ``−s − ln(1−s) ≥ s²/2 + s³/3``, ``tanh y ≥ y − y³/3``.

    Each difference vanishes at 0 with a derivative of at least 0; what is left are polynomials on [0, 1].
    """
    import sympy

    s, x = symbols("s x")
    log = -s - sympy.log(1 - s) - s**2 / 2 - s**3 / 3
    tanh = sympy.tanh(x) - x + x**3 / 3
    cosh = sympy.cosh(s) - 1 - s**2 / 2
    y = s**2 / 8 + s**3 / 12
    bound = s**2 / over
    first = s**2 / 2 - bound * (1 + s**2 / 2)  # 1 − 1/(1 + s²/2) − bound, times 1 + s²/2
    return both(
        equal(
            (sympy.diff(log, s), s**3 / (1 - s)),
            (sympy.diff(tanh, x), x**2 - sympy.tanh(x) ** 2),
            (sympy.diff(cosh, s, 2), sympy.cosh(s) - 1),
            *((f.subs(v, 0), 0) for f, v in ((log, s), (tanh, x), (cosh, s), (sympy.diff(cosh, s), s))),
        ),
        not_negative(sympy.expand(y - y**3 / 3 - bound), [s]),
        not_negative(sympy.expand(first), [s]),
    )


def series() -> Finding:
    """``k ≤ 1/2 + (cosh 1 − 3/2) s² − sa/6`` and ``e ≥ b²/2 + sb³/6``: terms left out have one sign.

    ``cosh 1 − 3/2 = Σ_{k≥2} 1/(2k)!``, and after two terms each is at most a 90th of the one before.
    """
    import sympy

    k = symbols("k")[0]
    start = sympy.Rational(1, 24) + sympy.Rational(1, 720)
    rest = sympy.Rational(1, 40320) / (1 - sympy.Rational(1, 90))
    ratio = sympy.combsimp(sympy.factorial(2 * k + 6) / sympy.factorial(2 * k + 8))
    return both(
        equal((ratio, 1 / ((2 * k + 7) * (2 * k + 8)))),
        decide(lambda x: bool(start + rest < COSH), "unit"),
    )


COSH = Fraction(43081, 10**6)
"""More than ``cosh 1 − 3/2``."""
