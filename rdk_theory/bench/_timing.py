"""Durations, peak memory, a pass over memory, and the exponent with which a time grows."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from rdk_theory.runs import progress

LEVEL = 0.95


class Exponent(NamedTuple):
    """Slope of log time over log size, with its 95 % interval."""

    slope: float
    low: float
    high: float


def seconds(calls: Sequence[Callable[[], object]], repeats: int) -> np.ndarray:
    """Durations of every call, ``(repeats, calls)``: in turn, so that a disturbance meets all; after one idle round."""
    durations = np.empty((repeats + 1, len(calls)))
    for round_ in progress(range(repeats + 1), "rounds"):
        for at, call in enumerate(calls):
            start = time.perf_counter()
            call()
            durations[round_, at] = time.perf_counter() - start
    return durations[1:]


def exponent(sizes: Sequence[int], times: Sequence[float]) -> Exponent:
    """Least squares on logarithms; the interval is Student's, with ``points − 2`` degrees of freedom.

    It covers what scatters about a power law. That a fixed cost bends the curve, it does not know.

    Raises
    ------
    ValueError
        For fewer than three points.
    """
    if len(sizes) < 3:
        raise ValueError(f"sizes of length {len(sizes)} must be at least three for an interval")
    fit = stats.linregress(np.log(sizes), np.log(times))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, len(sizes) - 2) * fit.stderr)
    return Exponent(float(fit.slope), float(fit.slope) - reach, float(fit.slope) + reach)


def memory_pass(count: int) -> Callable[[], object]:
    """``np.minimum`` of two float32 arrays into a third, `count` bytes in all: the least time for so many."""
    length = max(1, count // 12)
    first, second = np.ones(length, dtype=np.float32), np.full(length, 2, dtype=np.float32)
    out = np.empty_like(first)
    return lambda: np.minimum(first, second, out=out)


def peak(call: Callable[[], object]) -> int:
    """Bytes of arrays that `call` held at once, beyond those that it was given; its result is among them."""
    call()  # what is prepared at the first call is kept, and not counted
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
