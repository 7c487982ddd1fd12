"""Passes over the rows of large numpy arrays: blocks that stay in cache, shared between two threads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

_LANE = 1 << 12
"""Entries that are added one after the other; longer sums are sums of such sums."""

_SHARED = 1 << 21
"""Entries below which a pass ends before a second thread has woken up."""


def block_length(size: int, entries: int) -> int:
    """Rows of length `size` in a block of about `entries` entries."""
    return max(1, entries // size)


def sums(x: np.ndarray) -> np.ndarray:
    """Row sums of contiguous floats, in their dtype.

    `einsum` adds in vector lanes, at the speed of memory and in this thread. A BLAS product with ones is as fast, but
    may wait for BLAS threads, which on a busy machine takes a hundred times as long. Lanes are kept short, so that
    equal terms, whose roundings all go the same way, cannot add up to a visible error.
    """
    size = x.shape[-1]
    if size <= _LANE:
        return np.asarray(np.einsum("...i->...", x))
    whole = size // _LANE * _LANE
    lanes = np.einsum("...ij->...i", x[..., :whole].reshape(*x.shape[:-1], whole // _LANE, _LANE))
    with np.errstate(over="ignore", invalid="ignore"):  # infinities are for the caller to find
        return np.asarray(lanes.sum(axis=-1) + np.einsum("...i->...", x[..., whole:]))


def for_blocks(rows: int, length: int, size: int, make: Callable[[], Callable[[int, int], None]]) -> None:
    """Call ``work(start, stop)`` for consecutive blocks of `length` of the rows, each of `size` entries.

    Parameters
    ----------
    make
        Makes `work` with buffers of its own: called once in each thread.

    Notes
    -----
    A second thread helps with large passes: numpy releases the interpreter while it works on a block. Both threads
    take the next block when they are done with one, so a helper that starts late, or not at all (a busy machine, a
    forked process), costs nothing. What is written does not depend on who writes it.
    """
    starts = itertools.count(0, length)  # `next` on it is atomic

    def pull() -> None:
        work = None
        while (start := next(starts)) < rows:
            work = work or make()
            work(start, min(start + length, rows))

    if rows * size < _SHARED or rows <= length or processors() < 2:
        pull()
        return
    helper = _pool().submit(pull)
    try:
        pull()
    finally:
        if not helper.cancel():
            helper.result()


def add_kept(out: np.ndarray, values: np.ndarray, ascending: np.ndarray, order: np.ndarray) -> None:
    """``out[..., kept] += values`` for contiguous floats, with the kept ids sorted, and their places by that order.

    Row by row, and in ascending order: a row stays in cache, which numpy's own indexing of all rows at once does not
    achieve, and is ten times as fast.
    """
    size, count = out.shape[-1], values.shape[-1]
    rows, flat = out.reshape(-1, size), values.reshape(-1, count)

    def work(start: int, stop: int) -> None:
        for row in range(start, stop):
            rows[row][ascending] += np.take(flat[row], order, mode="wrap")

    for_blocks(rows.shape[0], block_length(size, 1 << 19), size, lambda: work)


@cache
def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="rdk-rows")
