"""A matrix of which only the entries that are not zero are stored, row by row (CSR)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

from rdk_theory import tolerances, validation
from rdk_theory._array import (
    Array,
    add_at,
    gather_axis,
    index_like,
    is_exact,
    is_numpy,
    namespace,
    to_numpy,
    zeros,
)
from rdk_theory._rows import block_length
from rdk_theory.kernels._matrices import BLOCK, Matrix
from rdk_theory.kernels.base import Operations, beside
from rdk_theory.sampling import search


class Compressed(Matrix):
    """``X[i, indices[e]] = data[e]`` for ``indptr[i] ≤ e < indptr[i + 1]``; columns ascend, none repeats."""

    def __init__(self, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, shape: tuple[int, int]) -> None:
        self.data, self.indices, self.indptr, self.shape = data, indices, indptr, shape

    @cached_property
    def row_of(self) -> np.ndarray:
        """The row of each stored entry."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))

    @cached_property
    def transposed(self) -> Compressed:
        """The transpose: the same entries column by column; made once."""
        order = np.argsort(self.indices, kind="stable")
        counts = np.bincount(self.indices, minlength=self.shape[1])
        indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        return Compressed(self.data[order], self.row_of[order], indptr, (self.shape[1], self.shape[0]))

    def product(self, vector: Array) -> Array:
        """Only stored entries are touched; nothing of size ``K × N`` is made."""
        xp = namespace(vector)
        flat = xp.reshape(vector, (-1, self.shape[0]))
        if is_numpy(vector) and not is_exact(vector):
            out = np.ascontiguousarray((self._scipy(vector.dtype) @ flat.T).T)
        else:
            out = zeros((flat.shape[0], self.shape[1]), vector)
            rows, columns = index_like(self.row_of, vector), index_like(self.indices, vector)
            data = beside(self.data, vector)
            step = block_length(max(1, flat.shape[0]), BLOCK)
            for start in range(0, self.data.size, step):
                part = slice(start, start + step)
                add_at(out, columns[part], flat[:, rows[part]] * data[part])
        return xp.reshape(out, (*vector.shape[:-1], self.shape[1]))

    def column(self, token: Array) -> Array:
        """Reads the entries of one column."""
        return self.transposed.row(token)

    def row(self, place: Array) -> Array:
        """Reads the entries of one row, and fills in the zeros of that row."""
        place = to_numpy(place)
        owner, entry = self._entries(place.reshape(-1))
        out = zeros((place.size, self.shape[1]), self.data)
        out[owner, self.indices[entry]] = self.data[entry]
        return out.reshape(*place.shape, self.shape[1])

    def point(self, vector: Array, token: Array) -> Array:
        """Reads the entries of one column, and those of `vector` that meet them."""
        columns = self.transposed
        owner, entry = columns._entries(to_numpy(token).reshape(-1))
        flat = namespace(vector).reshape(vector, (-1, self.shape[0]))
        out = zeros((flat.shape[0],), vector)
        index = index_like(owner, vector)
        met = flat[index, index_like(columns.indices[entry], vector)]
        add_at(out, index, met * beside(columns.data[entry], vector))
        return namespace(vector).reshape(out, tuple(vector.shape[:-1]))

    def draw(self, place: Array, uniform: Array) -> Array:
        """Inverse CDF over the stored entries of a row: the token that the whole row would give."""
        flat = to_numpy(place).reshape(-1)
        owner, entry = self._entries(flat)
        rank = entry - self.indptr[flat][owner]
        width = int(rank.max(initial=0)) + 1
        weights = zeros((flat.size, width), self.data)
        tokens = np.zeros((flat.size, width), dtype=np.int64)
        weights[owner, rank], tokens[owner, rank] = self.data[entry], self.indices[entry]
        xp = namespace(uniform)
        found = search(beside(weights, uniform), xp.reshape(uniform, (-1,)))
        drawn = gather_axis(index_like(tokens, uniform), found[:, None], axis=-1)[:, 0]
        return xp.reshape(drawn, tuple(uniform.shape))

    def restricted(self, rows: np.ndarray) -> Compressed:
        """These rows, copied."""
        _, entry = self._entries(rows)
        indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.diff(self.indptr)[rows])])
        return Compressed(self.data[entry], self.indices[entry], indptr, (rows.size, self.shape[1]))

    @staticmethod
    def cost(N: Any, K: Any, nnz: Any) -> Operations:
        """One product and one addition for each stored entry; entries of index arrays are not counted."""
        return Operations(multiplications=nnz, additions=nnz, reads=K + nnz, writes=N)

    def _entries(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the stored entries of `rows`, one row after the other, and which of `rows` each belongs to."""
        start = self.indptr[rows]
        count = self.indptr[rows + 1] - start
        owner = np.repeat(np.arange(rows.size), count)
        first = np.repeat(np.cumsum(count) - count, count)
        return owner, np.arange(owner.size) - first + start[owner]

    def _scipy(self, dtype: Any) -> Any:
        """The transpose for scipy, which multiplies from the left."""
        if dtype not in self._by_dtype:
            data = self.data.astype(dtype, copy=False)
            rows = scipy.sparse.csr_array((data, self.indices, self.indptr), shape=self.shape)
            self._by_dtype[dtype] = rows.T
        return self._by_dtype[dtype]

    @cached_property
    def _by_dtype(self) -> dict[Any, Any]:
        return {}


def stochastic(name: str, rows: Any, shape: tuple[int, int]) -> Compressed:
    """A row-stochastic matrix from scipy, or from the arrays ``(data, indices, indptr)``.

    Entries of a row are sorted in a copy, and those of one column added, as scipy means them. Entries in float32 become
    float64, relative to the sum of their row, which float32 holds to be 1 only within rounding.
    """
    if scipy.sparse.issparse(rows):
        if tuple(rows.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(rows.shape)}, expected {shape}")
        rows = rows.tocsr()
        arrays = (rows.data[: rows.nnz], rows.indices[: rows.nnz], rows.indptr)
    elif isinstance(rows, tuple) and len(rows) == len(("data", "indices", "indptr")):
        arrays = rows
    else:
        raise ValueError(f"{name} must be a scipy sparse array or (data, indices, indptr), not {type(rows).__name__}")
    data, indices, indptr = (np.asarray(array) for array in arrays)
    _check_structure(name, indices, indptr, data.size, shape)
    matrix = Compressed(data, indices.astype(np.int64), indptr.astype(np.int64), shape)
    _check_entries(name, matrix)
    matrix = _canonical(matrix)
    sums = zeros((shape[0],), data if is_exact(data) else np.zeros(0))
    np.add.at(sums, matrix.row_of, matrix.data)
    wrong = np.flatnonzero(np.abs(sums - 1) > tolerances.UNIT_SUM[data.dtype.name])
    if wrong.size:
        at = int(wrong[0])
        raise ValueError(f"{name} of shape {shape} must sum to 1 over its last axis; row ({at},) sums to {sums[at]}")
    if data.dtype == np.float32:
        matrix.data = matrix.data / sums[matrix.row_of]
    return matrix


def _check_structure(name: str, indices: np.ndarray, indptr: np.ndarray, stored: int, shape: tuple[int, int]) -> None:
    for part, array in (("indices", indices), ("indptr", indptr)):
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ValueError(f"{name}: {part} of shape {array.shape} must be one row of integers, not {array.dtype}")
    if indptr.shape != (shape[0] + 1,):
        raise ValueError(f"{name}: indptr has shape {indptr.shape}, expected {(shape[0] + 1,)}")
    if indptr[0] != 0 or indptr[-1] != stored or indices.size != stored:
        raise ValueError(
            f"{name}: indptr runs from {indptr[0]} to {indptr[-1]}, expected 0 to {stored}, the number of entries, "
            f"with as many indices, not {indices.size}"
        )
    falls = np.flatnonzero(np.diff(indptr) < 0)
    if falls.size:
        raise ValueError(f"{name}: indptr of shape {indptr.shape} falls at index ({falls[0] + 1},)")
    outside = np.flatnonzero((indices < 0) | (indices >= shape[1]))
    if outside.size:
        at = int(outside[0])
        raise ValueError(f"{name} of shape {shape} has column {indices[at]} outside range({shape[1]}) at entry ({at},)")


def _check_entries(name: str, matrix: Compressed) -> None:
    data, shape = matrix.data, matrix.shape
    if data.ndim != 1 or data.dtype not in (np.float32, np.float64, object):
        raise ValueError(f"{name} of shape {shape} must hold float32, float64 or rationals, not {data.dtype}")
    validation.real(f"{name}: data", data)
    bad = data < 0 if is_exact(data) else ~(np.isfinite(data) & (data >= 0))
    if bad.any():
        at = int(np.argmax(bad))
        index = (int(matrix.row_of[at]), int(matrix.indices[at]))
        raise ValueError(f"{name} of shape {shape} is negative or not finite at index {index}: {data[at]}")


def _canonical(matrix: Compressed) -> Compressed:
    """Columns in ascending order within each row, and repeated ones added."""
    keys = matrix.row_of * matrix.shape[1] + matrix.indices
    if (np.diff(keys) > 0).all():
        return matrix
    keys, place = np.unique(keys, return_inverse=True)
    data = zeros(keys.shape, matrix.data)
    np.add.at(data, place, matrix.data)
    rows, columns = np.divmod(keys, matrix.shape[1])
    indptr = np.searchsorted(rows, np.arange(matrix.shape[0] + 1))
    return Compressed(data, columns, indptr, matrix.shape)
