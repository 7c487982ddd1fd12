"""Kernels that no file holds, and files that hold none: truncated, damaged, foreign, of wrong shapes."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rdk_theory import Vocabulary, _tensors
from rdk_theory.kernels import Dense, RankOne, load_kernel, save_kernel
from rdk_theory.kernels import files as kernel_files
from tests.kernel_cases import KEPT, SIZE, cases, laws

CASES = {case.name: case.kernel for case in cases()}
STORED = ("embedding", "rank one", "dense", "sparse", "backed off", "low rank")
OTHERS = ("softmax, whole", "resolvent", "heat", "first-order softmax, factor", "first-order resolvent")


@pytest.fixture(params=STORED)
def path(request, tmp_path):
    save_kernel(tmp_path / "k.safetensors", CASES[request.param])
    return tmp_path / "k.safetensors"


def rewritten(path, metadata=None, **changed):
    """The file with some tensors or texts replaced (`None` leaves one out), and a digest that fits what it says."""
    file = _tensors.TensorFile(path)
    arrays = {**{name: file.array(name).copy() for name in file.names}, **changed}
    arrays = {name: x for name, x in arrays.items() if x is not None}
    texts = {**file.metadata, **(metadata or {})}
    texts = {name: text for name, text in texts.items() if text is not None and name != "sha256"}
    texts["sha256"] = kernel_files._digest(texts, arrays)
    _tensors.write(path, arrays, metadata=texts)
    return path


def saved(tmp_path, name):
    save_kernel(tmp_path / "k.safetensors", CASES[name])
    return tmp_path / "k.safetensors"


@pytest.mark.parametrize("name", OTHERS)
def test_kernels_that_are_not_saved(tmp_path, name):
    with pytest.raises(ValueError, match=f"kernel is a {type(CASES[name]).__name__}; .* store_columns"):
        save_kernel(tmp_path / "k", CASES[name])
    assert not list(tmp_path.iterdir())


def test_parameters_that_are_not_saved(tmp_path):
    rng = np.random.default_rng(0)
    vocab = Vocabulary(3, [0, 2])
    half = np.array([Fraction(1, 2), Fraction(0), Fraction(1, 2)], dtype=object)
    matrix = torch.tensor(laws(rng, 2, 3))
    for kernel, message in (
        (RankOne(vocab, np.array([0.1, 0.2]), laws(rng, 2, 3)), "one matrix for each context"),
        (Dense(vocab, laws(rng, 4, 2, 3)), "one matrix for each context"),
        (RankOne(vocab, Fraction(1, 2), half), "weight must be one of float16, float32, float64, not object"),
        (Dense(vocab, matrix.to(torch.bfloat16)), "matrix must be one of float16, float32, float64, not bfloat16"),
    ):
        with pytest.raises(ValueError, match=message):
            save_kernel(tmp_path / "k", kernel)


def test_a_file_rewritten_without_change_is_accepted(path):
    """Control of all that follows."""
    assert load_kernel(rewritten(path)).vocab.kept_size == KEPT


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_truncated_file(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"k\.safetensors is not a readable safetensors file"):
        load_kernel(path)


def test_any_flipped_byte_is_seen(path):
    whole = path.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ValueError, match=r"k\.safetensors"):
            load_kernel(path)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(ValueError, match="nowhere is not a readable"):
        load_kernel(tmp_path / "nowhere")
    np.save(tmp_path / "m.npy", np.ones(3))
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        load_kernel(tmp_path / "m.npy")
    _tensors.write(tmp_path / "m", {"matrix": np.ones((2, 3))})
    with pytest.raises(ValueError, match="m is not a kernel of format rdk-kernel-1: its format is None"):
        load_kernel(tmp_path / "m")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "rdk-kernel-2"}, "not a kernel of format rdk-kernel-1: its format is 'rdk-kernel-2'"),
        ({"kernel": "Oracle"}, "holds a kernel 'Oracle'"),
        ({"kernel": None}, "holds a kernel None"),
        ({"kernel": "Sparse"}, "has the tensors .* expected .* for Sparse"),
        ({"size": "eleven"}, "size must be a positive integer, not 'eleven'"),
        ({"size": "-11"}, "size must be a positive integer"),
        ({"size": "3"}, r"kept of shape \(5,\) has id"),
        ({"size": "12"}, r"matrix has shape \(5, 11\), expected \(5, 12\)"),
        ({"draft_size": None}, "draft_size must be a positive integer"),
        ({"draft_size": "2"}, "draft_ids of shape"),
    ],
)
def test_metadata_that_do_not_fit(tmp_path, metadata, message):
    with pytest.raises(ValueError, match=rf"k\.safetensors.*{message}"):
        load_kernel(rewritten(saved(tmp_path, "dense"), metadata))


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("embedding", {"kept": None}, "has the tensors"),
        ("embedding", {"matrix": np.ones((KEPT, SIZE))}, "has the tensors"),
        ("embedding", {"kept": np.array([1, 2, 3, 4, 4])}, "kept of shape .* repeats id 4"),
        ("embedding", {"kept": np.arange(5.0)}, "kept of shape .* must be integers"),
        ("embedding", {"draft_ids": np.arange(4)}, "draft_ids has shape"),
        ("rank one", {"weight": np.array([0.5, 0.5])}, "weight has shape"),
        ("rank one", {"weight": np.array([1.5])}, "weight"),
        ("rank one", {"prior": np.full(SIZE + 1, 1 / (SIZE + 1))}, "prior has shape"),
        ("rank one", {"prior": np.full(SIZE, 0.5)}, "prior"),
        ("rank one", {"prior": np.full((1, SIZE), 1 / SIZE)}, "prior has shape"),
        ("dense", {"matrix": np.full((1, KEPT, SIZE), 1 / SIZE)}, "matrix has shape"),
        ("dense", {"matrix": np.full((SIZE, KEPT), 1 / KEPT)}, "matrix has shape"),
        ("dense", {"matrix": np.full((KEPT, SIZE), np.nan)}, "matrix"),
        ("dense", {"matrix": np.ones((KEPT, SIZE), dtype=np.int64)}, "matrix must be one of float16"),
        ("sparse", {"data": np.ones(3)}, "indptr"),
        ("sparse", {"indptr": np.zeros(2, dtype=np.int64)}, "indptr has shape"),
        ("sparse", {"indptr": np.zeros(KEPT + 1)}, "indptr"),
        ("backed off", {"prior": np.full(SIZE, 0.2)}, "prior"),
        ("backed off", {"prior": np.full(3, 1 / 3)}, "prior has shape"),
        ("backed off", {"prior": np.full(SIZE, 1 / SIZE, dtype=np.float32)}, "prior must be float64, not float32"),
        ("low rank", {"left": np.full((KEPT, 2), 0.5)}, "right has shape"),
        ("low rank", {"right": np.full((3, SIZE), 1.0)}, "right"),
    ],
)
def test_tensors_that_do_not_fit(tmp_path, name, changed, message):
    with pytest.raises(ValueError, match=rf"k\.safetensors.*{message}"):
        load_kernel(rewritten(saved(tmp_path, name), **changed))


@pytest.mark.parametrize("name", ["sparse", "backed off"])
def test_entries_that_make_no_law(tmp_path, name):
    path = saved(tmp_path, name)
    data = _tensors.TensorFile(path).array("data").copy()
    for changed, message in (
        (data * 1.01, "must sum to 1"),
        (-data, "negative or not finite"),
        (data * np.nan, "negative or not finite"),
        (data.astype(np.float32), "data must be float64, not float32"),
    ):
        with pytest.raises(ValueError, match=rf"k\.safetensors: .*{message}"):
            load_kernel(rewritten(path, data=changed))
