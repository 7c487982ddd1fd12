"""Passes over blocks of rows: every row once, whoever does it; and sums that neither drift nor warn."""

import threading

import numpy as np
import pytest

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
