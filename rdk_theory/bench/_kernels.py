"""Kernels that are timed, one maker for each kind; their entries are random, their sizes those of real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.sparse

from rdk_theory.kernels import Dense, Embedding, Kernel, LowRank, RankOne, SoftmaxCovariance, Sparse, StoredColumns
from rdk_theory.kernels._column_file import STRIP, ColumnFile, strip_sums, widened
from rdk_theory.vocabulary import Vocabulary

COVARIANCE_RANK, TOPICS, NEIGHBOURS = 64, 16, 8
TILE = 8 * STRIP
"""Distinct columns of `RepeatedColumns`."""

Maker: TypeAlias = Callable[[Vocabulary, np.random.Generator], Kernel]


def laws(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random laws in float32 over the last axis."""
    weights = rng.standard_exponential(shape, dtype=np.float32)
    return weights / weights.sum(-1, keepdims=True)


def half_weights(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random weights in float16, of a size at which half precision keeps all its digits."""
    return np.ldexp(rng.standard_exponential(shape, dtype=np.float32), 8).astype(np.float16)


class RepeatedColumns(StoredColumns):
    """A dense kernel in float16 whose columns repeat after `TILE` tokens: as large to read as one from a file.

    For vocabularies at which a whole one, 2 bytes for each of ``K N`` entries, is larger than disk and memory. The tile
    is in memory, and from 2¹⁷ tokens on larger than the caches of most machines.
    """

    def __init__(self, vocab: Vocabulary, rng: np.random.Generator) -> None:
        self.vocab = vocab
        self._file = _Tile(half_weights((TILE, vocab.kept_size), rng), vocab.size)
        self._scale = 1 / self._file.totals


class _Tile(ColumnFile):
    """What `StoredColumns` asks of a file."""

    def __init__(self, tile: np.ndarray, size: int) -> None:
        self.path, self.columns = Path("tile"), tile
        strips = strip_sums(widened(tile, np.empty(tile.shape)).T)
        self.sums = np.tile(strips, (1, -(-size // TILE)))[:, : -(-size // STRIP)]
        self.totals = self.sums.sum(axis=-1)

    def column(self, token: int, out: np.ndarray) -> np.ndarray:
        """The column of the tile that stands for `token`."""
        return super().column(token % TILE, out)

    def strip(self, row: int, number: int) -> np.ndarray:
        """A strip of the tile."""
        return super().strip(row, number % (TILE // STRIP))

    def block(self, start: int, stop: int, out: np.ndarray) -> np.ndarray:
        """Consecutive columns, tile after tile."""
        place = start
        while place < stop:
            first = place % TILE
            length = min(TILE - first, stop - place)
            super().block(first, first + length, out[place - start : place - start + length])
            place += length
        return out


def first_order(vocab: Vocabulary, rng: np.random.Generator) -> Kernel:
    """First-order softmax of a covariance of rank 64, at a temperature that norms certify."""
    factor = rng.uniform(-1, 1, (vocab.size, COVARIANCE_RANK)).astype(np.float32)
    return SoftmaxCovariance.from_factor(vocab, factor, 2.0 * COVARIANCE_RANK).first_order()


def sparse(vocab: Vocabulary, rng: np.random.Generator) -> Kernel:
    """Eight neighbours a row, in equal steps from a random start: distinct, and scattered over the vocabulary."""
    kept, size = vocab.kept_size, vocab.size
    places = (rng.integers(size, size=(kept, 1)) + np.arange(NEIGHBOURS) * (size // NEIGHBOURS)) % size
    data, starts = laws((kept, NEIGHBOURS), rng).ravel(), np.arange(kept + 1) * NEIGHBOURS
    return Sparse(vocab, scipy.sparse.csr_array((data, places.ravel(), starts), shape=(kept, size)))


KERNELS: dict[str, Maker] = {
    "embedding": lambda vocab, rng: Embedding(vocab),
    "dense": lambda vocab, rng: Dense(vocab, laws((vocab.kept_size, vocab.size), rng)),
    "first order": first_order,
    "rank one": lambda vocab, rng: RankOne(vocab, 0.1, laws((vocab.size,), rng)),
    "sparse": sparse,
    "low rank": lambda vocab, rng: LowRank(
        vocab, laws((vocab.kept_size, TOPICS), rng), laws((TOPICS, vocab.size), rng)
    ),
    "columns": RepeatedColumns,
}
