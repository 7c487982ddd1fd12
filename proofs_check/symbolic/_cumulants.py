"""Two values 0 and `s` with the share `p` on `s`: the logarithm of their mean exponential and its derivatives."""

from __future__ import annotations

from typing import Any

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, symbols


def log_mean(p: Any, s: Any) -> Any:
    """``log(1 − p + p e^s)``."""
    import sympy

    return sympy.log(1 - p + p * sympy.exp(s))


def tilted() -> Finding:
    """Its derivatives in `s` are ``P``, ``P(1−P)``, ``P(1−P)(1−2P)`` with ``P = p e^s/(1 − p + p e^s)``."""
    import sympy

    p, s = symbols("p s")
    f = log_mean(p, s)
    tilt = p * sympy.exp(s) / (1 - p + p * sympy.exp(s))
    first, second, third = (sympy.diff(f, s, n) for n in (1, 2, 3))
    return equal(
        (first, tilt),
        (second, tilt * (1 - tilt)),
        (third, tilt * (1 - tilt) * (1 - 2 * tilt)),
        *((sympy.simplify(x.subs(s, 0)), y) for x, y in ((f, 0), (first, p), (second, p * (1 - p)))),
    )


def at_most(inverse: Any) -> Finding:
    """``log(1 − p + p e^s) − ps ≤ s²/inverse``: it vanishes at 0 with its slope, and bends by ``P(1−P) ≤ 1/4``."""
    import sympy

    share = symbols("P")[0]
    s = symbols("s")[0]
    bend = sympy.diff(s**2 / inverse, s, 2)
    gap = bend - share * (1 - share)
    square = (sympy.Rational(1, 2) - share) ** 2
    return both(tilted(), equal((gap, square)), decide(lambda x: (x["a"] - x["b"]) ** 2 >= 0, "a b"))


def third(bound: Any) -> Finding:
    """``|P(1−P)(1−2P)| ≤ 1/(6√3)``, as ``1/108 − y² + 4y³ = 4 (y − 1/6)² (y + 1/12)`` for ``y = P(1−P)``.

    Three times integrated from 0, where all vanish: at most ``s³/6`` times that, which is the bound.
    """
    import sympy

    y, s = symbols("y s")
    share = symbols("P")[0]
    most = 1 / (6 * sympy.sqrt(3))
    return both(
        tilted(),
        equal(
            (most**2 - y**2 + 4 * y**3, 4 * (y - sympy.Rational(1, 6)) ** 2 * (y + sympy.Rational(1, 12))),
            ((1 - 2 * share) ** 2, 1 - 4 * share * (1 - share)),
            (sympy.integrate(sympy.integrate(sympy.integrate(most, (s, 0, s)), (s, 0, s)), (s, 0, s)), bound(s)),
        ),
        decide(lambda x: 4 * (x["y"] - x["c"]) ** 2 * (x["y"] + x["d"]) >= 0, "y c d"),
    )


def gaussian(gap: Any) -> Finding:
    """Completing the square: ``z − (z−μ)²/2σ² = μ + σ²/2 − (z − μ − σ²)²/2σ²``, a Gaussian density moved."""
    z, mu, sigma = symbols("z mu sigma")
    moved = z - (z - mu) ** 2 / (2 * sigma**2)
    return equal((moved, mu + gap(sigma) - (z - mu - sigma**2) ** 2 / (2 * sigma**2)))
