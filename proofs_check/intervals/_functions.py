"""Functions and facts that several proofs share, each written once for balls, their series, and rational series."""

from __future__ import annotations

from typing import Any

from proofs_check.intervals._facts import Fact, Identity
from proofs_check.intervals._positive import phi
from rdk_theory.theorems._polynomials import Polynomial

FAR = 64
"""How far facts about exponentials are enclosed; why they hold beyond, each says."""

TANGENT = (
    Fact("e^x > 1 + x for x > 0", lambda x: x.exp() - 1 - x, FAR, beyond="no coefficient of e^x - 1 - x is negative"),
    Fact("e^x > 1 + x for x < 0", lambda x: (-x).exp() - 1 + x, FAR, beyond="1 + x is negative"),
)
"""``e^x ≥ 1 + x``, with equality at 0 only."""

NOT_TANGENT = Fact("e^x > 1 + 1.01 x for x > 0", lambda x: x.exp() - 1 - x * 101 / 100, FAR)


def cosh(x: Any) -> Any:
    """``(e^x + e^{−x})/2``."""
    return (x.exp() + (-x).exp()) / 2


def sinh(x: Any) -> Any:
    """``(e^x − e^{−x})/2``."""
    return (x.exp() - (-x).exp()) / 2


def tanh_half(x: Any) -> Any:
    """``tanh(x/2)``."""
    return (x.exp() - 1) / (x.exp() + 1)


def jensen(x: Any) -> Any:
    """``J(x) = log φ + 1/φ − 1``."""
    ratio = phi(x)
    return ratio.log() + 1 / ratio - 1


def hoeffding(over: int) -> Fact:
    """``J(s) < s²/over``; true for 8."""
    beyond = "J(s) <= s <= s^2/8, for 1 <= phi <= e^s"
    return Fact(f"J(s) < s^2/{over}", lambda x: x * x / over - jensen(x), 8, beyond=beyond)


def _square_completed(shift: int = 1) -> bool:
    """``2vz − (z − μ)² = 2vμ + v² − (z − μ − v)²``."""
    z, mu, v = Polynomial.variables(3)
    away = z - mu - shift * v
    return not (2 * v * z - (z - mu) * (z - mu) - 2 * v * mu - v * v + away * away).terms


GAUSSIAN = Identity("2vz - (z - mu)^2 = 2v mu + v^2 - (z - mu - v)^2", _square_completed, lambda: _square_completed(2))
"""Over ``2v``, an exponent: ``e^z`` times a normal density is ``e^{μ + v/2}`` times the one that is moved by `v`."""
