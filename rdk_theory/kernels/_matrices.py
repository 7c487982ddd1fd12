"""Matrices in several storages, multiplied by rows from the left, and read by row and by column.

A kernel says what its matrix means; the storage says how to multiply with it. Parameters keep the library and dtype in
which they were given and are brought beside the rows that they meet, in blocks where that makes a copy.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np

from rdk_theory._array import (
    Array,
    broadcast,
    cast_like,
    double,
    dtype_name,
    gather_axis,
    gather_last,
    index_like,
    is_exact,
    is_numpy,
    namespace,
)
from rdk_theory._rows import block_length
from rdk_theory.kernels.base import Operations, beside

BLOCK = 1 << 22
"""Entries of a matrix that are made or converted at a time."""

REACH_ROUNDING = 1e-5
"""More than float32 can lose in the entries of a product of factors, relative to the norms."""

Extreme: TypeAlias = tuple[Any, int, int]
"""An entry, its row and its column."""


class Matrix(ABC):
    """A real matrix of ``K`` rows and ``N`` columns."""

    shape: tuple[int, int]

    @abstractmethod
    def product(self, vector: Array) -> Array:
        """``v X`` for rows ``v`` in float32 or wider: shapes ``(…, K)`` to ``(…, N)``, in the dtype of `vector`."""

    @abstractmethod
    def column(self, token: Array) -> Array:
        """``X[:, token]``, shapes ``(…)`` to ``(…, K)``."""

    @abstractmethod
    def row(self, place: Array) -> Array:
        """``X[place]``, shapes ``(…)`` to ``(…, N)``."""

    def point(self, vector: Array, token: Array) -> Array:
        """``(v X)[token]`` with one token for each row of `vector`."""
        return namespace(vector).sum(vector * beside(self.column(token), vector), axis=-1)


class Full(Matrix):
    """Stored whole, ``(…, K, N)``: leading axes hold one matrix for each context.

    `scale`, shape ``(…, K)``, multiplies the rows: they are stored in too few bits to sum to 1.
    """

    def __init__(self, array: Array, scale: Array | None = None) -> None:
        self.array, self.scale = array, scale
        self.batch: tuple[int, ...] = tuple(array.shape[:-2])
        self.shape = (int(array.shape[-2]), int(array.shape[-1]))

    def product(self, vector: Array) -> Array:
        """One matrix product; a matrix of another dtype is converted block by block."""
        if self.scale is not None:
            vector = vector * beside(self.scale, vector)
        if alike(self.array, vector):
            return times(vector, self.array)
        rows, size = self.shape
        step = block_length(size * max(1, int(np.prod(self.batch, dtype=int))), BLOCK)
        total = None
        for start in range(0, rows, step):
            block = beside(self.array[..., start : start + step, :], vector)
            part = times(vector[..., start : start + step], block)
            total = part if total is None else total + part
        return total

    def column(self, token: Array) -> Array:
        """Reads one column; the matrix is not copied."""
        index = index_like(token, self.array)
        if self.batch:
            index = broadcast(index, self.batch)[..., None, None]
            entries = gather_axis(self.array, index, axis=-1)[..., 0]
        else:
            entries = namespace(self.array).moveaxis(self.array[:, index], 0, -1)
        return self._scaled(entries, self.scale)

    def row(self, place: Array) -> Array:
        """Reads one row."""
        index = index_like(place, self.array)
        if self.batch:
            index = broadcast(index, self.batch)
            entries = gather_axis(self.array, index[..., None, None], axis=-2)[..., 0, :]
            scale = None if self.scale is None else gather_last(self.scale, index)[..., None]
        else:
            entries = self.array[index]
            scale = None if self.scale is None else self.scale[index][..., None]
        return self._scaled(entries, scale)

    def block(self, start: int, stop: int) -> Array:
        """Rows `start` to `stop` of a matrix without contexts and scale."""
        return self.array[start:stop]

    def restricted(self, rows: np.ndarray) -> Full:
        """These rows, copied."""
        index = index_like(rows, self.array)
        return Full(self.array[index], None if self.scale is None else self.scale[index])

    def widened(self) -> Full:
        """In float64, the scale multiplied in."""
        array = double(self.array)
        return Full(array if self.scale is None else array * self.scale[:, None])

    @property
    def transposed(self) -> Full:
        """The transpose of a matrix without scale, not copied."""
        return Full(self.array.T)

    def centred(self, scale: Any) -> Full:
        """``(X − mean of each row) · scale``."""
        return Full((self.array - _row_means(self.array)) * scale)

    @cached_property
    def extremes(self) -> tuple[Extreme, Extreme]:
        """The lowest and the highest entry after the mean of each row was taken away."""
        return _streamed_extremes(self)

    @staticmethod
    def cost(N: Any, K: Any) -> Operations:
        """``N`` dot products of length ``K``."""
        return Operations(multiplications=K * N, additions=(K - 1) * N, reads=K + K * N, writes=N)

    def rescaled(self, cost: Operations) -> Operations:
        """`cost` and that of the scale, where there is one."""
        if self.scale is None:
            return cost
        rows = self.shape[0]
        return replace(cost, multiplications=cost.multiplications + rows, reads=cost.reads + rows)

    def _scaled(self, entries: Array, scale: Array | None) -> Array:
        return entries if scale is None else double(entries) * scale


class Factored(Matrix):
    """``left @ right``, with `left` ``(K, R)`` and `right` ``(R, N)``."""

    def __init__(self, left: Full, right: Full) -> None:
        self.left, self.right = left, right
        self.shape = (left.shape[0], right.shape[1])

    def product(self, vector: Array) -> Array:
        """``(v left) right``."""
        return self.right.product(self.left.product(vector))

    def column(self, token: Array) -> Array:
        """``left`` times a column of ``right``."""
        entries = self.right.column(token)
        entries = times(entries, beside(self.left.array, entries).T)
        return entries if self.left.scale is None else entries * self.left.scale

    def row(self, place: Array) -> Array:
        """A row of ``left`` times ``right``."""
        return self.right.product(self.left.row(place))

    def point(self, vector: Array, token: Array) -> Array:
        """``(v left)`` times a column of ``right``."""
        return self.right.point(self.left.product(vector), token)

    def block(self, start: int, stop: int) -> Array:
        """Rows `start` to `stop`, formed."""
        return self.left.array[start:stop] @ self.right.array

    def centred(self, scale: Any) -> Factored:
        """``(X − mean of each row) · scale``: the mean of a row is its left factor times the mean right factor."""
        return Factored(Full(self.left.array * scale), Full(self.right.array - _row_means(self.right.array)))

    @cached_property
    def extremes(self) -> tuple[Extreme, Extreme]:
        """The lowest and the highest entry after the mean of each row was taken away."""
        return _streamed_extremes(self)

    @cached_property
    def reach(self) -> float | None:
        """At least every ``|entry|`` after the mean of each row was taken away; `None` for rationals.

        The largest norm of a row on the left times that of a column on the right, whose rows are centred.
        """
        left, right = self.left.array, self.right.array
        if is_exact(left):
            return None
        xp = namespace(left)
        rows = xp.max(xp.sum(double(left) ** 2, axis=1))
        columns = xp.max(xp.sum(double(right - _row_means(right)) ** 2, axis=0))
        return math.sqrt(float(rows) * float(columns)) * (1 + REACH_ROUNDING)

    @staticmethod
    def cost(N: Any, K: Any, R: Any) -> Operations:
        """``R`` dot products of length ``K``, then ``N`` of length ``R``."""
        return Operations(
            multiplications=K * R + R * N,
            additions=(K - 1) * R + (R - 1) * N,
            reads=K + K * R + R * N,
            writes=N,
        )


def law(array: Array, sums: Array) -> Full:
    """A row-stochastic matrix; entries narrower than float64 are taken relative to the sum of their row."""
    exact = is_exact(array) or dtype_name(array) == "float64"
    return Full(array, None if exact else 1 / sums)


def times(vector: Array, array: Array) -> Array:
    """``v X`` for ``(…, K)`` and ``(K, N)``, or for ``(*batch, K)`` and ``(*batch, K, N)``."""
    if array.ndim > 2:
        return (vector[..., None, :] @ array)[..., 0, :]
    flat = namespace(vector).reshape(vector, (-1, array.shape[0]))
    return namespace(vector).reshape(flat @ array, (*vector.shape[:-1], array.shape[1]))


def alike(x: Array, like: Array) -> bool:
    """Same library, dtype and device: no conversion is needed."""
    if is_numpy(x) or is_numpy(like):
        return is_numpy(x) and is_numpy(like) and x.dtype == like.dtype
    return bool(x.dtype == like.dtype and x.device == like.device)


def number(x: Any) -> Any:
    """An entry as a plain `float` or `Fraction`."""
    return x if isinstance(x, Fraction) else x.item()


def _row_means(array: Array) -> Array:
    wide = namespace(array).sum(double(array), axis=-1, keepdims=True) / array.shape[-1]
    return cast_like(wide, array)


def _streamed_extremes(matrix: Full | Factored) -> tuple[Extreme, Extreme]:
    rows, size = matrix.shape
    step = block_length(size, BLOCK)
    lows: list[Extreme] = []
    highs: list[Extreme] = []
    for start in range(0, rows, step):
        block = double(matrix.block(start, min(start + step, rows)))
        xp = namespace(block)
        flat = xp.reshape(block - _row_means(block), (-1,))
        for at, found in ((int(xp.argmin(flat)), lows), (int(xp.argmax(flat)), highs)):
            found.append((number(flat[at]), start + at // size, at % size))
    return min(lows, key=itemgetter(0)), max(highs, key=itemgetter(0))
