"""A kernel in a file: it is the law of what was stored, read by columns, drawn by strips, within little memory."""

import tracemalloc
import warnings
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
import torch

from rdk_theory import Vocabulary, acceptance_rate, verify_lazy
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Dense, LowRank, Sparse, StoredColumns, store_columns
from rdk_theory.kernels import _column_file as column_file
from rdk_theory.tolerances import EXACT, SAME_DTYPE
from rdk_theory.verification import linear_tries
from tests.kernel_cases import KEPT, SIZE, cases, laws

SIZES = 300, 40  # three strips, the last of 44 tokens


def stored(path, dtype="float16", sizes=SIZES, seed=0):
    """A file, and the law that it stands for, computed from the bytes by numpy alone."""
    rng = np.random.default_rng(seed)
    size, kept = sizes
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    matrix = laws(rng, kept, size)
    matrix[0, 5:] = 0
    matrix[0] /= matrix[0].sum()
    matrix[1, :200] *= 1e-4
    matrix[1] /= matrix[1].sum()
    store_columns(path, Dense(vocab, matrix), dtype)
    kernel = StoredColumns(path, vocab, check=True)
    width = {"float16": 2, "float32": 4}[dtype]
    with path.open("rb") as file:
        file.seek(-size * kept * width, 2)
        weights = np.fromfile(file, dtype).reshape(size, kept).T.astype(np.float64)
    return kernel, weights / weights.sum(axis=1, keepdims=True), matrix


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_it_is_the_law_of_what_was_stored(tmp_path, dtype):
    kernel, law, matrix = stored(tmp_path / "m.safetensors", dtype)
    rng = np.random.default_rng(1)
    assert kernel.dtype == dtype
    tokens, places = np.arange(SIZES[0]), np.arange(SIZES[1])
    assert np.abs(kernel.row(places) - law).max() <= EXACT
    assert np.abs(kernel.column(tokens) - law.T).max() <= EXACT
    assert np.abs(kernel.row(places).sum(axis=1) - 1).max() <= EXACT
    for shape in ((), (3,), (2, 3), (0,)):
        draft, token = laws(rng, *shape, SIZES[1]), np.asarray(rng.integers(0, SIZES[0], shape))
        proposal = draft @ law
        at_token = np.take_along_axis(proposal, token[..., None], -1)[..., 0]
        assert np.abs(kernel.redistribute(draft) - proposal).max(initial=0) <= EXACT
        assert np.abs(kernel.probability(draft, token) - at_token).max(initial=0) <= EXACT
        in_torch = torch.tensor(draft), torch.tensor(token)
        assert np.abs(kernel.redistribute(in_torch[0]).numpy() - proposal).max(initial=0) <= EXACT
        assert np.abs(kernel.probability(*in_torch).numpy() - at_token).max(initial=0) <= EXACT
        assert kernel.column(token).shape == (*shape, SIZES[1])
        assert kernel.row(np.zeros(shape, dtype=int)).shape == (*shape, SIZES[0])
    # Rounded to 11 or 24 digits relative to each entry, also where entries are 10⁷ times smaller than the largest.
    tiny = matrix[1, :200]
    assert np.abs(law[1, :200] / tiny - 1).max() < SAME_DTYPE[dtype]
    # Control: in float16 the entries as they are lose digits to underflow.
    assert np.abs(tiny.astype(np.float16) / tiny - 1).max() > 0.5


@pytest.mark.parametrize("dtype", ["float16", "float32", "bfloat16"])
def test_narrow_drafts_give_narrow_proposals(tmp_path, dtype):
    kernel, law, _ = stored(tmp_path / "m.safetensors")
    draft = torch.tensor(laws(np.random.default_rng(3), 6, SIZES[1])).to(getattr(torch, dtype))
    found = kernel.redistribute(draft)
    assert found.dtype == draft.dtype
    assert np.abs(found.double().numpy() - draft.double().numpy() @ law).max() <= SAME_DTYPE[dtype]
    acceptance_rate(found, found)


def test_draws_invert_the_running_sum_of_the_stored_row(tmp_path):
    kernel, law, _ = stored(tmp_path / "m.safetensors")
    rng = np.random.default_rng(4)
    place, uniform = rng.integers(0, SIZES[1], 500), rng.random(500)
    running = np.cumsum(law[place], axis=1)
    assert np.abs(running - uniform[:, None]).min() > 1e-9
    expected = (running <= uniform[:, None]).sum(axis=1)
    assert np.array_equal(kernel.draw(place, uniform), expected)
    assert np.array_equal(kernel.draw(torch.tensor(place), torch.tensor(uniform)).numpy(), expected)
    assert kernel.draw(place.reshape(5, 100), uniform.reshape(5, 100)).shape == (5, 100)
    for edge in (0.0, np.nextafter(1.0, 0.0)):
        everywhere = np.arange(SIZES[1])
        assert (law[everywhere, kernel.draw(everywhere, np.full(SIZES[1], edge))] > 0).all()
    assert kernel.draw(np.array(0), np.array(np.nextafter(1.0, 0.0))) == 4  # the last token of the row with five


