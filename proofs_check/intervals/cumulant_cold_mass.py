r"""R5 of ``cumulant-cold-mass``.

*two points*: :math:`\varphi_2(w) = (e^w - 1 - w)/w^2` increases, for :math:`w^3 \varphi_2' = (w-2)e^w + w + 2` has
the sign of :math:`w` (a fact for :math:`w > 0`; at :math:`-w` it is :math:`-e^{-w}` times itself at :math:`w`). So
:math:`e^{z-x} \le 1 + (z-x) + \varphi_2(\max z - x)(z-x)^2` for all :math:`z \le \max z`, whatever :math:`x`: a
parabola in :math:`z`, so that its mean depends on the mean and the variance :math:`v` of :math:`z` alone. At :math:`x
= \bar z - v/(\max z - \bar z)` the law on :math:`x` and :math:`\max z` has both, and equality. Below: the same with
:math:`y` and :math:`\min z`, the inequality turned round.

*above, below*: those laws have a range :math:`r \le s`, for :math:`v \le (\bar z - \min z)(\max z - \bar z)`. The
error is then :math:`D(p, r)`, at most :math:`\max_p D(p, r)`, and this grows with :math:`r`: by the identity below,
:math:`\partial D/\partial p = 0` means :math:`A/(1 + pA) = r + (1-2p)r^2/2`, and there :math:`\partial D/\partial r =
p(1-p)[A/(1 + pA) - r] = p(1-p)(1-2p)r^2/2`, which is positive at :math:`p_- < \tfrac12` and negative at :math:`p_+ >
\tfrac12`.

*worst cases*: by the identity :math:`\partial D/\partial p` has the sign of a quadratic :math:`q(p)`, which is
positive at 0 and at 1 and negative at 1/2: three facts, for :math:`q(\tfrac12) = -[(s-2)e^s + s + 2]/2`. So :math:`D`
rises to :math:`p_-`, falls to :math:`p_+` and rises; it is 0 at both ends.

*cubic*: :math:`D = \tfrac12\int_0^1 (1-t)^2 s^3 g(p_t)\,dt` with :math:`g(p) = p(1-p)(1-2p)`, Taylor's remainder of
:math:`\log(1 - p + p e^{ts})` at :math:`t = 0`, and :math:`1 - 108 g^2 = (1-6w)^2(1+12w) \ge 0` for :math:`w =
p(1-p)`. Strictly, for :math:`p_t` moves. No range is left out; the closed forms themselves are enclosed on [1/4, 8].

*leading constant*: at :math:`p = (3 \mp \sqrt3)/6` the third cumulant is :math:`\pm s^3/(6\sqrt3)` and the fourth is 0
(exactly, modulo :math:`6p^2 - 6p + 1`), so that Taylor's remainder is the fifth, over 120, at a tilted share. It is at
most :math:`2/(9\sqrt3)\,s^5`, which is :math:`120/(36\sqrt3 \cdot 15)`.

*quadratic*: :math:`D \ge -v/2 \ge -s^2/8` by Jensen, and :math:`D \le J(s) \le s^2/8` (claim ``jensen-cold-mass``).
*Gaussian*: the square completed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from proofs_check.intervals._facts import Fact, Identity, Tie, interval_proof
from proofs_check.intervals._functions import FAR, GAUSSIAN, TANGENT, hoeffding
from rdk_theory.theorems._polynomials import Polynomial


def _worst(x: Any, sign: int) -> Any:
    """``sign · D(p, s)`` at the root ``p_−`` (sign 1) or ``p_+`` (sign −1) of the quadratic."""
    power = x.exp() - 1
    square, linear, constant = power * x * x, power * (x + x * x / 2) - x * x, power - x - x * x / 2
    p = (linear - sign * (linear * linear - 4 * square * constant).sqrt()) / (2 * square)
    return sign * ((1 + p * power).log() - p * x - p * (1 - p) * x * x / 2)


def _cubic(x: Any) -> Any:
    from flint import arb

    return x**3 / (36 * arb(3).sqrt())


def _below_cubic(name: str, sign: int, over: int = 36) -> Fact:
    function = lambda x: _cubic(x) * 36 / over - _worst(x, sign)  # noqa: E731
    return Fact(f"{name}(s) < s^3/({over} sqrt 3)", function, 8, Fraction(1, 4), beyond="and before, by the identities")


def _slope_is_the_quadratic(half: Fraction = Fraction(1, 2)) -> bool:
    """``(1 + pA) ∂D/∂p = A s² p² − [A(s + s²/2) − s²] p + A − s − s²/2``, in polynomials of `p`, `s` and `A`."""
    p, s, a = Polynomial.variables(3)
    one = p * 0 + 1
    slope = a - (one + p * a) * (s + (one - 2 * p) * s * s * half)
    quadratic = a * s * s * p * p - (a * (s + s * s * Fraction(1, 2)) - s * s) * p + a - s - s * s * Fraction(1, 2)
    return not (slope - quadratic).terms


def _cumulants() -> list[Any]:
    """The first five cumulants of a law on 0 and 1, as polynomials of the share of 1: each is the last one tilted."""
    from flint import fmpq_poly

    p = fmpq_poly([0, 1])
    found = [p]
    for _ in range(4):
        found.append(p * (1 - p) * found[-1].derivative())
    return found


def _third_is_bounded(bound: int = 108) -> bool:
    from flint import fmpq_poly

    p = fmpq_poly([0, 1])
    w = p * (1 - p)
    return bool(1 - bound * _cumulants()[2] ** 2 == (1 - 6 * w) ** 2 * (1 + 12 * w))


def _third_is_largest(at: int = 6) -> bool:
    """At the roots of ``6p² − 6p + 1`` the third cumulant is ``±1/(6√3)`` and the fourth is 0."""
    from flint import fmpq_poly

    root = fmpq_poly([1, -at, at])
    third, fourth = _cumulants()[2:4]
    return bool((108 * third**2 - 1) % root == 0 and fourth % root == 0)


def _fifth(x: Any) -> Any:
    value = x * 0
    for coefficient in reversed(_cumulants()[4].coeffs()):
        value = value * x + coefficient
    return value


def _spread(s: float) -> dict[str, Any]:
    return {"spread": s}


def _logits(s: float) -> dict[str, Any]:
    import numpy as np

    return {"z": np.array([s, 0.0, 0.0])}


def _normal(sigma: float) -> dict[str, Any]:
    return {"mu": 1.0, "sigma": sigma}


def _excess(x: Any) -> Any:
    """``D(1/3, s)``: the error for the logits of `_logits`."""
    from flint import arb

    return ((x.exp() + 2) / arb(3)).log() - x / 3 - x * x / 9


RISING = Fact("phi_2 increases: (w - 2) e^w + w + 2 > 0", lambda x: (x - 2) * x.exp() + x + 2, FAR, beyond="w > 2")
POINTS = (Fraction(1, 4), Fraction(2, 3), Fraction(3, 2), Fraction(5))

PROOF = interval_proof(
    "cumulant-cold-mass",
    __name__,
    facts=(
        *TANGENT,
        RISING,
        Fact(
            "the quadratic at 0: e^s - 1 - s - s^2/2 > 0",
            lambda x: x.exp() - 1 - x - x * x / 2,
            FAR,
            beyond="no coefficient is negative",
        ),
        Fact(
            "the quadratic at 1: e^s (1 - s + s^2/2) - 1 > 0",
            lambda x: x.exp() * (1 - x + x * x / 2) - 1,
            FAR,
            beyond="e^s > 2 and 1 - s + s^2/2 >= 1/2",
        ),
        hoeffding(8),
        _below_cubic("U", 1),
        _below_cubic("L", -1),
        Fact("the fifth cumulant is within 2/(9 sqrt 3)", lambda x: 4 - 243 * _fifth(x) ** 2, 1),
    ),
    identities=(
        GAUSSIAN,
        Identity(
            "(1 + pA) dD/dp is the quadratic", _slope_is_the_quadratic, lambda: _slope_is_the_quadratic(Fraction(1, 3))
        ),
        Identity("1 - 108 g^2 = (1 - 6w)^2 (1 + 12w)", _third_is_bounded, lambda: _third_is_bounded(107)),
        Identity(
            "third cumulant 1/(6 sqrt 3) and fourth 0 where 6p^2 - 6p + 1 = 0",
            _third_is_largest,
            lambda: _third_is_largest(5),
        ),
    ),
    clauses=(
        "above",
        "below",
        "two points above",
        "two points below",
        "worst cases",
        "cubic",
        "leading constant",
        "quadratic",
        "Gaussian",
    ),
    mutants=(
        Fact("phi_2 increases faster: (w - 2) e^w + w + 2 - w^3/5 > 0", lambda x: RISING.function(x) - x**3 / 5, FAR),
        hoeffding(9),
        _below_cubic("U", 1, 38),
        _below_cubic("L", -1, 38),
        Fact("the fifth cumulant is within 1/8", lambda x: 1 - 64 * _fifth(x) ** 2, 1),
    ),
    ties=(
        Tie("worst cases", "stated", _spread, lambda x: _worst(x, -1), POINTS, entry=0),
        Tie("worst cases", "stated", _spread, lambda x: _worst(x, 1), POINTS, entry=1),
        Tie("worst cases", "measured", _spread, lambda x: _worst(x, -1), POINTS, entry=0),
        Tie("worst cases", "measured", _spread, lambda x: _worst(x, 1), POINTS, entry=1),
        Tie("cubic", "stated", _spread, _cubic, POINTS),
        Tie("cubic", "measured", _spread, lambda x: _worst(x, -1), POINTS, entry=0),
        Tie("cubic", "measured", _spread, lambda x: _worst(x, 1), POINTS, entry=1),
        Tie("leading constant", "stated", _spread, lambda x: _cubic(x) * (1 - x * x / 15), POINTS),
        Tie("leading constant", "measured", _spread, lambda x: _worst(x, 1), POINTS, entry=1),
        Tie("quadratic", "stated", _spread, lambda x: x * x / 8, POINTS),
        Tie("quadratic", "measured", _spread, lambda x: _worst(x, -1), POINTS, entry=0),
        Tie("above", "measured", _logits, _excess, POINTS),
        Tie("above", "stated", _logits, lambda x: _worst(x, 1), POINTS),
        Tie("below", "measured", _logits, _excess, POINTS),
        Tie("below", "stated", _logits, lambda x: -_worst(x, -1), POINTS),
        Tie("Gaussian", "stated", _normal, lambda x: x * x / 2 + 1, POINTS[:2]),
        Tie("Gaussian", "measured", _normal, lambda x: x * x / 2 + 1, POINTS[:2]),
        *(
            Tie(clause, road, _logits, lambda x: (x.exp() + 2).log(), POINTS)
            for clause in ("two points above", "two points below")
            for road in ("stated", "measured")
        ),
    ),
    sizes="all n, every range s > 0",
    model="z = (1, 0, 0): mean 1/3, variance 2/9",
    notes=("range^3/(36 sqrt 3) is attained at no s > 0, and is the limit of both worst cases over s -> 0",),
)
