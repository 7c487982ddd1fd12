"""Durations on either device, the speed of a copy, and launches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

FLUSHED = 1 << 26
"""Bytes that are overwritten before each call on the CPU: more than most of its caches hold."""
COPIED = {"cpu": 1 << 27, "cuda": 1 << 30}
"""Bytes of the buffer that is copied."""
SECONDS = 0.2
"""How long one call is repeated on the CPU, beyond three repeats."""
REPEATS = 3, 20
QUANTILES = (0.2, 0.5, 0.8)


class Timing(NamedTuple):
    """Seconds of one call: 20th percentile, median, 80th percentile."""

    low: float
    median: float
    high: float
    how: str
    """``wall clock``, ``events``, or ``graph`` where one captured call is replayed."""


def timed(call: Callable[[], object], device: str, seconds: float = SECONDS) -> Timing:
    """Time a call by what suits the device; it is warm when the first measured repeat begins."""
    return _on_cuda(call) if device == "cuda" else _on_cpu(call, seconds)


def spread(durations: Sequence[float], how: str) -> Timing:
    """The quantiles of durations, interpolated between neighbours.

    Raises
    ------
    ValueError
        For none.
    """
    if not len(durations):
        raise ValueError("durations of length 0 have no quantiles")
    low, median, high = np.quantile(np.asarray(durations, dtype=np.float64), QUANTILES).tolist()
    return Timing(low, median, high, how)


def _on_cpu(call: Callable[[], object], seconds: float) -> Timing:
    buffer = torch.empty(FLUSHED, dtype=torch.uint8)
    call()
    durations: list[float] = []
    least, most = REPEATS
    while len(durations) < least or (sum(durations) < seconds and len(durations) < most):
        buffer.fill_(len(durations))
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return spread(durations, "wall clock")


def _on_cuda(call: Callable[[], object]) -> Timing:
    """One call replayed as a CUDA graph, so that no host is waited for; by events around the call where it cannot be.

    `do_bench` empties the second-level cache before every repeat, and gives milliseconds.
    """
    from triton.testing import do_bench

    graph = _captured(call)
    run, how = (call, "events") if graph is None else (graph.replay, "graph")
    low, median, high = do_bench(run, warmup=25, rep=100, quantiles=list(QUANTILES))
    return Timing(low / 1e3, median / 1e3, high / 1e3, how)


def _captured(call: Callable[[], object]) -> Any | None:
    """One call as a graph, or `None` for a call that waits for the device or copies from the host."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    # What a call keeps for later calls is made on the stream of the capture, before it.
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, stream=stream):
            call()
    except RuntimeError:
        torch.cuda.synchronize()
        return None
    return graph


def copy_bandwidth(device: str, count: int | None = None) -> float:
    """Bytes a second of a copy from one buffer to another, those read and those written: the memory's own speed."""
    size = COPIED[device] if count is None else count
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / timed(lambda: target.copy_(source), device).median


def launches(call: Callable[[], object], device: str) -> int | None:
    """Kernels, fills and copies that one call starts on a GPU; `None` on the CPU, or where the profiler sees none."""
    if device != "cuda":
        return None
    call()
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        call()
        torch.cuda.synchronize()
    return sum(event.device_type == torch.autograd.DeviceType.CUDA for event in profile.events()) or None