def test_numbers_that_are_rational_meet_it(tmp_path):
    kernel, law, _ = stored(tmp_path / "m.safetensors")
    half = [Fraction(1, 2), Fraction(1, 2), *[Fraction(0)] * (SIZES[1] - 2)]
    found = kernel.probability(np.array(half, dtype=object), np.array(7))
    assert isinstance(found, Fraction)
    assert abs(float(found) - (law[0, 7] + law[1, 7]) / 2) <= EXACT
    assert kernel.draw(np.array([0]), np.array([Fraction(0)], dtype=object)).tolist() == [0]


@pytest.mark.parametrize("case", cases(), ids=repr)
def test_every_kernel_can_be_stored(tmp_path, case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store_columns(tmp_path / "m", case.kernel, "float32")
    kernel = StoredColumns(tmp_path / "m", case.kernel.vocab, check=True)
    assert np.abs(kernel.row(np.arange(KEPT)) - case.matrix).max() <= SAME_DTYPE["float32"]
    assert kernel.operations == Dense(case.kernel.vocab, case.matrix.astype(np.float32)).operations
    assert kernel.column(0).shape == (KEPT,)
    assert kernel.context_free
    assert kernel.vocab.size == SIZE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_weight_in_half_precision_is_widened_exactly(dtype):
    every = np.arange(0x7C00, dtype="<u2").view("<f2")  # all that are finite and not negative, subnormal ones too
    assert np.array_equal(column_file.widened(every, np.empty(every.shape, dtype)), every.astype(dtype))


def test_equal_kernels_give_equal_bytes(tmp_path, monkeypatch):
    stored(tmp_path / "a")
    monkeypatch.setattr(column_file, "_BLOCK", 4 * SIZES[0])  # ten blocks of rows
    stored(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# Verification


def peak(call):
    """Bytes that `call` held at once beyond those before it."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_lazy_verification_holds_less_than_the_rows_that_it_is_given(tmp_path):
    rng = np.random.default_rng(6)
    size, kept, count = 16_384, 256, 8
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    store_columns(tmp_path / "m", Dense(vocab, laws(rng, kept, size)))
    kernel = StoredColumns(tmp_path / "m", vocab)
    target, draft = laws(rng, count, size).astype(np.float32), laws(rng, count, kept).astype(np.float32)
    first, second, accept, fallback = rng.random((4, count))
    propose, keep = rng.random((2, count, linear_tries(kept)))
    _, drafted = draft_token(draft, kernel, first, second)

    def call():
        return verify_lazy(target, draft, kernel, drafted, np.maximum(accept, 0.9), propose, keep, fallback)

    out = call()
    assert 0 < out.accepted.sum() < count
    assert not out.fell_back.any()
    assert peak(call) < 4 * size * count / 4
    # Control: a copy of the target in float64 would be seen.
    assert peak(lambda: target.astype(np.float64)) >= 8 * size * count


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_long_rows_are_verified_alike_by_both_libraries(tmp_path, dtype):
    """numpy draws from long rows in lanes, torch by one running sum."""
    rng = np.random.default_rng(7)
    size, kept, count, tries = 5000, 50, 300, 3
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    store_columns(tmp_path / "m", Dense(vocab, laws(rng, kept, size)))
    sparse = scipy.sparse.csc_array(np.where(rng.random((kept, size)) < 0.05, rng.random((kept, size)), 0.0))
    target, draft = laws(rng, count, size).astype(dtype), laws(rng, count, kept).astype(dtype)
    numbers = [rng.random(shape) for shape in [(count,)] * 3 + [(count, tries)] * 2 + [(count,)]]
    for kernel in (
        StoredColumns(tmp_path / "m", vocab),
        Sparse(vocab, scipy.sparse.csc_array(sparse.multiply(1 / sparse.sum(axis=1)[:, None]))),
        LowRank(vocab, laws(rng, kept, 4), laws(rng, 4, size)),
    ):
        _, drafted = draft_token(draft, kernel, *numbers[:2])
        out = verify_lazy(target, draft, kernel, drafted, *numbers[2:])
        p, q, x, *rest = (torch.tensor(a) for a in (target, draft, np.asarray(drafted), *numbers[2:]))
        other = verify_lazy(p, q, kernel, x, *rest)
        assert all(np.array_equal(a, np.asarray(b)) for a, b in zip(out, other, strict=True))
        assert 0 < out.accepted.sum() < count
        assert 0 < out.fell_back.sum() < count


@pytest.mark.parametrize("kept", [1, 2, 17, 1000])
def test_linear_tries_bound_the_work_of_falling_back(kept):
    """The proposal costs K passes; the chance of forming it is at most 1/K at the worst acceptance rate."""
    tries = linear_tries(kept)
    alpha = np.linspace(0, 1, 100_001)
    assert ((1 - alpha) * alpha**tries).max() <= 1 / kept
    if kept > 2:  # Control: a third of the tries is not enough.
        assert ((1 - alpha) * alpha ** (tries // 3)).max() > 1 / kept
    with pytest.raises(ValueError, match="kept_size must be at least 1, not 0"):
        linear_tries(0)
