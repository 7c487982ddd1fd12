"""Files of kernels that are truncated, foreign or wrong, arguments that do not fit, and chains that do not."""

import numpy as np
import pytest

from rdk_theory import Vocabulary, _tensors, verify_lazy, verify_lazy_chain
from rdk_theory.kernels import Dense, RankOne, StoredColumns, store_columns
from rdk_theory.kernels import _column_file as column_file
from tests.kernel_cases import laws

SIZE, KEPT = 300, 4
VOCAB = Vocabulary(SIZE, [7, 2, 299, 130])
RNG = np.random.default_rng(0)
MATRIX = laws(RNG, KEPT, SIZE)
DRAFT = laws(RNG, 2, KEPT)


@pytest.fixture
def path(tmp_path):
    store_columns(tmp_path / "m.safetensors", Dense(VOCAB, MATRIX))
    return tmp_path / "m.safetensors"


def parts(path):
    file = _tensors.TensorFile(path)
    return {name: file.array(name).copy() for name in file.names}


def rewritten(path, **changed):
    """The file with some tensors replaced; `None` leaves one out."""
    tensors = {**parts(path), **changed}
    _tensors.write(path, {name: x for name, x in tensors.items() if x is not None})
    return path


def test_the_file_as_written_is_accepted(path):
    """Control: so are the same tensors rewritten by another hand."""
    for file in (path, rewritten(path)):
        assert StoredColumns(file, VOCAB, check=True).row(0).shape == (SIZE,)


@pytest.mark.parametrize("length", [0, 7, 100, 2000, -1])
def test_a_truncated_file(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"m\.safetensors is not a readable safetensors file"):
        StoredColumns(path, VOCAB)


def test_a_missing_or_foreign_file(path, tmp_path):
    with pytest.raises(ValueError, match="nowhere is not a readable"):
        StoredColumns(tmp_path / "nowhere", VOCAB)
    np.save(tmp_path / "m.npy", MATRIX)
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        StoredColumns(tmp_path / "m.npy", VOCAB)
    for name in ("columns", "sums", "kept"):
        with pytest.raises(ValueError, match=f"has no tensor '{name}'"):
            StoredColumns(rewritten(path, **{name: None}), VOCAB)
        store_columns(path, Dense(VOCAB, MATRIX))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"columns": MATRIX.astype("<f2")}, r"tensor 'columns' has shape \(4, 300\), expected \(300, 4\)"),
        ({"columns": MATRIX.T[:-1].astype("<f2")}, r"tensor 'columns' has shape \(299, 4\), expected \(300, 4\)"),
        ({"columns": MATRIX.T.astype("<f8")}, "tensor 'columns' must be float16 or float32, not float64"),
        ({"columns": np.ones((SIZE, KEPT), dtype="<i4")}, "tensor 'columns' must be float16 or float32, not int32"),
        ({"kept": np.array([2, 7, 299, 130])}, r"is for other kept tokens: 2, not 7, at index \(0,\)"),
        ({"kept": np.array([2, 7, 299])}, r"tensor 'kept' has shape \(3,\), expected \(4,\)"),
        ({"kept": np.ones(4)}, "tensor 'kept' must be integers, not F64"),
        ({"sums": np.ones((KEPT, 2))}, r"tensor 'sums' has shape \(4, 2\), expected \(4, 3\)"),
        ({"sums": np.ones((KEPT, 3), dtype="<f4")}, "tensor 'sums' must be float64, not float32"),
        ({"sums": np.full((KEPT, 3), -1.0)}, r"sums of shape \(4, 3\) is negative at index \(0, 0\)"),
        ({"sums": np.full((KEPT, 3), np.nan)}, r"sums of shape \(4, 3\) is not finite at index \(0, 0\)"),
        ({"sums": np.zeros((KEPT, 3))}, "row 0 has the sum 0.0, which makes no law"),
    ],
)
def test_tensors_that_make_no_kernel(path, changed, message):
    with pytest.raises(ValueError, match=message):
        StoredColumns(rewritten(path, **changed), VOCAB)


def test_another_vocabulary(path):
    with pytest.raises(ValueError, match=r"'columns' has shape \(300, 4\), expected \(301, 4\)"):
        StoredColumns(path, Vocabulary(SIZE + 1, VOCAB.kept))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0, -0.0])
