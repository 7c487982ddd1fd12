"""R4 of ``softmax-first-order``: the bound ``s²/8`` for every number of tokens, its worst case, and the linear rows."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic import _softmax
from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._cylinders import not_negative
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, symbolic_proof, tried
from rdk_theory.theorems import softmax_first_order as registry
from rdk_theory.theorems._claim import Kind
from rdk_theory.theorems._softmax_proof import certificate


class Square:
    """``s²/8``, or over another number."""

    def __init__(self, over: int) -> None:
        self.over = over

    def __call__(self, x: Any) -> float:
        """It, at the largest deviation."""
        return float(np.abs(x).max()) ** 2 / self.over


class Certificate:
    """What the package bounds from below, for the bound ``s²/inverse``."""

    def __init__(self, inverse: int) -> None:
        self.inverse = inverse

    def __call__(self) -> Fraction:
        """By Bernstein coefficients."""
        return certificate(self.inverse)


class Event:
    """A multiple of the bound that knows an event."""

    def __init__(self, factor: Fraction) -> None:
        self.factor = factor

    def __call__(self, x: Any) -> float:
        """It, from the event itself."""
        s, weights = float(np.abs(x).max()), np.exp(x)
        inside = (1 + x) / x.size > weights / weights.sum() + 1e-15
        w = float(inside.mean())
        if w in (0.0, 1.0):
            return 0.0
        c, u = float(x[inside].mean()), float(x[~inside].mean())
        alpha, kappa = math.expm1(c) - c, math.cosh(s) - 1 + u * (math.sinh(s) / s - 1)
        return float(self.factor) * float(_softmax.event_bound(w, c, u, alpha, kappa))

    def formula(self, *numbers: Any) -> Any:
        """In symbols."""
        return self.factor.numerator * _softmax.event_bound(*numbers) / self.factor.denominator


def _distance(x: Any) -> float:
    weights = np.exp(x)
    return float(np.maximum((1 + x) / x.size - weights / weights.sum(), 0).sum())


def _bound(kind: Kind, stated: Square, measured: Any) -> Finding:
    return both(_softmax.event(), _softmax.same_side(), _softmax.other_side(stated.over))


def _positive(kind: Kind, stated: Any, measured: Certificate) -> Finding:
    return _softmax.other_side(measured.inverse)


def _event(kind: Kind, stated: Event, measured: Any) -> Finding:
    return _softmax.event(stated.formula)


class AtThree:
    """A function of `s` for deviations 0 and ±s, in numbers and in symbols."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def __call__(self, x: Any) -> float:
        """At the largest deviation."""
        import sympy

        return float(self.of(sympy.Float(np.abs(x).max(), 30)))


def _tanh(s: Any) -> Any:
    import sympy

    return sympy.tanh(s / 2) ** 2 / 2


def _three(kind: Kind, stated: AtThree, measured: Any) -> Finding:
    """``TV = ½(1 − 1/Z)`` with ``Z = (1 + cosh s)/2``, from the tokens with 0 alone; on the others ``M ≥ M¹``.

    For those, ``2 e^x − (1 + x)(1 + cosh x)``, at ``x = ±s``, has the coefficients ``1/n!`` for even and ``−(n−2)/n!``
    for odd ``n ≥ 2``, and none before. Each odd term is at most the even one before it: ``1 − (2k−1)/(2k+1)`` is
    ``2/(2k+1)``.
    """
    import sympy

    s, k, n = symbols("s k n")
    z = (1 + sympy.cosh(s)) / 2
    even = sympy.combsimp(sympy.factorial(n) * (2 / sympy.factorial(n) - 1 / sympy.factorial(n)))
    odd = sympy.combsimp(sympy.factorial(n) * (2 / sympy.factorial(n) - 1 / sympy.factorial(n - 1)))
    pair = 1 - (2 * k - 1) * sympy.combsimp(sympy.factorial(2 * k) / sympy.factorial(2 * k + 1))
    distance = (1 - 1 / z) / 2 - stated.of(s)
    return equal((distance.rewrite(sympy.exp), 0), (even, 1), (odd, 2 - n), (pair, 2 / (2 * k + 1)))


def _leading(kind: Kind, stated: AtThree, measured: Any) -> Finding:
    """``tanh x ≥ x − x³/3``: it vanishes at 0 and has the slope ``x² − tanh² x ≥ 0``. Then half of its square."""
    import sympy

    x, s = symbols("x s")
    gap = sympy.tanh(x) - x + x**3 / 3
    below = (s / 2 - s**3 / 24) ** 2 / 2 - stated.of(s)
    return both(
        equal((gap.subs(x, 0), 0), (sympy.diff(gap, x), x**2 - sympy.tanh(x) ** 2)),
        not_negative(below, [s]),
    )


