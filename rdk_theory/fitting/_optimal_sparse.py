"""A dense kernel cut down to a few entries a row and one law that all rows share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse

from rdk_theory._rows import block_length
from rdk_theory.distributions import embed
from rdk_theory.fitting._optimal_table import Source, Tokens, batches
from rdk_theory.kernels.backed_off import BackedOff
from rdk_theory.vocabulary import Vocabulary

_BLOCK = 1 << 24
"""Entries of a kernel that are sorted at a time."""


def cut(matrix: np.ndarray, mass: np.ndarray, tokens: Tokens, vocab: Vocabulary, support: int) -> BackedOff:
    """The largest entries of each row, `support` at most; the rest of the row goes to a law that all share.

    That law is the mean of what was cut, weighted by `mass`, how often each row is drafted: no other is nearer in the
    mean. A shared column is always cut, and spreads as `tokens.law` says.
    """
    single = matrix[:, : tokens.alone.size]
    width = min(support, single.shape[1])
    left = np.zeros(single.shape[1])
    columns = np.empty((matrix.shape[0], width), dtype=np.int64)
    values = np.empty((matrix.shape[0], width))
    step = block_length(single.shape[1], _BLOCK)
    for start in range(0, matrix.shape[0], step):
        rows = slice(start, start + step)
        part = single[rows]
        best = np.sort(np.argpartition(part, part.shape[1] - width, axis=1)[:, part.shape[1] - width :], axis=1)
        found = np.take_along_axis(part, best, axis=1).astype(np.float64)
        columns[rows], values[rows] = tokens.alone[best], found
        left += mass[rows] @ part.astype(np.float64)
        np.subtract.at(left, best.ravel(), (mass[rows][:, None] * found).ravel())
    law = np.zeros(vocab.size)
    law[tokens.alone] = np.maximum(left, 0)
    if tokens.shared.size:
        law += float(mass @ matrix[:, -1].astype(np.float64)) * tokens.law
    law = law / law.sum() if law.sum() > 0 else np.full(vocab.size, 1 / vocab.size)
    values /= np.maximum(1.0, values.sum(axis=1, keepdims=True))  # float32 rows may sum to a little more than 1
    starts = np.arange(matrix.shape[0] + 1) * width
    sparse = scipy.sparse.csr_array((values.ravel(), columns.ravel(), starts), shape=(vocab.kept_size, vocab.size))
    sparse.eliminate_zeros()
    return BackedOff(vocab, sparse, law)


def shrunk(kernel: BackedOff, share: float) -> BackedOff:
    """``(1 − share) M + share · E_I``."""
    rows = kernel._rows
    whole = scipy.sparse.csr_array((rows.data, rows.indices, rows.indptr), shape=rows.shape)[:, :-1]
    vocab = kernel.vocab
    home = scipy.sparse.csr_array(
        (np.ones(vocab.kept_size), (np.arange(vocab.kept_size), vocab.kept)), shape=whole.shape
    )
    return BackedOff(vocab, (1 - share) * whole + share * home, kernel.prior)


def acceptances(source: Source, kernel: BackedOff, shares: Iterable[float]) -> np.ndarray:
    """Mean acceptance of `shrunk` kernels, one for each share; the contexts are read once."""
    wanted = list(shares)
    total, count = np.zeros(len(wanted)), 0
    for p, q in batches(source, kernel.vocab):
        proposal, stay = kernel.redistribute(q), embed(q, kernel.vocab)
        stay -= proposal
        for k, share in enumerate(wanted):
            mixed = proposal if share == 0 else proposal + np.float32(share) * stay
            total[k] += np.minimum(p, mixed).sum(dtype=np.float64)
        count += p.shape[0]
    return total / count
