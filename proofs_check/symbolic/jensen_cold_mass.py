"""R4 of ``jensen-cold-mass``, for any number of cold logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic import _cumulants, _softmax
from proofs_check.symbolic._cases import Finding, both
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, symbolic_proof
from rdk_theory.theorems import _logits
from rdk_theory.theorems import jensen_cold_mass as registry
from rdk_theory.theorems._claim import Kind


class Spread:
    """A function of the range, in numbers and in symbols; with `mean`, added to ``log n`` and the mean of logits."""

    def __init__(self, of: Callable[[Any], Any], mean: bool = False) -> None:
        self.of, self.mean = of, mean

    def __call__(self, z: Any = None, spread: Any = None) -> float:
        """It, for logits or for a range."""
        import sympy

        size = float(spread if z is None else z.max() - z.min())
        value = float(self.of(sympy.Float(size, 40))) if size > 0 else 0.0 + float(self.of(0) if self.mean else 0)
        return value if z is None else value + math.log(len(z)) + float(np.mean(z))


def gap(s: Any) -> Any:
    """``J(s) = log φ + 1/φ − 1``, ``φ = (e^s − 1)/s``."""
    import sympy

    if s == 0:
        return 0
    phi = (sympy.exp(s) - 1) / s
    return sympy.log(phi) + 1 / phi - 1


def _lower(kind: Kind, stated: Spread, measured: Any) -> Finding:
    """``e^z ≥ e^{z̄}(1 + z − z̄)``: the exponentials sum to at least ``n e^{z̄}``."""
    import sympy

    s, n, m = symbols("s n m_")
    tangents = n * sympy.exp(m) * (1 + m - m)
    return both(_softmax.convexity(), equal((tangents, n * sympy.exp(m) * sympy.exp(stated.of(s)))))


def _log_tangent(bound: Callable[[Any], Any]) -> Finding:
    """``log x ≤ x/φ − 1 + log φ``, convex and touching at φ; at ``x = 1 + p(e^s − 1)`` it says ``log x − ps ≤ J(s)``.

    And ``p = 1/s − 1/(e^s − 1)`` is where ``x = φ``.
    """
    import sympy

    x, phi, p, s = symbols("x phi p s")
    above = x / phi - 1 + sympy.log(phi) - sympy.log(x)
    a = sympy.exp(s) - 1
    line = (1 + p * a) / phi - 1 + sympy.log(phi) - p * s
    best = 1 / s - 1 / a
    return equal(
        (above.subs(x, phi), 0),
        (sympy.diff(above, x).subs(x, phi), 0),
        (sympy.diff(above, x, 2), 1 / x**2),
        (line.subs(phi, a / s), bound(s)),
        (1 + best * a, a / s),
    )


class Between:
    """The logarithm of a mean of the exponentials of the least and the largest logit, and that of `n`."""

    def __init__(self, of: Callable[[Any, Any, Any], Any]) -> None:
        self.of = of

    def __call__(self, z: Any) -> float:
        """It, at the share that gives the mean."""
        low, high = float(z.min()), float(z.max())
        share = (float(np.mean(z)) - low) / (high - low) if high > low else 0.0
        return math.log(len(z)) + low + math.log(float(self.of(share, 1.0, math.exp(high - low))))


EXP = math.exp(-0.01)


def _below_chord(kind: Kind, stated: Between, measured: Any) -> Finding:
    """Exponentials lie below the chord; their mean is at most what the chord gives at the mean logit."""
    import sympy

    p, low, high = symbols("p low high")
    chord = (1 - p) * low + p * high
    return both(_softmax.convexity(), equal((sympy.nsimplify(stated.of(p, low, high)), chord)))


def _upper(kind: Kind, stated: Spread, measured: Any) -> Finding:
    """The chord leaves two values, and for these the tangent of the logarithm gives ``J(s)``."""
    return both(_softmax.convexity(), _log_tangent(stated.of))


def _hoeffding(kind: Kind, stated: Spread, measured: Any) -> Finding:
    """``J`` is reached by two values, whose gap is at most ``s²/8``."""
    s = symbols("s")[0]
    return both(_log_tangent(gap), _cumulants.at_most(s**2 / stated.of(s)))


def _gaussian(kind: Kind, stated: Any, measured: Any) -> Finding:
    return _cumulants.gaussian(stated.of)


class Sigma:
    """A gap of Gaussian logits, and the factor of the odds."""

    def __init__(self, of: Callable[[Any], Any]) -> None:
        self.of = of

    def __call__(self, mu: float, sigma: float) -> Any:
        """Both."""
        return np.array([self.of(sigma), math.exp(-self.of(sigma))])


class Times:
    """A multiple of ``b^{Σk}``."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, base: int, k: Any) -> Any:
        """It."""
        return self.factor * Fraction(base) ** sum(k)


def _weights(kind: Kind, stated: Times, measured: Any) -> Finding:
    """The same with ``z = k log b``, to the power `n`."""
    return both(_lower(kind, Spread(lambda s: 0), None), equal((stated.factor, 1)))


def _chord_weights(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``b^k`` lies below its chord between the least and the largest `k`."""
    low, high, p = symbols("low high p")
    share = (1 - p) * low + p * high
    return both(_softmax.convexity(), equal((share - low, p * (high - low)), (stated.of(p, low, high), share)))


class Chord:
    """``(1 − p)`` of the lower end and `p` of the upper one, or a mutant of it."""

    def __init__(self, of: Callable[[Any, Any, Any], Any]) -> None:
        self.of = of

    def __call__(self, base: int, k: Any) -> Any:
        """It, of powers."""
        low, high = min(k), max(k)
        share = Fraction(sum(k) - low * len(k), (high - low) * len(k)) if high > low else Fraction(0)
        return self.of(share, Fraction(base) ** low, Fraction(base) ** high)


PROOF = symbolic_proof(
    "jensen-cold-mass",
    __name__,
    Part(
        "lower",
        _lower,
        Spread(lambda s: 0, mean=True),
        _logits.log_sum,
        {"a hundredth more": Spread(lambda s: Fraction(1, 100) if s == 0 else 0.01 + 0 * s, mean=True)},
    ),
    Part(
        "upper",
        _upper,
        Spread(gap, mean=True),
        _logits.log_sum,
        {"nine tenths": Spread(lambda s: 9 * gap(s) / 10, mean=True)},
    ),
    Part(
        "chord",
        _below_chord,
        Between(lambda p, low, high: (1 - p) * low + p * high),
        _logits.log_sum,
        {"a hundredth less": Between(lambda p, low, high: ((1 - p) * low + p * high) * EXP)},
    ),
    Part(
        "largest gap",
        _upper,
        Spread(gap),
        registry._worst,
        {"an eighth of the square": Spread(lambda s: s**2 / 8)},
    ),
    Part("Hoeffding", _hoeffding, Spread(lambda s: s**2 / 8), Spread(gap), {"a ninth": Spread(lambda s: s**2 / 9)}),
    Part("Gaussian", _gaussian, Sigma(lambda s: s**2 / 2), registry._odds, {"no gap": Sigma(lambda s: 0 * s)}),
    Part(
        "lower in weights",
        _weights,
        Times(1),
        lambda base, k: _logits.mean_power(base, k) ** len(k),
        {"twice that": Times(2)},
    ),
    Part(
        "chord in weights",
        _chord_weights,
        Chord(lambda p, low, high: (1 - p) * low + p * high),
        _logits.mean_power,
        {"the mean alone": Chord(lambda p, low, high: low)},
    ),
    sizes="any n, every range, every σ",
)