class Spread:
    """``s²/8`` for the largest deviation of kept rows; rows of a covariance of laws sum to 0."""

    def __init__(self, over: int) -> None:
        self.over = over

    def __call__(self, covariance: Any, kept: Any, temperature: Any, p: Any, draft: Any) -> float:
        """It."""
        return float(np.abs(covariance[kept]).max() / temperature) ** 2 / self.over


def _acceptance(kind: Kind, stated: Spread, measured: Any) -> Finding:
    """Acceptance moves by at most ``Σ_i q'_i TV_i`` (claim lipschitz, whose scalar lemma is checked again)."""
    lemma = decide(lambda x: abs(min(x["p"], x["r"]) - min(x["p"], x["s"])) <= abs(x["r"] - x["s"]), "p r s")
    signed = decide(_signed, "p r s")
    return both(lemma, signed, _bound(kind, Square(stated.over), None))


def _signed(x: Any) -> bool:
    p, r, s = x["p"], x["r"], x["s"]
    return bool(-max(s - r, 0) <= min(p, r) - min(p, s) <= max(r - s, 0))


class Reported(Spread):
    """The same without a context: what the package reports for a kernel."""

    def __call__(self, covariance: Any, kept: Any, temperature: Any) -> float:  # type: ignore[override]
        """It."""
        centred = covariance[kept] - covariance[kept].mean(axis=1, keepdims=True)
        return float(np.abs(centred).max() / temperature) ** 2 / self.over


def _reported(kind: Kind, stated: Reported, measured: Any) -> Finding:
    """The bound of each row, at the largest deviation of all."""
    return _bound(kind, Square(stated.over), None)


def _ratio(kind: Kind, stated: Any, measured: Any) -> Finding:
    """With ``A = {p > r}``: ``p(A) ≤ max(p/r) r(A)`` and ``1 − p(A) ≥ min(p/r)(1 − r(A))`` term by term; then odds."""

    def tokens(x: Any) -> bool:
        ratio, least, most = x["least"] + x["a"], x["least"], x["least"] + x["a"] + x["b"]
        p = ratio * x["r"]
        return bool(least * x["r"] <= p <= most * x["r"])

    return both(_softmax.odds(), decide(tokens, "r least a b"), tried(kind, stated, measured, PAIRS))


PAIRS = tuple(
    {name: np.array([Fraction(n, 6), Fraction(6 - n, 6)]) for name, n in (("p", a), ("r", b))}
    for a in range(1, 6)
    for b in range(1, 6)
)


def _odds(p: Any, r: Any) -> Any:
    distance = sum(max(a - b, 0) for a, b in zip(p, r, strict=True))
    return ((1 + distance) / (1 - distance)) ** 2


class Scaled:
    """``s²`` over a number."""

    def __init__(self, over: int) -> None:
        self.over = over

    def __call__(self, s: float) -> float:
        """It."""
        return s * s / self.over


def _sharper(kind: Kind, stated: Any, measured: Scaled) -> Finding:
    return _softmax.below_older(measured.over)


def _older(s: float) -> float:
    return min(math.tanh((-s - math.log1p(-s)) / 4) if s < 1 else 1.0, 1 - 1 / math.cosh(s))


PROOF = symbolic_proof(
    "softmax-first-order",
    __name__,
    Part("bound", _bound, Square(8), _distance, {"a ninth": Square(9)}),
    Part("proof", _positive, lambda: Fraction(0), Certificate(8), {"a ninth": Certificate(9)}),
    Part("event", _event, Event(Fraction(1)), _distance, {"nine tenths": Event(Fraction(9, 10))}),
    Part("three tokens", _three, AtThree(_tanh), _distance, {"the bound itself": AtThree(lambda s: s**2 / 8)}),
    Part(
        "leading constant",
        _leading,
        AtThree(lambda s: s**2 / 8 - s**4 / 48),
        _distance,
        {"no correction": AtThree(lambda s: s**2 / 8)},
    ),
    Part(
        "acceptance",
        _acceptance,
        Spread(8),
        registry._acceptance_error,
        {"an eightieth": Spread(80)},
    ),
    Part("reported bound", _reported, Reported(8), registry._error, {"a tenth": Reported(80)}),
    Part(
        "ratio",
        _ratio,
        lambda p, r: max(p / r) / min(p / r),
        _odds,
        {"to the first power": lambda p, r: max(p / r)},
    ),
    Part("sharper than before", _sharper, _older, Scaled(8), {"a seventh": Scaled(7)}),
    sizes="any N, every s in [0, 1]",
)
