"""A kernel from co-occurrence: where a kept token is over-covered, which cold tokens lack mass?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse

from rdk_theory._array import Array, is_exact, to_numpy
from rdk_theory._rows import block_length
from rdk_theory._types import Real
from rdk_theory.distributions import embed
from rdk_theory.fitting.prior import BLOCK, MixedFit, check_fit, cold_prior
from rdk_theory.fitting.weights import Block, best_weight
from rdk_theory.kernels import BackedOff, Dense, Kernel
from rdk_theory.vocabulary import Vocabulary

WHOLE = 1 << 26
"""Entries of a kernel, ``K · N``, up to which it is stored whole (256 MiB in float32)."""

STORED = 1 << 20
"""Entries that a larger kernel stores in all, unless it is told how many a row."""

ROWS = 256
"""Rows of a sparse product that are made, and cut to their largest entries, at a time."""

PRODUCT = 1 << 24
"""Entries of a matrix product that are made at a time (64 MiB in float32)."""

TINY = 1e-12
"""Prior mass off the stored tokens below which it counts as this: nothing is left there to back off to."""

SMALL = 1e-3, 1e-4
"""Excesses and lacks below these shares of what is rejected in a context are not followed to single tokens."""


def fit_cooccurrence(
    targets: Real[Array, "C N"], drafts: Real[Array, "C K"], vocab: Vocabulary, *, entries: int | None = None
) -> MixedFit:
    r"""Move each kept token, as often as it is over-covered, to the cold tokens that lack mass in the same contexts.

    .. math::
        A_{ij} = \frac{1}{\mathrm E\,q'_i}\, \mathrm E\Big[(q'_i - p_i)_+ \frac{p_j}{\mathrm{TV}(p, q')}\Big]
        \ (j \in C), \qquad A_{ii} = 1 - \sum_{j \in C} A_{ij}, \qquad M = (1-\theta) E_I + \theta A

    Parameters
    ----------
    targets
        :math:`p`, one row a context.
    drafts
        :math:`q'`, restricted to ``vocab.kept``.
    vocab
        The target vocabulary and its kept tokens.
    entries
        Store the largest `entries` cold tokens of each row, and back what is left off to the prior of `cold_prior`.
        Default: the whole of :math:`A` where it has at most `WHOLE` entries, else `STORED` in all.

    Returns
    -------
    MixedFit
        With a `Dense` or `BackedOff` kernel and the weight :math:`\theta` that maximises mean acceptance in these
        contexts, in which it is never worse than TLI.

    Raises
    ------
    ValueError
        If rows are no distributions, shapes differ, no token is cold, the target gives none of them any mass,
        `entries` is not positive, or the rows are rational.

    Notes
    -----
    Rejection moves :math:`(q' - p)_+` to the residual :math:`(p - q')_+ / \mathrm{TV}`; where a draft of token `i` is
    rejected, with probability :math:`(q'_i - p_i)_+ / q'_i`, the emitted token has that law. `A` is this coupling,
    averaged over contexts, as far as it leads to cold tokens: there :math:`(p - q')_+ = p`. A token keeps what it would
    have kept, and what the coupling would have moved to another kept token stays too: those moves say where the
    drafter erred in these very contexts, and cost acceptance in others.

    Time :math:`O(CKN)` for a kernel stored whole, as a matrix product; else about the number of pairs of one excess
    and one lack, in sparse products over blocks of rows.
    """
    check_fit(targets, drafts, vocab)
    if is_exact(targets):
        raise ValueError("targets are rationals; convert them to float64, in which the weight is exact up to rounding")
    if entries is not None and (isinstance(entries, bool) or not isinstance(entries, int) or entries < 1):
        raise ValueError(f"entries must be a positive integer, not {entries!r}")
    prior = cold_prior(targets, vocab)
    dtype = np.float64 if str(targets.dtype).endswith("float64") else np.float32
    p, q = (np.ascontiguousarray(to_numpy(x), dtype=dtype) for x in (targets, drafts))
    if entries is None and vocab.kept_size * vocab.size <= WHOLE:
        make = _whole(p, q, vocab)
    else:
        each = entries or max(1, STORED // vocab.kept_size)
        make = _backed_off(p, q, vocab, prior, min(each, vocab.cold.size))
    moved = make(1.0)
    step = block_length(vocab.size, PRODUCT)
    proposals = np.empty_like(p)
    for start in range(0, p.shape[0], step):
        proposals[start : start + step] = moved.redistribute(q[start : start + step])
    del moved

    def blocks() -> Iterator[Block]:
        step = block_length(vocab.size, BLOCK)
        for start in range(0, p.shape[0], step):
            part = slice(start, start + step)
            yield p[part], embed(q[part], vocab), proposals[part]

    mixing = best_weight(blocks)
    return MixedFit(make(mixing.weight), mixing)


def _whole(p: np.ndarray, q: np.ndarray, vocab: Vocabulary) -> Callable[[float], Kernel]:
    """The kernel at any weight; `A` is a matrix product over contexts, made for some cold tokens at a time."""
    excess, rejected = _excess(p, q, vocab)
    excess *= _inverse(rejected)[:, None]
    share = _inverse(q.sum(axis=0, dtype=np.float64)).astype(p.dtype)[:, None]
    moves = np.zeros((vocab.kept_size, vocab.size), dtype=p.dtype)
    step = block_length(max(p.shape[0], vocab.kept_size), PRODUCT)
    for start in range(0, vocab.cold.size, step):
        cold = vocab.cold[start : start + step]
        moves[:, cold] = (excess.T @ p[:, cold]) * share

    def make(weight: float) -> Kernel:
        matrix = moves * p.dtype.type(weight)
        leaves = matrix.sum(axis=1, dtype=np.float64)
        matrix[np.arange(vocab.kept_size), vocab.kept] = np.maximum(1 - leaves, 0)
        return Dense(vocab, matrix)

    return make


def _backed_off(
    p: np.ndarray, q: np.ndarray, vocab: Vocabulary, prior: np.ndarray, each: int
) -> Callable[[float], Kernel]:
    """The kernel at any weight, with the `each` largest entries of a row; the rest follows the prior off these."""
    excess, lack, leaves = _followed(p, q, vocab)
    share = _inverse(q.sum(axis=0, dtype=np.float64))
    leaves = leaves * share
    data, columns, counts = [], [], []
    sources = excess.T.tocsr()
    for start in range(0, vocab.kept_size, ROWS):
        moves = (sources[start : start + ROWS] @ lack).tocsr()
        for row, (begin, end) in enumerate(itertools.pairwise(moves.indptr)):
            found, ids = moves.data[begin:end] * share[start + row], moves.indices[begin:end]
            if found.size > each:
                largest = np.argpartition(found, found.size - each)[found.size - each :]
                found, ids = found[largest], ids[largest]
            # Off the stored tokens the row is `level · prior`; on them only what exceeds that is stored.
            level = max(leaves[start + row] - found.sum(), 0) / max(1 - prior[ids].sum(), TINY)
            above = found - level * prior[ids]
            kept = above > 0
            data.append(above[kept])
            columns.append(ids[kept])
            counts.append(int(kept.sum()))
    pointer = np.concatenate([[0], np.cumsum(counts)])
    stored = scipy.sparse.csr_array(
        (np.concatenate(data), np.concatenate(columns), pointer), shape=(vocab.kept_size, vocab.size)
    )
    home = (np.arange(vocab.kept_size), vocab.kept)

    def make(weight: float) -> Kernel:
        staying = scipy.sparse.csr_array((1 - weight * leaves, home), shape=stored.shape)
        return BackedOff(vocab, stored * weight + staying, prior)

    return make


def _followed(
    p: np.ndarray, q: np.ndarray, vocab: Vocabulary
) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array, np.ndarray]:
    """Excesses and scaled lacks large enough to follow, by context; and what leaves each row, of all of them."""
    excesses: list[scipy.sparse.csr_array] = []
    lacks: list[scipy.sparse.csr_array] = []
    leaves = np.zeros(vocab.kept_size)
    step = block_length(vocab.size, BLOCK)
    for start in range(0, p.shape[0], step):
        target = p[start : start + step]
        excess, rejected = _excess(target, q[start : start + step], vocab)
        lack = target.copy()
        lack[:, vocab.kept] = 0
        scale = _inverse(rejected)
        leaves += excess.T.astype(np.float64) @ (lack.sum(axis=1, dtype=np.float64) * scale)
        for array, parts, small in ((excess, excesses, SMALL[0]), (lack, lacks, SMALL[1])):
            rows, places = np.nonzero(array > (small * rejected)[:, None])
            pointer = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=array.shape[0]))])
            values = array[rows, places].astype(np.float64)
            parts.append(scipy.sparse.csr_array((values, places, pointer), shape=array.shape))
        lacks[-1].data *= np.repeat(scale, np.diff(lacks[-1].indptr))
    return scipy.sparse.vstack(excesses, format="csr"), scipy.sparse.vstack(lacks, format="csr"), leaves


def _excess(p: np.ndarray, q: np.ndarray, vocab: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """``(q' − p)_+`` on kept tokens, and its sum in each context, ``TV(p, q')``."""
    excess = np.maximum(q - p[:, vocab.kept], 0)
    return excess, excess.sum(axis=1, dtype=np.float64)


def _inverse(x: np.ndarray) -> np.ndarray:
    """``1/x``; 0 where nothing is there to be divided."""
    return np.divide(1.0, x, out=np.zeros(x.shape), where=x > 0)
