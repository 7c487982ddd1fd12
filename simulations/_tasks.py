"""What the cost experiment times: redistribution and verification with kernels of several kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse

from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Dense, Kernel, RankOne, SoftmaxCovariance, Sparse
from rdk_theory.verification import verify_lazy, verify_token
from rdk_theory.vocabulary import Vocabulary

ENTRIES_A_CALL = 1 << 19
"""Entries of a batch: fewer rows at a larger vocabulary, so that large sizes work on as much memory (2 MiB)."""
LEAST_ROWS, MOST_ROWS = 4, 64
"""Dense kernels are timed where the batch is of the most rows: their speed depends on it."""
SHARE = 4
"""``N / K``: one token in four is kept."""
RANK, NEIGHBOURS, TRIES = 8, 8, 16


class Task(NamedTuple):
    """What is timed, and how many operations it counts for one row."""

    call: Callable[[], object]
    operations: int


def batch(size: int) -> int:
    """Rows of a call."""
    return min(MOST_ROWS, max(LEAST_ROWS, ENTRIES_A_CALL // size))


def laws(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random laws in float32, one for each row of `shape`."""
    weights = rng.standard_exponential(shape, dtype=np.float32)
    return weights / weights.sum(-1, keepdims=True)


def _dense(vocab: Vocabulary, rng: np.random.Generator) -> Kernel:
    return Dense(vocab, laws((vocab.kept_size, vocab.size), rng))


def _first_order(vocab: Vocabulary, rng: np.random.Generator) -> Kernel:
    """First-order softmax kernel of a covariance given by a factor: its largest entry is at most 1 in modulus."""
    factor = rng.uniform(-1, 1, (vocab.size, RANK)).astype(np.float32)
    return SoftmaxCovariance.from_factor(vocab, factor, 2.0 * RANK).first_order()


def _sparse(vocab: Vocabulary, rng: np.random.Generator) -> Kernel:
    kept, size = vocab.kept_size, vocab.size
    # Neighbours in equal steps from a random start: distinct in each row, scattered over the vocabulary.
    places = (rng.integers(size, size=(kept, 1)) + np.arange(NEIGHBOURS) * (size // NEIGHBOURS)) % size
    data, starts = laws((kept, NEIGHBOURS), rng).ravel(), np.arange(kept + 1) * NEIGHBOURS
    return Sparse(vocab, sparse.csr_array((data, places.ravel(), starts), shape=(kept, size)))


def _rank_one(vocab: Vocabulary, rng: np.random.Generator) -> Kernel:
    return RankOne(vocab, 0.1, laws((vocab.size,), rng))


KERNELS: dict[str, Callable[[Vocabulary, np.random.Generator], Kernel]] = {
    "dense": _dense,
    "first order": _first_order,
    "sparse": _sparse,
    "rank one": _rank_one,
}


def _redistribution(kernel: Kernel, rng: np.random.Generator) -> Task:
    draft = laws((batch(kernel.vocab.size), kernel.vocab.kept_size), rng)
    cost = kernel.operations
    return Task(lambda: kernel.redistribute(draft), cost.multiplications + cost.additions)


def _whole(kernel: Kernel, rng: np.random.Generator) -> Task:
    """Form the proposal, draw from it in two stages, verify."""
    task, verify = _redistribution(kernel, rng), _verification(kernel, rng)
    return Task(lambda: verify(whole=True), task.operations + 2 * kernel.vocab.size)


def _lazy(kernel: Kernel, rng: np.random.Generator) -> Task:
    """Draw in two stages and verify by columns: a pass over the target, one row, and two columns in expectation."""
    verify = _verification(kernel, rng)
    return Task(lambda: verify(whole=False), 2 * kernel.vocab.size + 2 * kernel.vocab.kept_size)


def _verification(kernel: Kernel, rng: np.random.Generator) -> Callable[..., object]:
    vocab, rows = kernel.vocab, batch(kernel.vocab.size)
    target, draft = laws((rows, vocab.size), rng), laws((rows, vocab.kept_size), rng)
    streams = rng.spawn(5)

    def verify(whole: bool) -> object:
        first, second = streams[0].random(rows), streams[1].random(rows)
        _, token = draft_token(draft, kernel, first, second)
        accept = streams[2].random(rows)
        if whole:
            return verify_token(target, kernel.redistribute(draft), token, accept, streams[3].random(rows))
        propose, keep = streams[3].random((rows, TRIES)), streams[4].random((rows, TRIES))
        return verify_lazy(target, draft, kernel, token, accept, propose, keep, first)

    return verify


TASKS: dict[str, Callable[[Kernel, np.random.Generator], Task]] = {
    "redistribute": _redistribution,
    "whole": _whole,
    "lazy": _lazy,
}
