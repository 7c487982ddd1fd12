"""What happens at one token, in numbers or unknowns; and how unknown numbers in [0, 1] are written."""

from __future__ import annotations

from typing import Any


def common(p: Any, r: Any) -> Any:
    """``min(p, r)``."""
    return min(p, r)


def larger(p: Any, r: Any) -> Any:
    """``max(p, r)``."""
    return max(p, r)


def trial(p: Any, r: Any) -> Any:
    """A drafted token is accepted with ``min(1, p/r)``."""
    return r * min(1, p / r) if r > 0 else 0 * p


def gain(p: Any, r: Any, q: Any) -> Any:
    """What a token accepts more under `r` than under `q`."""
    return trial(p, r) - trial(p, q)


def over(p: Any, r: Any) -> Any:
    """``(p − r)_+``."""
    return max(p - r, 0 * p)
