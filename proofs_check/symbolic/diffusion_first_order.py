"""R4 of ``diffusion-first-order``: identities of power series in the transition matrix, which all commute.

A statement on series in ``A`` with coefficients that do not depend on ``A`` is one on series in one unknown. A series
with coefficients of at least 0 and sum 1 maps every row-stochastic ``A`` to a row-stochastic matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, symbolic_proof
from rdk_theory.theorems import diffusion_first_order as registry
from rdk_theory.theorems._claim import Kind


def resolvent(a: Any, theta: Any) -> Any:
    """``(1−θ)/(1−θA)``, `A` a number or a symbol that stands for a matrix."""
    return (1 - theta) / (1 - theta * a)


def step(a: Any, theta: Any) -> Any:
    """``1 − θ + θA``."""
    return 1 - theta + theta * a


class Factor:
    """A bound on the distance of a row: ``θ²``, or what a mutant has in its place."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def __call__(self, weight: Any, **instance: Any) -> Any:
        """It, at the weight."""
        return self.of(weight)


def series() -> Finding:
    """``R = (1−θ) Σ θ^k A^k`` is a law of powers: the rest after `n` terms is ``θ^n A^n R``, and ``R = 1`` at 1."""
    a, theta, n = symbols("a theta n")
    partial = (1 - (theta * a) ** n) / (1 - theta * a)  # Σ_{k<n} (θA)^k
    return equal(
        (resolvent(a, theta) - (1 - theta) * partial, (theta * a) ** n * resolvent(a, theta)),
        ((1 - (theta * a) ** (n + 1)) / (1 - theta * a), partial + (theta * a) ** n),
        (resolvent(1, theta), 1),
    )


def _difference(square: Any) -> Finding:
    """``R − (1−θ) − θA = θ²(A²R − A)``: after multiplication with ``1 − θA``, an identity of polynomials."""
    a, theta = symbols("a theta")
    r = resolvent(a, theta)
    return equal((r - step(a, theta), square(theta) * (a**2 * r - a)))


def _bound(kind: Kind, stated: Factor, measured: Any) -> Finding:
    """The difference is `θ²` times that of two laws, and two laws are at most 1 apart; attained where they are."""
    import sympy

    (theta,) = symbols("theta")
    chain = sympy.Matrix([[0, 1, 0], [0, 0, 1], [0, 0, 1]])
    whole = (1 - theta) * (sympy.eye(3) - theta * chain).inv()
    row = (whole - (1 - theta) * sympy.eye(3) - theta * chain).row(0)
    return both(
        series(),
        _difference(stated.of),
        decide(lambda x: max(x["p"] - x["r"], 0) <= x["p"], "p r"),
        equal(*zip(row, (0, -(theta**2), theta**2), strict=True)),
    )


def _exact(kind: Kind, stated: Any, measured: Any) -> Finding:
    """The same identity; the distance of rows scales with its factor."""
    a, theta = symbols("a theta")
    r = resolvent(a, theta)
    return both(
        series(),
        equal((r - step(a, theta), -stated.of(a, theta, r))),
        decide(lambda x: max(x["t"] * x["p"] - x["t"] * x["r"], 0) == x["t"] * max(x["p"] - x["r"], 0), "t p r"),
    )


class Apart:
    """``θ² TV(A_i, [B]_i)`` for a power series `B` of the matrix."""

    def __init__(self, of: Any, second: Any) -> None:
        self.of, self.second = of, second

    def __call__(self, affinity: Any, weight: Any) -> Any:
        """It, row by row."""
        other = self.second(affinity, weight)
        return np.array([weight**2 * sum(np.maximum(a - b, 0)) for a, b in zip(affinity, other, strict=True)])


TWO_STEPS_ON = Apart(
    lambda a, theta, r: theta**2 * (a - a**2 * r),
    lambda affinity, weight: affinity @ affinity @ registry.resolvent(affinity, weight),
)
TWO_STEPS = Apart(lambda a, theta, r: theta**2 * (a - a**2), lambda affinity, weight: affinity @ affinity)


