r"""The softmax kernel of a diagonal covariance in closed form: `O(N)` a temperature, at any vocabulary size.

Row `i` has one entry of its own, :math:`e^u/(N - 1 + e^u)` with :math:`u = v_i/\tau`, and all others are equal. Its
deviations are :math:`x_{ii} = u(1 - 1/N)` and :math:`x_{ij} = -u/N`. Rows in which only the own entry differs are apart
by that difference in total variation.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rdk_theory.vocabulary import Vocabulary


def proposal(target: np.ndarray, variance: np.ndarray, vocab: Vocabulary, temperature: float) -> np.ndarray:
    r"""``q' M`` for a perfect drafter, ``q' = p(·|I)``.

    The terms are divided by :math:`e^{v_i/\tau}`, which may be beyond any float.
    """
    shrunk = np.exp(-variance[vocab.kept] / temperature)
    total = (vocab.size - 1) * shrunk + 1
    draft = _draft(target, vocab)
    out = np.broadcast_to((draft * shrunk / total).sum(-1, keepdims=True), target.shape).copy()
    out[..., vocab.kept] += draft * (1 - shrunk) / total
    return out


def first_order_proposal(target: np.ndarray, variance: np.ndarray, vocab: Vocabulary, temperature: float) -> np.ndarray:
    r"""``q' M¹`` for a perfect drafter, by the formula :math:`(1 + x)/N` at any temperature.

    No entry is negative while :math:`u \le N`; whether `FirstOrderSoftmax` may be made is another matter.
    """
    moved = _draft(target, vocab) * variance[vocab.kept] / temperature / vocab.size
    out = np.broadcast_to(1 / vocab.size - moved.sum(-1, keepdims=True) / vocab.size, target.shape).copy()
    out[..., vocab.kept] += moved
    return out


def own_entry(u: float, size: int) -> float:
    """The own entry of a row."""
    return 1 / (1 + (size - 1) * math.exp(-u))


def from_uniform(u: float, size: int) -> float:
    """Total variation between a row and the uniform law: that of the own entry over ``1/N``."""
    return own_entry(u, size) - 1 / size


def from_first_order(u: float, size: int) -> float:
    """Total variation between a row and ``(1 + x)/N``."""
    return abs(own_entry(u, size) - (1 + u * (1 - 1 / size)) / size)


def leaving(level: float, size: int) -> float:
    """The `u` at which a row is `level` from the uniform law."""
    return math.log((size - 1) * (1 + level * size) / (size - 1 - level * size))


def crossing(distance: Callable[[float], float], level: float, low: float, high: float) -> float:
    """The temperature at which a falling `distance` passes `level`, by bisection of the logarithm.

    Raises
    ------
    ValueError
        If `distance` does not pass `level` between `low` and `high`.
    """
    if not distance(low) > level >= distance(high):
        raise ValueError(f"the distance does not pass {level} between temperatures {low} and {high}")
    while high / low > 1 + 1e-9:
        middle = math.sqrt(low * high)
        if distance(middle) > level:
            low = middle
        else:
            high = middle
    return high


def _draft(target: np.ndarray, vocab: Vocabulary) -> np.ndarray:
    return np.asarray(target[..., vocab.kept] / target[..., vocab.kept].sum(-1, keepdims=True))
