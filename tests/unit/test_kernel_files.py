"""Kernels written to a file and read again: equal to the last bit, with the vocabulary, in equal bytes."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import torch

from rdk_theory import Vocabulary
from rdk_theory.kernels import BackedOff, Dense, LowRank, RankOne, Sparse, load_kernel, save_kernel
from tests.kernel_cases import KEPT, SIZE, cases, laws

STORED = ("embedding", "rank one", "dense", "sparse", "backed off", "low rank")
CASES = [case for case in cases() if case.name in STORED]


def round_trip(tmp_path, kernel):
    save_kernel(tmp_path / "kernel.safetensors", kernel)
    return load_kernel(tmp_path / "kernel.safetensors")


def assert_same(found, kernel):
    """Every entry of both, read by row, by column and through a draft, has equal bits; so have the vocabularies."""
    assert type(found) is type(kernel)
    places, tokens = np.arange(kernel.vocab.kept_size), np.arange(kernel.vocab.size)
    draft = laws(np.random.default_rng(2), 4, kernel.vocab.kept_size)
    for dtype in (np.float32, np.float64):
        narrow = draft.astype(dtype)
        assert np.array_equal(found.redistribute(narrow), kernel.redistribute(narrow))
    assert np.array_equal(found.row(places), kernel.row(places))
    assert np.array_equal(found.column(tokens), kernel.column(tokens))
    assert found.operations == kernel.operations
    assert (found.vocab.size, found.vocab.draft_size) == (kernel.vocab.size, kernel.vocab.draft_size)
    assert np.array_equal(found.vocab.kept, kernel.vocab.kept)
    assert np.array_equal(found.vocab.draft_ids, kernel.vocab.draft_ids)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_what_is_read_equals_what_was_written(tmp_path, case):
    found = round_trip(tmp_path, case.kernel)
    assert_same(found, case.kernel)
    first = (tmp_path / "kernel.safetensors").read_bytes()
    save_kernel(tmp_path / "again.safetensors", found)
    assert (tmp_path / "again.safetensors").read_bytes() == first


def test_the_cases_are_all_that_can_be_stored():
    assert sorted(case.name for case in CASES) == sorted(STORED)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_parameters_keep_their_dtype(tmp_path, dtype):
    rng = np.random.default_rng(3)
    vocab = Vocabulary(SIZE, rng.permutation(SIZE)[:KEPT])
    matrix, prior = laws(rng, KEPT, SIZE).astype(dtype), laws(rng, SIZE).astype(dtype)
    left, right = laws(rng, KEPT, 2).astype(dtype), laws(rng, 2, SIZE).astype(dtype)
    weight = np.asarray(0.3, dtype=dtype)
    for kernel in (Dense(vocab, matrix), LowRank(vocab, left, right), RankOne(vocab, weight, prior)):
        assert_same(round_trip(tmp_path, kernel), kernel)
    assert round_trip(tmp_path, Dense(vocab, matrix)).matrix.dtype == dtype
    assert round_trip(tmp_path, RankOne(vocab, weight, prior)).weight.dtype == dtype


def test_rows_given_out_of_order_and_twice(tmp_path):
    """What a row leaves to the prior is 1 less a sum, and sums depend on the order in which entries were given."""
    rng = np.random.default_rng(4)
    vocab = Vocabulary(200, rng.permutation(200)[:20])
    indices = np.concatenate([rng.integers(0, 200, 50) for _ in range(20)])
    data, indptr = rng.random(1000) / 60, np.arange(0, 1001, 50)
    rows = scipy.sparse.csr_array((data, indices, indptr), shape=(20, 200))
    kernel = BackedOff(vocab, rows, laws(rng, 200))
    assert_same(round_trip(tmp_path, kernel), kernel)
    whole = scipy.sparse.csr_array((data.astype(np.float32), indices, indptr), shape=(20, 200))
    whole.data /= np.repeat(np.add.reduceat(whole.data, indptr[:-1]), 50)
    assert_same(round_trip(tmp_path, Sparse(vocab, whole)), Sparse(vocab, whole))


def test_a_drafter_with_ids_of_its_own(tmp_path):
    kernel = RankOne(Vocabulary.pruned_head(9, [8, 0, 3]), 0.25, np.full(9, 1 / 9))
    assert_same(round_trip(tmp_path, kernel), kernel)
    other = RankOne(Vocabulary(9, [8, 0, 3], draft_size=40, draft_ids=[7, 39, 2]), 0.25, np.full(9, 1 / 9))
    assert_same(round_trip(tmp_path, other), other)


def test_parameters_in_torch_come_back_in_numpy(tmp_path):
    rng = np.random.default_rng(5)
    vocab, matrix = Vocabulary(SIZE, np.arange(KEPT)), laws(rng, KEPT, SIZE)
    found = round_trip(tmp_path, Dense(vocab, torch.tensor(matrix)))
    assert np.array_equal(found.matrix, matrix)


def test_another_process_without_torch_reads_it(tmp_path):
    case = next(case for case in CASES if case.name == "backed off")
    save_kernel(tmp_path / "k", case.kernel)
    script = (
        "import sys; from rdk_theory.kernels import load_kernel; "
        f"kernel = load_kernel({str(tmp_path / 'k')!r}); assert 'torch' not in sys.modules; "
        "print(kernel.row(1).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(case.kernel.row(1).tolist())
