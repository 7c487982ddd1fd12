"""Passes over the rows of large numpy arrays: blocks that stay in cache, shared between two threads."""

from __future__ import annotations

import itertools
import os
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

_LANE = 1 << 12
"""Entries that are added one after the other; longer sums are sums of such sums."""

_SHARED = 1 << 21
"""Entries below which a pass ends before a second thread has woken up."""


def block_length(size: int, entries: int) -> int:
    """Rows of length `size` in a block of about `entries` entries."""
    return max(1, entries // size)


_LARGEST = 1 << 25
"""Entries above which the memory of a result is not kept."""

_spare: deque[np.ndarray] = deque(maxlen=1)
"""Memory of a result that is gone."""


class Sums:
    """Sums of `rows` rows of length `size`, gathered block by block.

    `einsum` adds in vector lanes, at the speed of memory and in this thread. A BLAS product with ones is as fast, but
    may wait for BLAS threads, which on a busy machine takes a hundred times as long. Lanes are kept short, so that
    equal terms, whose roundings all go the same way, cannot add up to a visible error.
    """

    def __init__(self, rows: int, size: int, dtype: np.dtype) -> None:
        self._count = size // _LANE
        self._lanes = np.zeros((rows, self._count + 1), dtype=dtype)

    def add(self, start: int, block: np.ndarray) -> None:
        """Sum the rows of `block`, the first of which is row `start`."""
        lanes, whole = self._lanes[start : start + block.shape[0]], self._count * _LANE
        if self._count:
            split = block[:, :whole].reshape(block.shape[0], self._count, _LANE)
            np.einsum("ijk->ij", split, out=lanes[:, : self._count])
        if whole < block.shape[1]:
            np.einsum("ij->i", block[:, whole:], out=lanes[:, self._count])

    def total(self) -> np.ndarray:
        """One sum for each row."""
        with np.errstate(over="ignore", invalid="ignore"):  # infinities are for the caller to find
            return np.asarray(self._lanes.sum(axis=-1))


def sums(x: np.ndarray) -> np.ndarray:
    """Sums over the last axis of contiguous floats, in their dtype."""
    rows = x.reshape(-1, x.shape[-1])
    found = Sums(rows.shape[0], rows.shape[1], x.dtype)
    found.add(0, rows)
    return found.total().reshape(x.shape[:-1])


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
    forked process), costs nothing. What is written does not depend on who writes it. Blocks should keep numpy busy
    for 50 µs or more at each step: after shorter ones the thread that waits for the interpreter is not yet awake when
    the other has taken it back.
    """
    starts = itertools.count(0, length)  # `next` on it is atomic

    def pull() -> None:
        work = None
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is found when the sums are looked at
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


def spread(
    values: np.ndarray,
    place: np.ndarray,
    rest: np.ndarray,
    scale: Any = None,
    shift: Any = None,
    look: Callable[[int, np.ndarray], None] | None = None,
) -> np.ndarray:
    """Rows ``[scale · values + shift, rest]``, brought into the order `place`: ``out[…, j] = row[place[j]]``.

    Reading from a row in cache at scattered places, and writing in order, takes a third of the time of writing at
    scattered places. `look` sees each block of `values` while it is in cache, with the number of its first row.
    """
    count, size = values.shape[-1], place.size
    out = empty((*values.shape[:-1], size), values.dtype)
    flat, rows = values.reshape(-1, count), out.reshape(-1, size)
    length = block_length(size, 1 << 19)

    def make() -> Callable[[int, int], None]:
        buffer = np.empty((min(length, rows.shape[0]), size), dtype=values.dtype)
        buffer[:, count:] = rest

        def work(start: int, stop: int) -> None:
            block = buffer[: stop - start]
            if look is not None:
                look(start, flat[start:stop])
            head = block[:, :count]
            if scale is None:
                head[...] = flat[start:stop]
            else:
                np.multiply(flat[start:stop], scale, out=head)
            if shift is not None:
                head += shift
            # "wrap" is the fastest of the modes, and no place is out of range.
            np.take(block, place, axis=1, out=rows[start:stop], mode="wrap")

        return work

    for_blocks(rows.shape[0], length, size, make)
    return out


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


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """`numpy.empty`; where large, in memory that an earlier result of the same size no longer needs.

    A drafter asks for the same large array at every step. Fresh memory must be cleared by the system first, which takes
    longer than to write the result. So the memory of one result is kept when the last view of it is gone.
    """
    entries = int(np.prod(shape, dtype=np.int64))
    if not _SHARED <= entries <= _LARGEST:
        return np.empty(shape, dtype)
    size = entries * np.dtype(dtype).itemsize
    try:
        memory = _spare.pop()
    except IndexError:
        memory = np.empty(0, dtype=np.uint8)
    return np.asarray(_Loan(memory if memory.size == size else np.empty(size, dtype=np.uint8), shape, dtype))


class _Loan:
    """What an array and its views hold on to as long as they live; then its memory is spare."""

    def __init__(self, memory: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": np.dtype(dtype).str,
            "data": (memory.ctypes.data, False),
        }
        weakref.finalize(self, _spare.append, memory).atexit = False


@cache
def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="rdk-rows")
