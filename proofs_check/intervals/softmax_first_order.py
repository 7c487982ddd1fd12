r"""R5 of ``softmax-first-order``: facts about exponentials on which ``rdk_theory/theorems/_softmax_proof.py`` rests.

*event*, *bound*: the proof of that module. It takes from convexity (the tangent: ``e^x >= 1 + x``, which also puts
the exponential below its chord) the bound of clause *event*; then :math:`s\cosh s \ge \sinh s`, :math:`\cosh s \le
e^{s^2/2}` and :math:`\tanh y \le y` where :math:`c \le 0 \le u`; then, where :math:`c > 0`, that

- :math:`\cosh s - 1 \le \tfrac{s^2}{2} + 0.043081 s^4` and :math:`\sinh s - s \ge \tfrac{s^3}{6}`, so that
  :math:`k \le \tfrac12 + 0.043081 s^2 - \tfrac{sa}{6}`,
- :math:`e^c - 1 - c \ge \tfrac{c^2}{2} + \tfrac{c^3}{6}`, so that :math:`e \ge \tfrac{b^2}{2} + \tfrac{s b^3}{6}`,

and its polynomials, whose least values are positive in rationals (the identity).

*reported bound*: it is :math:`s^2/8` for the largest :math:`s` of the kept rows. *acceptance*: :math:`\min(p, r) -
\min(p, \hat r) \le (r - \hat r)_+`, so that acceptances differ by at most the distance of the proposals; these are
means of rows with the same weights, whose distances are at most :math:`s^2/8`.

*three tokens*: with :math:`x = 0` on half of the tokens and :math:`\pm s` on a quarter each, the normaliser over
:math:`N` is :math:`(1 + \cosh s)/2 = \cosh^2(s/2)`; :math:`M^1 > M` on the first half only (two facts), and TV is
:math:`\tfrac12(1 - 1/\cosh^2(s/2))`, whatever :math:`N`.

*sharper than before*: :math:`\tanh(r/4) \ge s^2/8` with :math:`r = -s - \ln(1-s)` is :math:`r \ge
2\ln\frac{8+s^2}{8-s^2}`; enclosed up to 15/16, and beyond :math:`r \ge \ln 16 - 1 > 2\ln\tfrac97`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from proofs_check.intervals._facts import Fact, Identity, Tie, interval_proof
from proofs_check.intervals._functions import NOT_TANGENT, TANGENT, cosh, sinh, tanh_half
from rdk_theory.theorems._softmax_proof import certificate


def _cosh_series(over: int) -> Fact:
    return Fact(
        f"cosh s - 1 < s^2/2 + 0.0430{over} s^4",
        lambda x: x * x / 2 + x**4 * (43000 + over) / 10**6 - cosh(x) + 1,
        1,
    )


def _sharper(over: int) -> Fact:
    def function(x: Any) -> Any:
        return -x - (1 - x).log() - 2 * (1 + x * x / over).log() + 2 * (1 - x * x / over).log()

    says, beyond = f"tanh((-s - ln(1 - s))/4) > s^2/{over}", "ln 16 - 1 > 2 ln(9/7)"
    return Fact(says, function, Fraction(15, 16), beyond=beyond)


def _below_cosh(over: int) -> Fact:
    return Fact(f"1 - 1/cosh s > s^2/{over}", lambda x: cosh(x) * (1 - x * x / over) - 1, 1)


def _worst(x: Any) -> Any:
    return tanh_half(x) ** 2 / 2


def _leading(over: int) -> Fact:
    return Fact(f"tanh^2(s/2)/2 > s^2/8 - s^4/{over}", lambda x: _worst(x) - x * x / 8 + x**4 / over, 1)


def _three(s: float) -> dict[str, Any]:
    import numpy as np

    return {"x": s * np.array([0.0, 1.0, 0.0, -1.0])}


def _covariance(s: float) -> dict[str, Any]:
    """Two tokens with deviations s and −s, the first kept."""
    import numpy as np

    return {"covariance": np.array([[s, -s], [-s, s]]), "kept": np.array([0]), "temperature": 1.0}


def _context(s: float) -> dict[str, Any]:
    """That kernel, its kept token drafted and wanted."""
    import numpy as np

    return {**_covariance(s), "p": np.array([1.0, 0.0]), "draft": np.array([1.0])}


def _pair_error(x: Any) -> Any:
    """``(s − tanh s)/2``."""
    return (x - tanh_half(2 * x)) / 2


PROOF = interval_proof(
    "softmax-first-order",
    __name__,
    facts=(
        *TANGENT,
        Fact("s cosh s > sinh s", lambda x: x * cosh(x) - sinh(x), 1),
        Fact("cosh s < exp(s^2/2)", lambda x: (x * x / 2).exp() - cosh(x), 1),
        Fact("tanh(y/2) < y/2", lambda x: x / 2 - tanh_half(x), 1),
        _cosh_series(81),
        Fact("sinh s - s > s^3/6", lambda x: sinh(x) - x - x**3 / 6, 1),
        Fact("e^c - 1 - c > c^2/2 + c^3/6", lambda x: x.exp() - 1 - x - x * x / 2 - x**3 / 6, 1),
        Fact("M > M^1 at s: e^s > (1 + s) cosh^2(s/2)", lambda x: x.exp() - (1 + x) * (1 + cosh(x)) / 2, 1),
        Fact("M > M^1 at -s: e^-s > (1 - s) cosh^2(s/2)", lambda x: (-x).exp() - (1 - x) * (1 + cosh(x)) / 2, 1),
        _leading(48),
        _sharper(8),
        _below_cosh(8),
        Fact("1 - 1/cosh s < s^2/2", lambda x: 1 - cosh(x) * (1 - x * x / 2), 1),
        Fact("s^2/8 > tanh^2(s/2)/2", lambda x: x * x / 8 - _worst(x), 1),
        Fact("1 - 1/cosh s > tanh^2(s/2)/2", lambda x: cosh(x) * (1 - _worst(x)) - 1, 1),
    ),
    identities=(
        Identity("the polynomials of the proof are positive", lambda: certificate() > 0, lambda: certificate(9) > 0),
    ),
    clauses=(
        "bound",
        "event",
        "three tokens",
        "leading constant",
        "reported bound",
        "sharper than before",
        "acceptance",
    ),
    mutants=(
        NOT_TANGENT,
        _cosh_series(80),
        _leading(49),
        _sharper(7),
        _below_cosh(1),
        Fact("s^2/9 > tanh^2(s/2)/2", lambda x: x * x / 9 - _worst(x), 1),
    ),
    ties=(
        Tie("bound", "stated", _three, lambda x: x * x / 8),
        Tie("bound", "measured", _three, _worst),
        Tie("event", "stated", _three, _worst),
        Tie("event", "measured", _three, _worst),
        Tie("three tokens", "stated", _three, _worst),
        Tie("three tokens", "measured", _three, _worst),
        Tie("leading constant", "stated", _three, lambda x: x * x / 8 - x**4 / 48),
        Tie("leading constant", "measured", _three, _worst),
        Tie("reported bound", "stated", _covariance, lambda x: x * x / 8),
        Tie("reported bound", "measured", _covariance, _pair_error),
        Tie("acceptance", "stated", _context, lambda x: x * x / 8),
        Tie("acceptance", "measured", _context, _pair_error),
        Tie("sharper than before", "measured", lambda s: {"s": s}, lambda x: x * x / 8),
        Tie(
            "sharper than before",
            "stated",
            lambda s: {"s": s},
            lambda x: tanh_half((-x - (1 - x).log()) / 2),
            points=(Fraction(1, 16), Fraction(1, 3)),
        ),
        Tie(
            "sharper than before",
            "stated",
            lambda s: {"s": s},
            lambda x: 1 - 1 / cosh(x),
            points=(Fraction(15, 16), Fraction(1)),
        ),
    ),
    sizes="all N, every s in (0, 1]",
    model="x = (1/2, 0, -1/2, 0): s = 1/2",
)
