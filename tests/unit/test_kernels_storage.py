"""How kernels hold their parameters: contexts, narrow dtypes, compressed rows, and memory."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
import torch

from rdk_theory import Vocabulary, acceptance_rate
from rdk_theory.kernels import Dense, LowRank, RankOne, SoftmaxCovariance, Sparse
from rdk_theory.kernels import _matrices as matrices
from rdk_theory.tolerances import EXACT, UNIT_SUM
from tests.kernel_cases import laws, sparse_laws

VOCAB = Vocabulary(8, [6, 1, 3])


def peak(call):
    """Bytes that `call` held at once beyond those before it."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# Contexts


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("batch", [(4,), (2, 3)])
def test_a_dense_kernel_with_one_matrix_for_each_context(batch, dtype):
    rng = np.random.default_rng(0)
    matrix = laws(rng, *batch, 3, 8).astype(dtype)
    wide = matrix.astype(np.float64)
    wide /= wide.sum(axis=-1, keepdims=True)
    kernel = Dense(VOCAB, matrix)
    assert not kernel.context_free
    draft, token, place = laws(rng, *batch, 3), rng.integers(0, 8, batch), rng.integers(0, 3, batch)
    expected = np.einsum("...k,...kn->...n", draft, wide)
    for found in (kernel.redistribute(draft), Dense(VOCAB, torch.tensor(matrix)).redistribute(torch.tensor(draft))):
        assert np.abs(np.asarray(found) - expected).max() <= EXACT
    index = np.indices(batch)
    assert np.abs(kernel.column(token) - wide[(*index, slice(None), token)]).max() <= EXACT
    assert np.abs(kernel.row(place) - wide[(*index, place)]).max() <= EXACT
    assert np.abs(kernel.column(5) - wide[..., 5]).max() <= EXACT
    assert np.abs(kernel.row(2) - wide[..., 2, :]).max() <= EXACT
    assert (
        np.abs(kernel.probability(draft, token) - np.take_along_axis(expected, token[..., None], -1)[..., 0]).max()
        < EXACT
    )
    uniform = rng.random(batch)
    drawn = (np.cumsum(wide[(*index, place)], axis=-1) <= uniform[..., None]).sum(axis=-1)
    assert np.array_equal(kernel.draw(place, uniform), drawn)


def test_contexts_do_not_mix():
    """Control for the test above: with the matrices of two contexts exchanged the proposal changes."""
    rng = np.random.default_rng(1)
    matrix, draft = laws(rng, 2, 3, 8), laws(rng, 2, 3)
    assert (
        np.abs(Dense(VOCAB, matrix).redistribute(draft) - Dense(VOCAB, matrix[::-1]).redistribute(draft)).max() > 1e-3
    )


# Narrow dtypes


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_narrow_parameters_still_make_laws_in_float64(dtype):
    """A stored row misses 1 by its rounding; what is drawn is drawn in proportion, and so must be what is reported."""
    rng = np.random.default_rng(2)
    size, kept, rank = 3000, 40, 6
    vocab = Vocabulary(size, rng.permutation(size)[:kept])

    def stored(*shape):
        return torch.tensor(laws(rng, *shape)).to(getattr(torch, dtype))

    matrix = stored(kept, size)
    missed = (matrix.to(torch.float64).sum(-1) - 1).abs().max()
    assert missed > UNIT_SUM["float64"]  # or the test would see nothing
    draft = laws(rng, 4, kept)
    for kernel in (Dense(vocab, matrix), LowRank(vocab, stored(kept, rank), stored(rank, size))):
        proposal = kernel.redistribute(draft)
        assert np.abs(proposal.sum(axis=-1) - 1).max() <= EXACT
        acceptance_rate(proposal, proposal)
        rows = kernel.row(np.arange(kept)).numpy()
        assert np.abs(rows.sum(axis=-1) - 1).max() <= EXACT
        assert np.abs(draft @ rows - proposal).max() <= EXACT
        assert np.abs(kernel.column(np.arange(9)).numpy() - rows[:, :9].T).max() <= EXACT


