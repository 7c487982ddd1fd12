"""The backed-off kernel between its two neighbours, and what it refuses; the protocol is tested with all kernels."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse

from rdk_theory import Vocabulary
from rdk_theory.kernels import BackedOff, RankOne, Sparse
from rdk_theory.tolerances import EXACT
from tests.kernel_cases import laws, sparse_laws

VOCAB = Vocabulary(9, [7, 2, 4, 0])


def test_rows_that_leave_nothing_make_the_sparse_kernel():
    rng = np.random.default_rng(0)
    rows, draft = scipy.sparse.csr_array(sparse_laws(rng, 4, 9)), laws(rng, 6, 4)
    found = BackedOff(VOCAB, rows, laws(rng, 9)).redistribute(draft)
    assert np.abs(found - Sparse(VOCAB, rows).redistribute(draft)).max() <= EXACT


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_one_share_for_all_rows_makes_the_rank_one_kernel(weight):
    rng = np.random.default_rng(1)
    prior, draft = laws(rng, 9), laws(rng, 6, 4)
    rows = scipy.sparse.csr_array(((1 - weight) * np.ones(4), (np.arange(4), VOCAB.kept)), shape=(4, 9))
    found = BackedOff(VOCAB, rows, prior).redistribute(draft)
    assert np.abs(found - RankOne(VOCAB, weight, prior).redistribute(draft)).max() <= EXACT
    other = RankOne(VOCAB, weight / 2 + 0.1, prior).redistribute(draft)  # control
    assert np.abs(found - other).max() > 1e-3


def test_it_never_becomes_dense():
    rng = np.random.default_rng(2)
    size, kept, each = 20_000, 5000, 4
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    columns, starts = rng.integers(0, size, kept * each), np.arange(kept + 1) * each
    kernel = BackedOff(
        vocab, scipy.sparse.csr_array((np.full(kept * each, 0.2), columns, starts), (kept, size)), laws(rng, size)
    )
    draft = laws(rng, 2, kept)
    tracemalloc.start()
    try:
        kernel.redistribute(draft)
        kernel.column(np.array([3, 4]))
        kernel.probability(draft, np.array([3, 4]))
        kernel.draw(np.arange(5), rng.random(5))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < kept * size * 8 / 100
    assert kernel.nnz == kept * (each + 1)
    assert kernel.operations == BackedOff.cost(size, kept, kernel.nnz)
    assert kernel.operations.multiplications == kept * (each + 1) + size


def rows(*, value=0.5):
    return scipy.sparse.csr_array((np.full(4, value), (np.arange(4), [1, 3, 5, 8])), shape=(4, 9))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BackedOff(VOCAB, rows().toarray(), np.full(9, 1 / 9)), "rows must be a scipy sparse array"),
        (lambda: BackedOff(VOCAB, rows()[:3], np.full(9, 1 / 9)), r"rows .* \(4, 9\), not .* \(3, 9\)"),
        (lambda: BackedOff(VOCAB, None, np.full(9, 1 / 9)), "rows .* NoneType"),
        (lambda: BackedOff(VOCAB, rows(value=1.5), np.full(9, 1 / 9)), r"rows .* more than 1 in row \(0,\)"),
        (lambda: BackedOff(VOCAB, rows(value=-0.5), np.full(9, 1 / 9)), r"rows .* negative .* \(0, 1\)"),
        (lambda: BackedOff(VOCAB, rows(value=np.nan), np.full(9, 1 / 9)), r"rows .* not finite .* \(0, 1\)"),
        (lambda: BackedOff(VOCAB, rows(), np.full(9, 0.1)), "prior .* sum to 1"),
        (lambda: BackedOff(VOCAB, rows(), np.full(8, 1 / 8)), "prior .* 9"),
        (lambda: BackedOff(VOCAB, rows(), np.full(9, 1 / 9, dtype=np.float32)), "prior must be float64"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