def test_a_weight_that_is_none_is_found_when_it_is_read(tmp_path, value, dtype):
    path = tmp_path / "m.safetensors"
    store_columns(path, Dense(VOCAB, MATRIX), dtype)
    columns = parts(path)["columns"]
    columns[200, 2] = value
    kernel = StoredColumns(rewritten(path, columns=columns), VOCAB)
    message = r"columns are negative or not finite at index \(200, 2\)"
    token = np.array([3, 200])
    with pytest.raises(ValueError, match=message):
        kernel.column(token)
    with pytest.raises(ValueError, match=message):
        kernel.probability(DRAFT, token)
    with pytest.raises(ValueError, match=message):
        kernel.redistribute(DRAFT)
    with pytest.raises(ValueError, match=message):
        StoredColumns(path, VOCAB, check=True)
    if value != 0:
        with pytest.raises(ValueError, match=message):
            kernel.row(2)
        with pytest.raises(ValueError, match=message):
            kernel.draw(np.array([2]), np.array([float(kernel._file.sums[2, 0] / kernel._file.totals[2]) + 1e-6]))
    assert kernel.column(201).shape == (KEPT,)
    assert kernel.probability(DRAFT[0], np.array(3)) > 0


def test_sums_that_belong_to_other_weights_are_found_by_the_check(path):
    """They would make rows that do not sum to 1: the law that is reported would not be the one that is drawn from."""
    sums = parts(path)["sums"]
    sums[1, 2] *= 1 + 1e-9
    StoredColumns(rewritten(path, sums=sums), VOCAB)
    with pytest.raises(ValueError, match=r"weights of row 1 sum to .* in strip 2, and the file says"):
        StoredColumns(path, VOCAB, check=True)