@pytest.mark.parametrize("batch", [(), (4,)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_narrow_prior_is_a_law_in_float64(dtype, batch):
    rng = np.random.default_rng(11)
    vocab = Vocabulary(3000, rng.permutation(3000)[:40])
    prior = torch.tensor(laws(rng, *batch, 3000)).to(getattr(torch, dtype))
    assert (prior.to(torch.float64).sum(-1) - 1).abs().max() > 100 * EXACT  # or the test would see nothing
    kernel = RankOne(vocab, np.full(batch, 0.4), prior)
    draft = laws(rng, 4, 40)
    proposal = kernel.redistribute(draft)
    assert np.abs(proposal.sum(axis=-1) - 1).max() <= EXACT
    acceptance_rate(proposal, proposal)
    token = rng.integers(0, 3000, 4)
    assert np.abs(kernel.probability(draft, token) - proposal[np.arange(4), token]).max() <= EXACT


def test_a_narrow_sparse_kernel_is_a_law_in_float64():
    rng = np.random.default_rng(3)
    rows = scipy.sparse.csr_array(sparse_laws(rng, 3, 8).astype(np.float32))
    kernel = Sparse(VOCAB, rows)
    assert np.abs(kernel.row(np.arange(3)).sum(axis=-1) - 1).max() <= EXACT
    draft = laws(rng, 5, 3)
    assert np.abs(kernel.redistribute(draft).sum(axis=-1) - 1).max() <= EXACT
    assert kernel.redistribute(draft.astype(np.float32)).dtype == np.float32


def test_blocks_of_a_converted_matrix_add_up(monkeypatch):
    rng = np.random.default_rng(4)
    matrix, draft = laws(rng, 3, 8).astype(np.float32), laws(rng, 5, 3)
    whole = Dense(VOCAB, matrix).redistribute(draft)
    monkeypatch.setattr(matrices, "BLOCK", 8)  # one row at a time
    assert np.abs(Dense(VOCAB, matrix).redistribute(draft) - whole).max() <= EXACT


# Compressed rows


def test_csr_in_any_of_its_forms_is_the_same_kernel():
    """Unsorted columns, repeated entries, explicit zeros, spare room, matrix or array, other sparse formats."""
    rng = np.random.default_rng(5)
    matrix = sparse_laws(rng, 3, 8)
    draft = laws(rng, 2, 3)
    expected = draft @ matrix
    plain = scipy.sparse.csr_array(matrix)
    halves = scipy.sparse.csr_array(
        (np.repeat(plain.data / 2, 2), np.repeat(plain.indices, 2), plain.indptr * 2), shape=(3, 8)
    )
    backwards = plain.copy()
    for row in range(3):
        part = slice(plain.indptr[row], plain.indptr[row + 1])
        backwards.data[part], backwards.indices[part] = plain.data[part][::-1], plain.indices[part][::-1]
    backwards.has_sorted_indices = False
    zeros = scipy.sparse.csr_array((np.ones(4) * [1, 0, 1, 1], [2, 5, 0, 7], [0, 2, 3, 4]), shape=(3, 8))
    roomy = plain.copy()
    roomy.data, roomy.indices = np.append(roomy.data, 9.0), np.append(roomy.indices, 0).astype(roomy.indices.dtype)
    for rows in (plain, halves, backwards, roomy, scipy.sparse.csr_matrix(matrix), scipy.sparse.coo_array(matrix)):
        before = rows.data.copy()
        kernel = Sparse(VOCAB, rows)
        assert np.abs(kernel.redistribute(draft) - expected).max() <= EXACT
        assert np.array_equal(rows.toarray() if rows is not roomy else plain.toarray(), matrix)
        assert np.array_equal(rows.data, before)
        assert kernel.nnz == plain.nnz
    with_zeros = Sparse(VOCAB, zeros)
    assert np.array_equal(with_zeros.draw(np.array([0, 0]), np.array([0.0, 0.999])), [2, 2])


def test_rational_rows_come_as_three_arrays():
    half = Fraction(1, 2)
    data = np.array([half, half, Fraction(1), Fraction(1, 3), Fraction(2, 3)], dtype=object)
    kernel = Sparse(VOCAB, (data, np.array([7, 2, 0, 4, 4]), np.array([0, 2, 3, 5])))  # the last row repeats a column
    draft = np.array([half, Fraction(1, 4), Fraction(1, 4)], dtype=object)
    expected = [Fraction(n, 4) for n in (1, 0, 1, 0, 1, 0, 0, 1)]
    assert kernel.redistribute(draft).tolist() == expected
    assert kernel.nnz == 4
    place, uniform = np.array([0, 0, 2]), np.array([Fraction(0), half, half], dtype=object)
    assert kernel.draw(place, uniform).tolist() == [2, 7, 4]


def test_sparse_products_in_torch_are_summed_in_blocks(monkeypatch):
    rng = np.random.default_rng(6)
    kernel = Sparse(VOCAB, scipy.sparse.csr_array(sparse_laws(rng, 3, 8)))
    draft = laws(rng, 5, 3)
    monkeypatch.setattr("rdk_theory.kernels._compressed.BLOCK", 10)
    assert np.abs(kernel.redistribute(torch.tensor(draft)).numpy() - kernel.redistribute(draft)).max() <= EXACT


# Memory


def test_reading_a_column_of_a_dense_kernel_copies_that_column_alone():
    rng = np.random.default_rng(7)
    size, kept = 2000, 1000
    vocab = Vocabulary(size, np.arange(kept))
    for dtype in (np.float64, np.float16):
        kernel = Dense(vocab, laws(rng, kept, size).astype(dtype))
        kernel.column(0)
        assert peak(lambda kernel=kernel: kernel.column(17)) < 10 * kept * 8
    # Control: the measure sees a copy of the matrix.
    assert peak(lambda: kernel.matrix.copy()) > kept * size


def test_a_16_bit_matrix_is_never_widened_whole(monkeypatch):
    rng = np.random.default_rng(8)
    size, kept = 2000, 1000
    vocab, matrix = Vocabulary(size, np.arange(kept)), laws(rng, kept, size).astype(np.float16)
    draft = laws(rng, 1, kept).astype(np.float32)
    monkeypatch.setattr(matrices, "BLOCK", 20 * size)
    kernel = Dense(vocab, matrix)
    assert peak(lambda: kernel.redistribute(draft)) < matrix.nbytes / 4


def test_sparse_kernels_never_become_dense():
    rng = np.random.default_rng(9)
    size, kept, each = 20_000, 5000, 4
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    columns = rng.integers(0, size, (kept, each))
    rows = scipy.sparse.csr_array(
        (np.full(kept * each, 1 / each), columns.ravel(), np.arange(kept + 1) * each), (kept, size)
    )
    kernel = Sparse(vocab, rows)
    draft = laws(rng, 2, kept)
    dense = kept * size * 8
    assert peak(lambda: kernel.redistribute(draft)) < dense / 100
    assert peak(lambda: kernel.column(np.array([3, 4]))) < dense / 100
    assert peak(lambda: kernel.probability(draft, np.array([3, 4]))) < dense / 100
    assert peak(lambda: kernel.draw(np.arange(50), rng.random(50))) < dense / 100


def test_softmax_kernels_without_a_covariance_stay_within_a_block(monkeypatch):
    rng = np.random.default_rng(10)
    size, kept, rank = 3000, 1500, 4
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    monkeypatch.setattr("rdk_theory.kernels.softmax_covariance.BLOCK", 10 * size)
    monkeypatch.setattr(matrices, "BLOCK", 10 * size)
    draft = laws(rng, 2, kept)
    for kernel in (
        SoftmaxCovariance.from_factor(vocab, rng.normal(size=(size, rank)), 50.0),
        SoftmaxCovariance.from_diagonal(vocab, rng.random(size), 50.0),
    ):
        whole = kept * size * 8
        assert peak(lambda kernel=kernel: kernel.redistribute(draft)) < whole / 10
        assert peak(lambda kernel=kernel: kernel.first_order().redistribute(draft)) < whole / 10
        assert peak(lambda kernel=kernel: kernel.spread) < whole / 10