def _reached(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``A²R`` has a positive coefficient at every power from the second on: it is positive where a walk can be then.

    And two laws are 1 apart iff no token has both: ``(p − r)_+ = p`` there iff ``p r = 0``.
    """
    import sympy

    (theta,) = symbols("theta")
    a = sympy.Symbol("a")
    first = sympy.series(a**2 * resolvent(a, theta), a, 0, 6).removeO()
    return both(
        series(),
        equal(*((first.coeff(a, n), (1 - theta) * theta ** (n - 2)) for n in range(2, 6))),
        decide(lambda x: (max(x["p"] - x["r"], 0) == x["p"]) == (x["p"] * x["r"] == 0), "p r"),
    )


def _reached_by_heat(kind: Kind, stated: Any, measured: Any) -> Finding:
    """The part beyond one step is ``Σ_{k≥2} e^{−θ}θ^k/k! A^k``; equality needs it apart from ``A``, token by token."""
    apart = decide(lambda x: (max(x["p"] - x["r"], 0) == x["p"]) == (x["p"] * x["r"] == 0), "p r")
    return both(_heat(Kind.UPPER, HeatBound(_heat_bound), None), apart)


def _acceptance(kind: Kind, stated: Factor, measured: Any) -> Finding:
    """Acceptance moves by at most the mean of the distances of the rows."""
    return both(decide(_moves, "p r s"), _bound(kind, stated, measured))


def _moves(x: Any) -> bool:
    p, r, s = x["p"], x["r"], x["s"]
    return bool(-max(s - r, 0) <= min(p, r) - min(p, s) <= max(r - s, 0))


def _heat(kind: Kind, stated: Factor, measured: Any) -> Finding:
    """``1−θ+θA − e^{θ(A−1)}`` has one positive coefficient, that of ``A``: it is ``θ(1 − e^{−θ})``.

    That of 1 is ``1 − θ − e^{−θ} ≤ 0``: it vanishes at 0 with slope ``e^{−θ} − 1 ≤ 0``. Those of ``A^k`` are
    ``−e^{−θ}θ^k/k!``. All add up to 0. Attained by the chain of three tokens.
    """
    import sympy

    theta, k = symbols("theta k")
    a = sympy.Symbol("a")
    difference = step(a, theta) - sympy.exp(-theta) * sympy.exp(theta * a)
    of = [sympy.expand(sympy.diff(difference, a, n).subs(a, 0) / sympy.factorial(n)) for n in range(5)]
    third = 1 - sympy.exp(-theta) - theta * sympy.exp(-theta)
    chain = (1 - theta - sympy.exp(-theta), theta - theta * sympy.exp(-theta), -third)
    return equal(
        (of[1], stated.of(theta)),
        (of[0].subs(theta, 0), 0),
        (sympy.diff(of[0], theta), sympy.exp(-theta) - 1),
        (sympy.diff(theta**k * sympy.exp(theta * a), a), theta ** (k + 1) * sympy.exp(theta * a)),
        *((of[n], -sympy.exp(-theta) * theta**n / sympy.factorial(n)) for n in range(2, 5)),
        (difference.subs(a, 1), 0),
        (sum(chain), 0),
        (chain[1], stated.of(theta)),
    )


def _heat_bound(theta: Any) -> Any:
    import sympy

    return theta * (1 - sympy.exp(-theta))


class HeatBound(Factor):
    """The bound for the heat kernel, in numbers too."""

    def __call__(self, weight: Any, **instance: Any) -> Any:
        """It, at the weight."""
        import sympy

        return float(self.of(sympy.Float(weight, 30)))


SQUARE = Factor(lambda theta: theta**2)
PROOF = symbolic_proof(
    "diffusion-first-order",
    __name__,
    Part(
        "resolvent",
        _bound,
        SQUARE,
        lambda **x: max(registry._resolvent_error(**x)),
        {"cubic": Factor(lambda theta: theta**3)},
    ),
    Part("resolvent, exactly", _exact, TWO_STEPS_ON, registry._resolvent_error, {"the square alone": TWO_STEPS}),
    Part(
        "acceptance", _acceptance, SQUARE, registry._acceptance_error, {"a quarter of it": Factor(lambda t: t**2 / 4)}
    ),
    Part(
        "heat",
        _heat,
        HeatBound(_heat_bound),
        lambda **x: max(registry._heat_error(**x)),
        {"half of the square": HeatBound(lambda theta: theta**2 / 2)},
    ),
    Part(
        "resolvent, equality",
        _reached,
        registry._never_comes_back,
        lambda affinity, weight: registry._resolvent_error(affinity, weight) == weight**2,
        covers="the coefficients of A²R, and when two laws are 1 apart; which powers reach a token is not symbolic",
    ),
    Part(
        "heat, equality",
        _reached_by_heat,
        registry._never_comes_back,
        registry.CLAIM.clause("heat, equality").measured,
        covers="every power from the second on has a positive coefficient; which powers reach a token is not symbolic",
    ),
    sizes="any N, every θ; the chain of 3 tokens attains both bounds at every θ",
)
