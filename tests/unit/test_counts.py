"""Kneser–Ney rows against the formulas of its docstring, evaluated one token at a time in rationals."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from rdk_theory import _tensors, tolerances
from rdk_theory.counts import KneserNey, NGramTable


def discount(counts: Counter) -> Fraction:
    once, twice = (sum(c == k for c in counts.values()) for k in (1, 2))
    return Fraction(once, once + 2 * twice) if once else Fraction(1, 2)


def smoothed(counts: Counter, history: tuple, token: int, lower: Fraction) -> Fraction:
    after = {gram: c for gram, c in counts.items() if gram[:-1] == history}
    if not after:
        return lower
    d, total = discount(counts), sum(after.values())
    return (max(after.get((*history, token), 0) - d, Fraction(0)) + d * len(after) * lower) / total


def brute_force(documents: list[list[int]], size: int, order: int, context: tuple[int, int]) -> list[Fraction]:
    """The row after `context`, by the definition."""
    raw = [Counter(tuple(d[i : i + n]) for d in documents for i in range(len(d) - n + 1)) for n in (1, 2, 3)]
    one = Counter((w,) for _, w in raw[1])
    two = raw[1] if order == 2 else Counter((v, w) for _, v, w in raw[2])
    row = []
    for w in range(size):
        p = smoothed(one, (), w, Fraction(1, size))
        p = smoothed(two, context[1:], w, p)
        row.append(p if order == 2 else smoothed(raw[2], context, w, p))
    return row


def flatten(documents: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    lengths = [len(d) for d in documents]
    return np.concatenate([np.asarray(d, dtype=np.int32) for d in documents]), np.repeat(
        np.arange(len(documents)), lengths
    )


corpora = st.integers(2, 6).flatmap(
    lambda size: st.tuples(
        st.just(size), st.lists(st.lists(st.integers(0, size - 1), min_size=3, max_size=30), min_size=1, max_size=4)
    )
)


@settings(max_examples=40, deadline=None)
@given(corpora, st.sampled_from([2, 3]))
def test_rows_equal_the_definition(corpus, order):
    size, documents = corpus
    model = KneserNey.fit(*flatten(documents), size, order)
    contexts = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1).reshape(-1, 2)
    rows = model.rows(contexts)
    expected = np.array([[float(p) for p in brute_force(documents, size, order, (u, v))] for u, v in contexts.tolist()])
    assert rows.dtype == np.float32
    assert np.abs(rows - expected).max() <= tolerances.SAME_DTYPE["float32"]
    assert np.abs(rows.sum(axis=1, dtype=np.float64) - 1).max() < 1e-6
    assert rows.min() > 0


def test_the_definition_sees_a_wrong_model():
    """Control: raw bigram counts in place of continuation counts are no trigram Kneser–Ney model."""
    documents = [[0, 1, 2, 0, 1, 2, 0, 1, 1, 2], [2, 1, 0, 0, 1, 2]]
    model = KneserNey.fit(*flatten(documents), 3, 3)
    raw = KneserNey.fit(*flatten(documents), 3, 2)
    wrong = KneserNey(3, (model.tables[0], raw.tables[1], model.tables[2]))
    expected = np.array([float(p) for p in brute_force(documents, 3, 3, (0, 1))])
    context = np.array([[0, 1]])
    assert np.abs(model.rows(context) - expected).max() < 1e-6
    assert np.abs(wrong.rows(context) - expected).max() > 1e-3


def test_rows_at_vocabulary_scale_sum_to_one():
    rng = np.random.default_rng(0)
    size = 32_000
    tokens = np.minimum(rng.zipf(1.2, 200_000), size) - 1
    documents = np.repeat(np.arange(200), 1_000)
    for order in (2, 3):
        rows = KneserNey.fit(tokens, documents, size, order).rows(np.stack([tokens[:64], tokens[1:65]], axis=1))
        assert np.abs(rows.sum(axis=1, dtype=np.float64) - 1).max() < 1e-6
        assert rows.min() > 0


def test_no_ngram_spans_two_documents():
    together = NGramTable.count(np.array([0, 1, 0]), np.array([1, 0, 1]), 2)
    assert together.keys(2).tolist() == [1, 2]
    assert together.counts.tolist() == [2, 1]
    apart = KneserNey.fit(np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1]), 2, 2)
    assert apart.tables[1].keys(2).tolist() == [1, 2]  # (0, 1) and (1, 0), never (1, 1)


def test_contexts_never_seen_fall_back_to_shorter_ones():
    model = KneserNey.fit(*flatten([[0, 1, 2, 3, 0, 1, 2, 4, 0, 1, 2, 3, 1, 2]]), 6, 3)
    nothing, new_pair, other_pair = model.rows(np.array([[0, 5], [4, 1], [2, 1]]))
    assert np.abs(nothing - model.unigram).max() < 1e-7
    assert new_pair.tolist() == other_pair.tolist()  # all that is known there is that token 1 came last
    assert np.abs(new_pair - model.unigram).max() > 0.1


def test_saved_models_give_the_same_rows(tmp_path):
    rng = np.random.default_rng(1)
    contexts = rng.integers(0, 50, (20, 2))
    for order in (2, 3):
        model = KneserNey.fit(rng.integers(0, 50, 2_000), np.repeat(np.arange(4), 500), 50, order)
        model.save(tmp_path / "model.safetensors")
        again = KneserNey.load(tmp_path / "model.safetensors")
        assert again.order == order
        assert again.rows(contexts).tobytes() == model.rows(contexts).tobytes()


def damaged(path, change):
    file = _tensors.TensorFile(path)
    arrays = {name: np.array(file.array(name)) for name in file.names}
    change(arrays)
    _tensors.write(path, arrays)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.update({"order2.tokens": a["order2.tokens"] + 100}),
        lambda a: a.update({"order2.starts": a["order2.starts"][:-1]}),
        lambda a: a.update({"order3.counts": a["order3.counts"] * 0}),
        lambda a: a.update({"order1.contexts": a["order1.contexts"] - 1}),
        lambda a: a.update({"order3.contexts": a["order3.contexts"][::-1]}),
        lambda a: a.update({"size": np.array([0])}),
        lambda a: a.pop("order1.counts"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, change):
    path = tmp_path / "model.safetensors"
    KneserNey.fit(np.arange(30) % 7, np.zeros(30, dtype=np.int64), 7, 3).save(path)
    damaged(path, change)
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        KneserNey.load(path)


@pytest.mark.parametrize("content", [b"", b"not a tensor file at all", b"\x80\x04K\x01."])
def test_foreign_files_are_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.safetensors is not a readable safetensors file"):
        KneserNey.load(path)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_stored_floats_are_the_nearest(tmp_path, dtype):
    values = np.array([[0.0, -1.0, 3.14159, 1e-3, -0.2, -np.inf]], dtype=np.float32)
    _tensors.write(tmp_path / "x.safetensors", {"x": values}, {"x": dtype})
    again = _tensors.TensorFile(tmp_path / "x.safetensors").floats("x")
    spacing = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 0.0}[dtype]
    finite = np.isfinite(values)
    assert (np.abs(again[finite] - values[finite]) <= spacing * np.abs(values[finite])).all()
    assert again[0, -1] == -np.inf


def test_files_are_those_of_the_library(tmp_path):
    """The library reads what is written here, and what it writes is read here."""
    arrays = {
        "a": np.arange(6, dtype=np.int8).reshape(2, 3),
        "b": np.linspace(0, 1, 5, dtype=np.float32),
        "c": np.zeros((0, 4), dtype=np.int64),
    }
    _tensors.write(tmp_path / "ours.safetensors", arrays)
    safetensors.numpy.save_file(arrays, tmp_path / "theirs.safetensors")
    theirs = safetensors.numpy.load_file(tmp_path / "ours.safetensors")
    ours = _tensors.TensorFile(tmp_path / "theirs.safetensors")
    for name, array in arrays.items():
        assert theirs[name].tolist() == ours.array(name).tolist() == array.tolist()
