"""Time of every kernel's `redistribute`, and of the pair that a drafter pays for at each step.

Run with ``make bench``; the pair's ratio to one pass over the same arrays is in its `extra_info`.
"""

import time

import numpy as np
import pytest
import scipy.sparse

from rdk_theory import Vocabulary, acceptance_rate
from rdk_theory.kernels import Dense, Diffusion, Embedding, LowRank, RankOne, SoftmaxCovariance, Sparse

BATCH = 64
LARGE = (131_072, 32_768)
"""Tokens and kept tokens for the linear kernels."""
SMALL = (4096, 1024)
"""Tokens and kept tokens for those that cost ``O(KN)``."""
EACH = 8
"""Stored entries in a row of a sparse kernel."""
GOAL = 3.0
"""Redistribution and acceptance together, over one pass of `numpy.minimum`."""


def laws(rng, *shape):
    rows = rng.random(shape, dtype=np.float32) ** 8
    return rows / rows.sum(axis=-1, keepdims=True)


def sparse_laws(rng, rows, size):
    data = laws(rng, rows, EACH).ravel()
    columns = np.sort(rng.integers(0, size, (rows, EACH)), axis=-1).ravel()
    return scipy.sparse.csr_array((data, columns, np.arange(rows + 1) * EACH), shape=(rows, size))


def vocabulary(rng, sizes):
    size, kept = sizes
    return Vocabulary(size, rng.permutation(size)[:kept])


def linear(rng, vocab):
    """Kernels whose redistribution is linear in the vocabulary."""
    size, kept = vocab.size, vocab.kept_size
    factor = rng.normal(size=(size, 16)).astype(np.float32)
    graph = Diffusion(vocab, sparse_laws(rng, size, size), 0.3)
    return {
        "embedding": Embedding(vocab),
        "rank one": RankOne(vocab, 0.1, laws(rng, size)),
        "sparse, 8 a row": Sparse(vocab, sparse_laws(rng, kept, size)),
        "low rank, 16": LowRank(vocab, laws(rng, kept, 16), laws(rng, 16, size)),
        "first-order softmax, diagonal": SoftmaxCovariance.from_diagonal(vocab, laws(rng, size), 1.0).first_order(),
        "first-order diffusion, 8 a row": graph.first_order(),
        # Forming all K × N deviations once, to find the largest, is left to a smaller vocabulary.
        "first-order softmax, factor of 16": lambda small: SoftmaxCovariance.from_factor(
            small, factor[: small.size], 100.0
        ).first_order(),
    }


def quadratic(rng, vocab):
    """Kernels that cost ``O(KN)`` or more."""
    size, kept = vocab.size, vocab.kept_size
    factor = rng.normal(size=(size, 16)).astype(np.float32)
    whole = (factor @ factor.T).astype(np.float64)
    return {
        "dense, float32": Dense(vocab, laws(rng, kept, size)),
        "dense, float16": Dense(vocab, laws(rng, kept, size).astype(np.float16)),
        "softmax, whole": SoftmaxCovariance(vocab, (whole + whole.T) / 2, 100.0),
        "softmax, factor of 16": SoftmaxCovariance.from_factor(vocab, factor, 100.0),
        "resolvent, 8 a row": Diffusion(vocab, sparse_laws(rng, size, size), 0.3),
    }


LINEAR = list(linear(np.random.default_rng(0), Vocabulary(64, np.arange(16))))
QUADRATIC = list(quadratic(np.random.default_rng(0), Vocabulary(64, np.arange(16))))


def measured(benchmark, kernel, rng, rounds):
    draft = laws(rng, BATCH, kernel.vocab.kept_size)
    cost = kernel.operations
    benchmark.extra_info.update(
        tokens=kernel.vocab.size, kept=kernel.vocab.kept_size, batch=BATCH, bytes_a_row=int(cost.bytes(4))
    )
    proposal = benchmark.pedantic(kernel.redistribute, args=(draft,), rounds=rounds, warmup_rounds=1)
    assert np.abs(proposal.sum(axis=-1, dtype=np.float64) - 1).max() < 1e-4


@pytest.mark.benchmark(group="linear: 131,072 tokens, 32,768 kept, batch 64, float32")
@pytest.mark.parametrize("name", [name for name in LINEAR if "factor" not in name])
def test_linear(benchmark, name):
    rng = np.random.default_rng(1)
    measured(benchmark, linear(rng, vocabulary(rng, LARGE))[name], rng, rounds=10)


@pytest.mark.benchmark(group="4,096 tokens, 1,024 kept, batch 64, float32")
@pytest.mark.parametrize("name", [*QUADRATIC, "first-order softmax, factor of 16"])
def test_small(benchmark, name):
    rng = np.random.default_rng(2)
    vocab = vocabulary(rng, SMALL)
    kernel = linear(rng, vocab)[name](vocab) if name in LINEAR else quadratic(rng, vocab)[name]
    measured(benchmark, kernel, rng, rounds=5)


@pytest.mark.benchmark(group="pair: 131,072 tokens, 32,768 kept, batch 64, float32")
def test_rank_one_and_acceptance_within_three_passes(benchmark):
    """The goal of the package: redistribution and acceptance cost at most three passes over the arrays.

    Other work on the machine slows both sides, but not alike: the smallest of many interleaved times are compared, and
    compared again, a few times, before the goal counts as missed.
    """
    rng = np.random.default_rng(3)
    vocab = vocabulary(rng, LARGE)
    prior = np.zeros(vocab.size, dtype=np.float32)
    prior[vocab.cold] = laws(rng, vocab.cold.size)
    kernel = RankOne(vocab, 0.1, prior)
    target, draft = laws(rng, BATCH, vocab.size), laws(rng, BATCH, vocab.kept_size)
    proposal, buffer = kernel.redistribute(draft), np.empty_like(target)

    def pair():
        return acceptance_rate(target, kernel.redistribute(draft))

    def one_pass():
        np.minimum(target, proposal, out=buffer)

    for _ in range(5):
        passes, pairs = interleaved(one_pass, pair, rounds=40)
        ratio = min(pairs) / min(passes)
        if ratio <= GOAL:
            break
    benchmark.extra_info.update(
        ratio=round(ratio, 2),
        ratio_of_medians=round(float(np.median(pairs) / np.median(passes)), 2),
        one_pass_ms=round(1e3 * min(passes), 2),
        pair_ms=round(1e3 * min(pairs), 2),
    )
    rates = benchmark.pedantic(pair, rounds=20, warmup_rounds=1)
    assert np.abs(rates - buffer.sum(axis=-1)).max() < 1e-5
    assert ratio <= GOAL, benchmark.extra_info


def interleaved(first, second, rounds):
    """Seconds that each call took, by turns."""
    times = [[], []]
    for _ in range(rounds):
        for call, taken in zip((first, second), times, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return times
