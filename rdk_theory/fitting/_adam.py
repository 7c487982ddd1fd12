"""Gradient steps with a rate for each parameter (Adam; Kingma & Ba 2015), towards larger values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

FIRST, SECOND = 0.9, 0.99
"""How much of the running mean of a gradient, and of its square, a step keeps."""

LAST = 0.02
"""The rate falls along a line to this share of the first."""


class Ascent:
    """Moves arrays of floats, in place, along gradients of a mean that is to be made large.

    With `decays` each array is drawn to 0 as well, by the rate times its own number at every step, whatever its
    gradient (Loshchilov & Hutter 2019).
    """

    def __init__(
        self, parameters: Sequence[np.ndarray], rate: float, steps: int, decays: Sequence[float] | None = None
    ) -> None:
        self._parameters = parameters
        self._decays = decays or [0.0] * len(parameters)
        self._moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
        self._rate, self._steps, self._done = rate, steps, 0

    def step(self, gradients: Sequence[np.ndarray]) -> None:
        """One step: a gradient for each parameter, in their order."""
        rate = self._rate * (1 - (1 - LAST) * self._done / self._steps)
        self._done += 1
        every = zip(self._parameters, self._moments, gradients, self._decays, strict=True)
        for p, (first, second), gradient, decay in every:
            first += (1 - FIRST) * (gradient - first)
            second += (1 - SECOND) * (gradient * gradient - second)
            scale = np.sqrt(second / (1 - SECOND**self._done)) + np.finfo(p.dtype).tiny ** 0.5
            p += rate / (1 - FIRST**self._done) * first / scale
            p *= 1 - rate * decay


def batches(count: int, size: int, epochs: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Numbers below `count` in batches of about `size`, every one once an epoch, in a new order each time."""
    for _ in range(epochs):
        yield from np.array_split(rng.permutation(count), number_of_batches(count, size))


def number_of_batches(count: int, size: int) -> int:
    """In one epoch."""
    return max(1, count // size)
