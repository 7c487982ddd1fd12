"""Passes over blocks of rows: every row once, whoever does it; and sums that neither drift nor warn."""

import threading

import numpy as np
import pytest
import torch

from rdk_theory import Vocabulary, _rows, acceptance_rate
from rdk_theory.kernels import RankOne
from rdk_theory.tolerances import SAME_DTYPE, UNIT_SUM
from tests.kernel_cases import laws

DRIFTING = 248_703
"""A number of tokens whose inverse float32 rounds alike in most steps of a running sum."""


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9])
@pytest.mark.parametrize("processors", [1, 2])
def test_every_row_is_worked_on_once(monkeypatch, rows, processors):
    monkeypatch.setattr(_rows, "_SHARED", 0)
    monkeypatch.setattr(_rows, "processors", lambda: processors)
    seen, made = [], []

    def make():
        made.append(threading.get_ident())
        return lambda start, stop: seen.extend(range(start, stop))

    _rows.for_blocks(rows, 2, 1, make)
    assert sorted(seen) == list(range(rows))
    assert len(made) <= min(processors, -(-rows // 2))


def test_an_error_in_either_thread_is_raised(monkeypatch):
    monkeypatch.setattr(_rows, "_SHARED", 0)
    monkeypatch.setattr(_rows, "processors", lambda: 2)
    here = threading.get_ident()
    waiting = threading.Event()

    def make():
        def work(start, stop):
            if threading.get_ident() == here:
                waiting.wait(timeout=10)  # leave a block to the helper
            else:
                waiting.set()
                raise ArithmeticError("in the helper")

        return work

    with pytest.raises(ArithmeticError, match="in the helper"):
        _rows.for_blocks(4, 1, 1, make)

    def failing():
        raise ArithmeticError("in both")

    with pytest.raises(ArithmeticError, match="in both"):
        _rows.for_blocks(4, 1, 1, failing)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 131_072, DRIFTING, 262_143])
def test_equal_terms_do_not_drift(size, dtype):
    """All roundings of equal terms go the same way: the worst case of a running sum."""
    x = np.full((2, size), dtype(1) / dtype(size), dtype=dtype)
    exact = x.astype(np.float64).sum(axis=-1)
    assert np.abs(_rows.sums(x).astype(np.float64) - exact).max() <= UNIT_SUM[dtype.__name__] / 20


def test_the_drift_that_is_avoided_is_real():
    """Control: a plain running sum of the same terms misses by more than the test above allows."""
    x = np.full(DRIFTING, np.float32(1) / np.float32(DRIFTING), dtype=np.float32)
    assert abs(float(np.cumsum(x)[-1]) - float(x.astype(np.float64).sum())) > UNIT_SUM["float32"] / 20


def test_sums_of_infinities_do_not_warn():
    x = np.zeros((1, 9000))
    x[0, 0], x[0, 8999] = np.inf, -np.inf
    assert np.isnan(_rows.sums(x)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(70, 33_000), (3, 900_000), (3, 5, 8191), (40_000, 60)])
def test_large_passes_agree_with_the_plain_formula(shape, dtype):
    """Both fused passes, on shapes that split into whole and broken blocks, shared by two threads and not."""
    rng = np.random.default_rng(0)
    *batch, size = shape
    kept = rng.permutation(size)[: size // 3]
    vocab = Vocabulary(size, kept)
    target, draft = laws(rng, *shape).astype(dtype), laws(rng, *batch, kept.size).astype(dtype)
    prior = laws(rng, size)
    proposal = RankOne(vocab, 0.3, prior).redistribute(draft)
    expected = np.broadcast_to(0.3 * prior, shape).copy()
    expected[..., kept] += 0.7 * draft
    tolerance = SAME_DTYPE[dtype.__name__]
    assert proposal.dtype == dtype
    assert np.abs(proposal - expected).max() <= tolerance
    rates = acceptance_rate(target, proposal)
    assert rates.shape == tuple(batch)
    assert np.abs(rates - np.minimum(target.astype(np.float64), proposal).sum(axis=-1)).max() <= tolerance


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1e-30, 0.5])
@pytest.mark.parametrize("name", ["target", "proposal"])
def test_one_bad_entry_among_millions_is_named(name, value):
    rows = {"target": np.full((20, 131_072), 2.0**-17, dtype=np.float32)}
    rows["proposal"] = rows["target"].copy()
    rows[name][17, 99_999] = value
    place = r"row \(17,\)" if value == 0.5 else r"index \(17, 99999\)"
    with pytest.raises(ValueError, match=rf"{name} of shape \(20, 131072\).*{place}"):
        acceptance_rate(rows["target"], rows["proposal"])


# Memory of results


SHAPE, SINGLE = (20, 131_072), np.dtype(np.float32)


def at(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_when_the_last_view_is_gone():
    _rows._spare.clear()
    first = _rows.empty(SHAPE, SINGLE)
    place, view = at(first), first[3:5, ::7].T
    other = _rows.empty(SHAPE, SINGLE)
    assert at(other) != place
    del first
    assert at(_rows.empty(SHAPE, SINGLE)) != place  # a view is still there
    _rows._spare.clear()
    del view
    again = _rows.empty(SHAPE, SINGLE)
    assert at(again) == place
    assert again.flags.writeable
    assert again.flags.c_contiguous


def test_memory_that_torch_looks_at_is_not_used_again():
    _rows._spare.clear()
    first = _rows.empty(SHAPE, SINGLE)
    first[...] = 1
    tensor = torch.from_numpy(first)
    del first
    other = _rows.empty(SHAPE, SINGLE)
    other[...] = 2
    assert bool((tensor == 1).all())


def test_memory_of_another_size_is_given_up():
    _rows._spare.clear()
    _rows.empty(SHAPE, SINGLE)
    assert len(_rows._spare) == 1
    assert _rows.empty(SHAPE, np.dtype(np.float64)).nbytes == 2 * 4 * 20 * 131_072
    assert _rows.empty((3,), SINGLE).base is None  # small arrays are numpy's


def test_results_do_not_change_when_others_are_computed():
    """Two proposals of one kernel, kept and dropped by turns."""
    rng = np.random.default_rng(1)
    size, kept = SHAPE[1], 1000
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    kernel = RankOne(vocab, 0.2, laws(rng, size))
    drafts = [laws(rng, SHAPE[0], kept).astype(np.float32) for _ in range(3)]
    alone = [kernel.redistribute(draft).copy() for draft in drafts]
    held = [kernel.redistribute(draft) for draft in drafts]
    kernel.redistribute(drafts[0])
    assert all(np.array_equal(x, y) for x, y in zip(alone, held, strict=True))
    with pytest.raises(ValueError, match="draft"):
        kernel.redistribute(2 * drafts[1])
    assert np.array_equal(kernel.redistribute(drafts[2]), alone[2])
    assert np.array_equal(held[0], alone[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1e-30, 0.5])
def test_one_bad_entry_of_a_large_draft_is_named(value):
    vocab = Vocabulary(131_072, np.arange(0, 131_072, 4))
    draft = np.full((20, 32_768), 2.0**-15, dtype=np.float32)
    draft[17, 9999] = value
    place = r"row \(17,\)" if value == 0.5 else r"index \(17, 9999\)"
    for weight in (0.5, 1):  # at weight 1 an infinity meets a factor 0
        kernel = RankOne(vocab, weight, np.full(131_072, 2.0**-17))
        with pytest.raises(ValueError, match=rf"draft of shape \(20, 32768\).*{place}"):
            kernel.redistribute(draft)