def with_row(row):
    rows = MATRIX.copy()
    rows[1] = row
    return rows


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: store_columns(p, Dense(VOCAB, MATRIX), "bfloat16"), r"dtype must be one of .*, not 'bfloat16'"),
        (lambda p: store_columns(p, Dense(VOCAB, MATRIX[None])), "kernel is a Dense with one matrix for each context"),
        (
            lambda p: column_file.write_rows(p, VOCAB, [with_row(np.nan)]),
            r"rows of shape \(4, 300\) is not finite at index \(1, 0\)",
        ),
        (
            lambda p: column_file.write_rows(p, VOCAB, [with_row(-MATRIX[1])]),
            r"rows of shape \(4, 300\) is negative at index \(1, 0\)",
        ),
        (
            lambda p: column_file.write_rows(p, VOCAB, [with_row(0.0)]),
            r"rows of shape \(4, 300\) have no weight in row 1",
        ),
        (lambda p: column_file.write_rows(p, VOCAB, [MATRIX[:3]]), "3 rows were given, expected 4"),
        (lambda p: column_file.write_rows(p, VOCAB, [MATRIX[:3]] * 2), r"rows of shape \(3, 300\) from row 3 on"),
        (lambda p: column_file.write_rows(p, VOCAB, [MATRIX.T]), r"rows of shape \(300, 4\) from row 0 on"),
    ],
)
def test_what_cannot_be_stored_leaves_no_file(tmp_path, call, message):
    with pytest.raises(ValueError, match=message):
        call(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_whose_rows_do_not_sum_to_one_is_not_stored(tmp_path):
    class Short(Dense):
        def row(self, draft_id):
            return super().row(draft_id) * 0.9

    with pytest.raises(ValueError, match=r"kernel: rows of shape \(4, 300\) must sum to 1 .* sums to 0\.8"):
        store_columns(tmp_path / "m", Short(VOCAB, MATRIX))


def test_arguments_that_do_not_fit(path):
    kernel = StoredColumns(path, VOCAB)
    with pytest.raises(ValueError, match=r"token of shape \(1,\) is outside range\(300\)"):
        kernel.column(np.array([300]))
    with pytest.raises(ValueError, match=r"draft_id of shape \(1,\) is outside range\(4\)"):
        kernel.draw(np.array([4]), np.array([0.5]))
    with pytest.raises(ValueError, match=r"uniform of shape .* is outside"):
        kernel.draw(np.array([3]), np.array([1.0]))
    with pytest.raises(ValueError, match=r"draft of shape .* must have a last axis of length 4"):
        kernel.probability(laws(RNG, 5), np.array(0))
    with pytest.raises(ValueError, match=r"token has shape \(1,\), expected \(2,\)"):
        kernel.probability(DRAFT, np.array([0]))


# Chains

SMALL = Vocabulary(5, [3, 0, 1])
CHAIN = {
    "targets": laws(RNG, 2, 3, 5),
    "drafts": laws(RNG, 2, 2, 3),
    "kernel": RankOne(SMALL, 0.5, laws(RNG, 5)),
    "drafted": np.array([[0, 4], [2, 3]]),
    "accept_uniforms": RNG.random((2, 2)),
    "propose_uniforms": RNG.random((2, 3)),
    "keep_uniforms": RNG.random((2, 3)),
    "fallback_uniform": RNG.random(2),
    "bonus_uniform": RNG.random(2),
}


def test_the_chain_as_it_is_is_accepted():
    assert verify_lazy_chain(**CHAIN).tokens.shape == (2, 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"targets": None}, "targets must be a numpy array"),
        ({"drafts": None}, "drafts must be a numpy array"),
        ({"drafted": None}, "drafted must be an integer array"),
        ({"targets": laws(RNG, 2, 2, 5)}, r"targets has shape \(2, 2, 5\), expected \(2, 3, 5\)"),
        ({"targets": laws(RNG, 2, 3, 4)}, "targets of shape .* must have a last axis of length 5"),
        ({"targets": 2 * CHAIN["targets"]}, "targets of shape .* must sum to 1"),
        ({"targets": np.full((2, 3, 5), np.nan)}, "targets of shape .* is not finite"),
        ({"drafts": laws(RNG, 3)}, r"drafts of shape \(3,\) must be \(\.\.\., gamma, K\)"),
        ({"drafts": np.zeros((2, 0, 3))}, r"drafts of shape \(2, 0, 3\) must be \(\.\.\., gamma, K\)"),
        ({"drafts": laws(RNG, 2, 2, 4)}, "drafts of shape .* must have a last axis of length 3"),
        ({"drafted": np.array([[0, 5], [2, 3]])}, r"drafted of shape .* is outside range\(5\) at index \(0, 1\)"),
        ({"drafted": np.array([0, 4])}, r"drafted has shape \(2,\), expected \(2, 2\)"),
        ({"accept_uniforms": np.ones((2, 2))}, r"accept_uniforms of shape .* is outside \[0, 1\)"),
        ({"accept_uniforms": RNG.random((2, 3))}, r"accept_uniforms has shape \(2, 3\), expected \(2, 2\)"),
        ({"propose_uniforms": RNG.random((3, 3))}, r"propose_uniforms has shape \(3, 3\), expected \(2, 3\)"),
        ({"keep_uniforms": RNG.random((2, 2))}, r"keep_uniforms has shape \(2, 2\), expected \(2, 3\)"),
        ({"fallback_uniform": RNG.random(3)}, r"fallback_uniform has shape \(3,\), expected \(2,\)"),
        ({"bonus_uniform": np.full(2, -0.1)}, r"bonus_uniform of shape .* is outside \[0, 1\)"),
        ({"kernel": RankOne(SMALL, 0.0, laws(RNG, 5))}, "drafted of shape .* has probability 0 under the proposal"),
    ],
)
def test_a_spoilt_argument_of_a_chain_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        verify_lazy_chain(**{**CHAIN, **changed})


@pytest.mark.parametrize("size", [5, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_and_short_targets_are_checked_alike(size, dtype):
    """Long rows of numpy floats are summed in lanes; what they refuse is the same."""
    vocab = Vocabulary(size, [3, 0, 1])
    kernel = RankOne(vocab, 0.5, laws(RNG, size))
    good, draft = laws(RNG, 2, size).astype(dtype), laws(RNG, 2, 3).astype(dtype)
    one, tries = np.full(2, 0.5), np.full((2, 2), 0.5)

    def verify(target):
        return verify_lazy(target, draft, kernel, np.array([3, 0]), one, tries, tries, one)

    assert verify(good).token.shape == (2,)
    for at, value, message in (
        ((1, 2), np.nan, r"is not finite at index \(1, 2\)"),
        ((1, 2), np.inf, r"is not finite at index \(1, 2\)"),
        ((1, 2), 3.0, r"must sum to 1 over its last axis; row \(1,\)"),
    ):
        wrong = good.copy()
        wrong[at] = value
        with pytest.raises(ValueError, match=f"target of shape .* {message}"):
            verify(wrong)
    wrong = good.copy()
    wrong[1, 2] += wrong[1, 4] + dtype(0.1)
    wrong[1, 4] = dtype(-0.1)
    with pytest.raises(ValueError, match=r"target of shape .* is negative at index \(1, 4\)"):
        verify(wrong)
