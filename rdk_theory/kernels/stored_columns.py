"""A kernel in a file, read by columns through a memory map: it may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, cast_like, convert, double, index_like, is_exact, is_numpy, to_numpy, widen
from rdk_theory._rows import block_length
from rdk_theory._types import Ids, Real
from rdk_theory.kernels._column_file import STRIP, ColumnFile
from rdk_theory.kernels.base import Kernel, Operations
from rdk_theory.sampling import first_above
from rdk_theory.vocabulary import Vocabulary

_BLOCK = 1 << 16
"""Entries that are widened at a time for one row: half a megabyte, which stays in cache."""

_BATCH_BLOCK = 1 << 20
"""The same for a batch, where a matrix product needs more to be fast."""

_FEW = 64
"""Values up to which a dictionary groups them sooner than sorting does."""


class StoredColumns(Kernel):
    r"""Any kernel, from the file that `store_columns` wrote: for `verify_lazy` and `verify_lazy_chain`.

    :math:`M_{ij} = w_{ij} / \sum_k w_{ik}` with the stored weights :math:`w`, and that law, in float64, is the one that
    is drawn from and the one that is reported, whatever was rounded when the file was written.

    Parameters
    ----------
    path
        The file.
    vocab
        The target vocabulary and its kept tokens, in the order in which they were stored.
    check
        Whether to read the whole file now. If not, a weight that is negative or not finite is found when its column is
        read, and sums that belong to other weights are not.

    Raises
    ------
    ValueError
        If the file is truncated or foreign, or shapes, dtypes, kept tokens or sums are wrong.

    Notes
    -----
    Reads: a column is ``K`` consecutive entries; a draw reads ``N/128`` sums and 128 entries, so that no second copy by
    rows is needed. `row` reads ``N`` entries that lie a column apart, and `redistribute` all of them: use them for
    what they are, exceptions. Memory beyond the arguments and results is bounded by a few rows of ``K`` numbers.
    """

    def __init__(self, path: str | Path, vocab: Vocabulary, *, check: bool = False) -> None:
        self.vocab = vocab
        self._file = ColumnFile(path, vocab)
        self._scale = 1 / self._file.totals
        if check:
            self._file.check()

    @property
    def dtype(self) -> np.dtype:
        """Of the stored weights."""
        return np.dtype(self._file.columns.dtype)

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`q' M`, in float32 or wider: reads the whole file, block by block."""
        self.check_draft(draft)
        wide = self._numbers(widen(draft))
        weights = (wide * self._scale.astype(wide.dtype)).reshape(-1, self.vocab.kept_size)
        out = np.empty((weights.shape[0], self.vocab.size), dtype=weights.dtype)
        step = block_length(self.vocab.kept_size, _BLOCK if weights.shape[0] == 1 else _BATCH_BLOCK)
        buffer = np.empty((min(step, self.vocab.size), self.vocab.kept_size), dtype=weights.dtype)
        for start in range(0, self.vocab.size, step):
            stop = min(start + step, self.vocab.size)
            block = self._file.block(start, stop, buffer[: stop - start])
            if weights.shape[0] == 1:
                out[0, start:stop] = _times(block, weights[0])
            else:
                np.matmul(weights, block.T, out=out[:, start:stop])
        return cast_like(convert(out.reshape(*draft.shape[:-1], self.vocab.size), widen(draft)), draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M[:, token]``, in float64: one stretch of the file for each token."""
        tokens = to_numpy(self._index("token", token, self.vocab.size))
        out = np.empty((tokens.size, self.vocab.kept_size))
        for line, x in zip(out, tokens.ravel().tolist(), strict=True):
            self._file.column(x, line)
        return (out * self._scale).reshape(*tokens.shape, self.vocab.kept_size)

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M[draft_id]``, in float64: entries from all over the file."""
        places = to_numpy(self._index("draft_id", draft_id, self.vocab.kept_size))
        out = np.empty((places.size, self.vocab.size))
        for line, i in zip(out, places.ravel().tolist(), strict=True):
            for number in range(self._file.sums.shape[1]):
                line[number * STRIP : (number + 1) * STRIP] = self._file.strip(i, number)
            line *= self._scale[i]
        return out.reshape(*places.shape, self.vocab.size)

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\tilde p_x`: one column for each distinct token, one dot product for each row of `draft`."""
        if is_exact(draft):
            return super().probability(draft, token)
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        return self.point(draft, token)

    def point(self, draft: Array, token: Array) -> Array:
        """`probability`, unchecked."""
        if is_exact(draft):
            return super().probability(draft, token)
        rows = self._numbers(draft).reshape(-1, self.vocab.kept_size)
        out, entries = np.empty(rows.shape[0]), np.empty(rows.shape[1])
        step = block_length(self.vocab.kept_size, _BLOCK)
        for x, mine in _groups(to_numpy(token).ravel()):
            self._file.column(x, entries)
            entries *= self._scale
            for start in range(0, mine.size, step):
                part = slice(mine[0], mine[0] + 1) if mine.size == 1 else mine[start : start + step]
                out[part] = _times(rows[part].astype(np.float64, copy=False), entries)
        return convert(out.reshape(draft.shape[:-1]), double(draft))

    def draw(self, draft_id: Ids[Array, "*batch"], uniform: Real[Array, "*batch"]) -> Ids[Array, "*batch"]:
        r""":math:`x \sim M_i` by inverse CDF: over the sums of strips, then over the entries of one strip."""
        if is_exact(uniform):
            return super().draw(draft_id, uniform)
        validation.token_ids("draft_id", draft_id, self.vocab.kept_size)
        validation.uniform("uniform", uniform, tuple(draft_id.shape))
        places, numbers = to_numpy(draft_id), self._numbers(double(uniform))
        drawn, flat = np.empty(places.size, dtype=np.int64), numbers.ravel()
        for i, mine in _groups(places.ravel()):
            before = np.cumsum(self._file.sums[i])
            strips, threshold = _locate(before, flat[mine] * before[-1])
            for number, some in _groups(strips):
                within = np.cumsum(self._file.strip(i, number))
                drawn[mine[some]] = number * STRIP + first_above(within, threshold[some])
        return index_like(drawn.reshape(places.shape), uniform)

    @property
    def context_free(self) -> bool:
        """True: there is one matrix."""
        return True

    @staticmethod
    def cost(N: Any, K: Any) -> Operations:
        """``N`` dot products of length ``K`` and one product for the sum of each row."""
        return Operations(multiplications=K * N + K, additions=(K - 1) * N, reads=2 * K + K * N, writes=N)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row; a column costs ``1/N`` of it."""
        return self.cost(self.vocab.size, self.vocab.kept_size)

    @staticmethod
    def _numbers(x: Array) -> np.ndarray:
        """Floats of any library on the host."""
        return x if is_numpy(x) else to_numpy(x)


def _times(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """``rows · vector`` in this thread: BLAS may wait for its own, on a busy machine a thousand times as long."""
    return np.asarray(np.einsum("ik,k->i", rows, vector))


def _groups(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Every distinct value, and the places where it stands."""
    if values.size <= _FEW:
        places: dict[int, list[int]] = {}
        for place, value in enumerate(values.tolist()):
            places.setdefault(value, []).append(place)
        yield from ((value, np.array(at)) for value, at in places.items())
        return
    order = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[order], return_index=True)
    yield from zip(distinct.tolist(), np.split(order, starts[1:]), strict=True)


def _locate(before: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Among running sums, the first above each threshold, and what is left of the threshold there."""
    number = first_above(before, threshold)
    return number, threshold - np.where(number > 0, before[number - 1], 0)
