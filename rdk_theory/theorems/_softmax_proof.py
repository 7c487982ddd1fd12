r"""The proof that the linear form of a softmax row is within ``s²/8`` of it (claim ``softmax-first-order``).

Let :math:`x` have mean 0 and :math:`|x_j| \le s \le 1`, let :math:`A` be the tokens where :math:`M^1 > M`, and
:math:`c`, :math:`u` the means of :math:`x` on :math:`A`, a share :math:`w` of the tokens, and off it:
:math:`w c + (1-w) u = 0`. By convexity the mean of :math:`e^x` is at least :math:`e^c` on :math:`A`, and off it at most
:math:`K = \cosh s + u \sinh(s)/s`, the chord. So, with :math:`\alpha = e^c - 1 - c` and :math:`\kappa = K - 1 - u`,

.. math:: \mathrm{TV} = M^1(A) - M(A) \le w(1+c) - \frac{w e^c}{w e^c + (1-w) K}
          = \frac{w(1-w)[(1+c)\kappa - (1+u)\alpha]}{1 + w\alpha + (1-w)\kappa}.

If :math:`c \le 0 \le u`: two probabilities whose log-odds differ by :math:`\Delta` differ by at most
:math:`\tanh(\Delta/4)`. Here :math:`\Delta = \ln\frac{K}{1+u} - (c - \ln(1+c))`. The first term falls in :math:`u`, for
:math:`\cosh s \ge \sinh(s)/s`, so :math:`\Delta \le \ln\cosh s \le s^2/2`, and :math:`\mathrm{TV} \le s^2/8`.

If :math:`c = sb > 0`, :math:`u = -sa`, with :math:`a, b \in (0, 1]`: then :math:`w = a/(a+b)`, and what is to be shown
is, with :math:`k = \kappa/s^2` and :math:`e = \alpha/s^2`,

.. math:: Q = (a+b)^2 + s^2 (a+b)(bk + ae) - 8ab\,[(1+sb)k - (1-sa)e] \ge 0.

Where the coefficient of :math:`k` is positive, already :math:`M^1(A) < s^2/8`. Elsewhere :math:`Q` falls in :math:`k`
and rises in :math:`e`, and :math:`k \le \tfrac12 + \tfrac{43081}{10^6} s^2 - \tfrac{sa}{6}`,
:math:`e \ge \tfrac{b^2}{2} + \tfrac{s b^3}{6}`, by the series of cosh, sinh and exp (:math:`\cosh 1 - \tfrac32 <
0.043081`). That makes :math:`Q` a polynomial. For :math:`b \ge \tfrac12` it is positive on its box. For :math:`b \le
\tfrac12` it is quadratic in :math:`a`, and positive for every :math:`a` since its leading coefficient and the negative
of its discriminant are; the latter vanishes at :math:`s = b = 0` to second order, so it is divided by :math:`s^2` where
:math:`b \le s` and by :math:`b^2` elsewhere. `certificate` bounds all of these from below exactly.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from rdk_theory.theorems._polynomials import Polynomial, least


@cache
def certificate(inverse: int = 8) -> Fraction:
    """A lower bound of what must be positive for ``TV ≤ s²/inverse``; the proof of the module, checked exactly."""
    half, unit = Fraction(1, 2), (Fraction(0), Fraction(1))
    lower, upper = (Fraction(0), half), (half, Fraction(1))
    a, b, s = Polynomial.variables(3)
    highest = s * s * Fraction(43081, 10**6) + half
    k = highest - s * a * Fraction(1, 6)
    e = b * b * half + s * b * b * b * Fraction(1, 6)
    q = (a + b) * (a + b) + s * s * (a + b) * (b * k + a * e) - inverse * a * b * ((1 + s * b) * k - (1 - s * a) * e)
    # As a quadratic in a: its leading coefficient, the linear one over b, the constant one over b².
    quadratic, linear, constant = (_coefficient(q, n).over((0, 2 - n, 0)) for n in (2, 1, 0))
    discriminant = 4 * quadratic * constant - linear * linear
    if at_origin := discriminant.terms.get((0, 0, 0)):
        return at_origin  # the constant is not that of small deviations
    return min(
        least(q, (unit, upper, unit)),
        least(quadratic, (unit, lower, unit)),
        least(discriminant, (unit, lower, upper)),
        least(discriminant(a, s * b, s).over((0, 0, 2)), (unit, unit, lower)),
        least(discriminant(a, b, s * b).over((0, 2, 0)), (unit, lower, unit)),
    )


def _coefficient(polynomial: Polynomial, power: int) -> Polynomial:
    """The coefficient of a power of the first variable."""
    terms = {(0, *rest): x for (first, *rest), x in polynomial.terms.items() if first == power}
    return Polynomial(polynomial.count, terms)
