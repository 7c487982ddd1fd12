"""R4 of ``cumulant-cold-mass``: the worst case of two values, for every share and range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proofs_check.symbolic import _cumulants, _softmax
from proofs_check.symbolic._cases import Finding, both
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, symbolic_proof
from rdk_theory.theorems import _logits
from rdk_theory.theorems import cumulant_cold_mass as registry
from rdk_theory.theorems._claim import Kind


class Of:
    """A function of one number, in numbers and in symbols."""

    def __init__(self, of: Callable[[Any], Any]) -> None:
        self.of = of

    def __call__(self, spread: float) -> float:
        """At a range."""
        import sympy

        return float(self.of(sympy.Float(spread, 40)))


class LogMean:
    """Mean and gap of Gaussian logits."""

    def __init__(self, of: Callable[[Any], Any]) -> None:
        self.of = of

    def __call__(self, mu: float, sigma: float) -> float:
        """Their sum."""
        return mu + float(self.of(sigma))


def _cubic(over: int) -> Of:
    def bound(s: Any) -> Any:
        import sympy

        return s**3 / (over * sympy.sqrt(3))

    return Of(bound)


def _quadratic(kind: Kind, stated: Of, measured: Any) -> Finding:
    """``D`` is at most the gap of two values without their variance, and at least minus half of that variance.

    The gap is in ``[0, s²/8]``, by the tangent and by its second derivative, and ``p(1−p)/2 ≤ 1/8``.
    """
    s = symbols("s")[0]
    return both(_softmax.convexity(), _cumulants.at_most(s**2 / stated.of(s)))


def _worst(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``∂D/∂p`` times ``1 + pA`` is the quadratic of the statement, so that its roots are the stationary shares."""
    import sympy

    p, s, a = symbols("p s A")
    excess = sympy.log(1 + p * a) - p * s - p * (1 - p) * s**2 / 2
    quadratic = a * s**2 * p**2 - (a * (s + s**2 / 2) - s**2) * p + a - s - s**2 / 2
    return equal((sympy.diff(excess, p) * (1 + p * a), quadratic))


PROOF = symbolic_proof(
    "cumulant-cold-mass",
    __name__,
    Part(
        "cubic",
        lambda kind, stated, measured: _cumulants.third(stated.of),
        _cubic(36),
        registry._errors,
        {"38 for 36": _cubic(38)},
    ),
    Part("quadratic", _quadratic, Of(lambda s: s**2 / 8), registry._errors, {"a ninth": Of(lambda s: s**2 / 9)}),
    Part(
        "Gaussian",
        lambda kind, stated, measured: _cumulants.gaussian(stated.of),
        LogMean(lambda sigma: sigma**2 / 2),
        _logits.gaussian_log_mean,
        {"the mean alone": LogMean(lambda sigma: 0 * sigma)},
    ),
    Part(
        "worst cases",
        _worst,
        registry._errors,
        registry._searched,
        covers="the roots of the quadratic are the stationary shares; which of them is the worst is not symbolic",
    ),
    sizes="every share, every range, every σ",
)
