"""Kept sets: the highest scores, ties by rule, and files that cannot do harm."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory.fitting import kept_sets


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.data())
def test_the_highest_scores_are_kept(scores, data):
    count = data.draw(st.integers(1, len(scores)))
    kept = kept_sets.highest(scores, count)
    assert kept.tolist() == sorted(kept.tolist())
    by_hand = sorted(sorted(range(len(scores)), key=lambda t: (-scores[t], t))[:count])
    assert kept.tolist() == by_hand


def test_ties_go_by_the_second_score_then_by_id():
    assert kept_sets.highest([1, 1, 1, 2], 2).tolist() == [0, 3]
    assert kept_sets.highest([1, 1, 1, 2], 2, ties=[0.1, 0.1, 0.3, 0.0]).tolist() == [2, 3]


def test_only_candidates_are_kept():
    assert kept_sets.highest(np.arange(6.0), 2, candidates=np.array([4, 0, 2])).tolist() == [2, 4]


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments_of_the_targets(convert, dtype):
    targets = np.random.default_rng(0).dirichlet(np.ones(9), 40).astype(dtype)
    assert np.abs(kept_sets.mean_probability(convert(targets)) - targets.mean(axis=0)).max() < 1e-6
    assert np.abs(kept_sets.variance(convert(targets)) - targets.var(axis=0, dtype=np.float64)).max() < 1e-9


def test_variance_and_mean_choose_differently():
    targets = np.array([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]])
    assert kept_sets.highest(kept_sets.mean_probability(targets), 1).tolist() == [0]
    assert kept_sets.highest(kept_sets.variance(targets), 2).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("fraction", "size", "expected"), [(1.0, 7, 7), (0.5, 9, 4), (0.005, 32_000, 160), (1e-9, 7, 1)]
)
def test_kept_size(fraction, size, expected):
    assert kept_sets.kept_size(fraction, size) == expected


def write(path, ids):
    if path.suffix == ".npy":
        np.save(path, np.asarray(ids))
    elif path.suffix == ".json":
        path.write_text(json.dumps(ids))
    else:
        path.write_text("".join(f"{i}\n" for i in ids))
    return path


@pytest.mark.parametrize("suffix", [".npy", ".json", ".txt"])
def test_files_are_read_in_their_order(tmp_path, suffix):
    ids = kept_sets.read_ids(write(tmp_path / f"kept{suffix}", [5, 0, 3]), 6)
    assert ids.dtype == np.int64
    assert ids.tolist() == [5, 0, 3]


@pytest.mark.parametrize("suffix", [".npy", ".json", ".txt"])
@pytest.mark.parametrize(("ids", "message"), [([1, 9], "id 9 outside"), ([1, 2, 1], "repeats id 1"), ([-1], "id -1")])
def test_wrong_ids_are_named(tmp_path, suffix, ids, message):
    with pytest.raises(ValueError, match=rf"kept\{suffix} .*{message}"):
        kept_sets.read_ids(write(tmp_path / f"kept{suffix}", ids), 6)


def pickled(path):
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.npy", pickled),
        ("a.npy", lambda path: path.write_bytes(b"")),
        ("a.npy", lambda path: path.write_bytes(b"\x93NUMPY")),
        ("a.npy", lambda path: np.save(path, np.zeros(3))),
        ("a.npy", lambda path: np.save(path, np.zeros((2, 2), dtype=int))),
        ("a.npy", lambda path: np.save(path, np.zeros(0, dtype=int))),
        ("a.json", lambda path: path.write_text("{")),
        ("a.json", lambda path: path.write_text('{"a": 1}')),
        ("a.json", lambda path: path.write_text("[1.5]")),
        ("a.json", lambda path: path.write_text("[true]")),
        ("a.json", lambda path: path.write_text("[123456789012345678901234567890]")),
        ("a.json", lambda path: path.write_bytes(b"\xff\xfe")),
        ("a.txt", lambda path: path.write_text("one")),
        ("a.txt", lambda path: path.write_text("")),
        ("a.txt", lambda path: path.write_text("99999999999999999999999")),
        ("a.csv", lambda path: path.write_text("1")),
        ("missing.npy", lambda path: None),
        ("missing.txt", lambda path: None),
    ],
)
def test_foreign_and_damaged_files_are_refused(tmp_path, name, make):
    make(tmp_path / name)
    with pytest.raises(ValueError, match=name):
        kept_sets.read_ids(tmp_path / name, 6)
