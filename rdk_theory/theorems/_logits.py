"""Instances and second roads of the claims on cold logits: plain sums of exponentials."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source

LARGEST = 6
"""Largest range of the logits of an instance."""


def spread_logits(source: Source) -> Instance:
    """Logits of range at most `LARGEST`: any, or two values in any shares, or one."""
    size, shift = source.size(1, 40), 4 * source.weight() - 2
    spread = LARGEST * source.weight() * source.pick((1, 0.2))
    if source.pick(("any", "two", "two")) == "two":
        upper = source.size(0, size)
        return {"z": shift + spread * (np.arange(size) < upper)}
    return {"z": shift + spread * np.array([source.weight() for _ in range(size)])}


def logits_of_head(source: Source) -> Instance:
    """A small head, its kept tokens with at least one cold, and a hidden state."""
    size, width = source.size(2, 6), source.size(1, 2 if source.exact else 3)
    return {
        "head": source.distributions(size, width) * 3 - 1,
        "kept": source.kept(size, 1, size - 1),
        "hidden": source.distribution(width) * 2 - source.weight(),
    }


def powers(source: Source) -> Instance:
    """Logits that are whole multiples of the logarithm of a whole number: their exponentials are rational."""
    size = source.size(1, 5)
    return {"base": source.pick((2, 3)), "k": [source.pick((0, 1, 2, 3)) for _ in range(size)]}


def log_sum(z: np.ndarray) -> float:
    """``log Σ e^z``, the largest taken out."""
    top = max(z.tolist())
    return top + math.log(math.fsum(math.exp(v - top) for v in z.tolist()))


def mean(z: Any) -> float:
    """Mean by a correctly rounded sum."""
    return math.fsum(z) / len(z)


def variance(z: Any) -> float:
    """Mean squared distance from the mean."""
    centre = mean(z)
    return math.fsum((v - centre) ** 2 for v in z) / len(z)


def extent(z: np.ndarray) -> float:
    """Largest minus smallest."""
    return float(z.max() - z.min())


def mean_power(base: int, k: list[int]) -> Any:
    """The mean of ``base^k``, exactly."""
    return sum(Fraction(base) ** n for n in k) / len(k)


def gaussian_log_mean(mu: float, sigma: float) -> float:
    """``log E e^Z`` for ``Z`` normal: the integral by equal steps, which converge faster than any power of the step."""
    steps = np.arange(-2400, 2401) / 100.0
    # About the peak of the integrand, which is at sigma, so that nothing overflows.
    exponents = mu + sigma * steps - steps**2 / 2
    top = float(exponents.max())
    return top + math.log(math.fsum(np.exp(exponents - top).tolist()) / 100 / math.sqrt(2 * math.pi))
