"""Cold mass without cold logits: by hand, on numpy, torch and rationals, any batch."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import Vocabulary
from rdk_theory.cold_mass import SMALL, ColdHead, cumulant_error, cumulant_log_mass, jensen_gap, jensen_log_mass
from rdk_theory.tolerances import EXACT

SPREADS = np.array([0.0, 1e-9, SMALL, SMALL * (1 + 1e-9), 0.5, 3.0, 40.0, 1000.0])
VOCAB = Vocabulary(6, [4, 1])
HEAD = np.random.default_rng(5).normal(size=(6, 3))
HIDDEN = np.random.default_rng(6).normal(size=(2, 4, 3))


def cold_logits(hidden):
    return hidden @ HEAD[[0, 2, 3, 5]].T


def test_the_gap_by_hand():
    # A law on 0 and log 3 has its worst share where both bounds meet: φ = 2 / log 3.
    ratio = 2 / math.log(3)
    assert float(jensen_gap(np.array(math.log(3)))) == pytest.approx(math.log(ratio) + 1 / ratio - 1, abs=EXACT)


def test_errors_are_ordered_and_small():
    below, above = cumulant_error(SPREADS)
    assert (below[0], above[0], jensen_gap(SPREADS)[0]) == (0, 0, 0)
    assert (above <= below + EXACT).all()
    assert (below <= SPREADS**3 / (36 * math.sqrt(3))).all()
    for value in (below, above, jensen_gap(SPREADS)):
        assert np.isfinite(value).all()
        assert (np.diff(value) > -EXACT).all()


def test_series_and_closed_form_meet():
    for function in (jensen_gap, lambda s: cumulant_error(s)[0], lambda s: cumulant_error(s)[1]):
        low, high = function(np.array([SMALL, SMALL * (1 + 1e-12)]))
        assert abs(high - low) <= EXACT


def test_torch_equals_numpy():
    x = torch.from_numpy(SPREADS)
    for mine, other in zip(cumulant_error(x), cumulant_error(SPREADS), strict=True):
        np.testing.assert_allclose(mine.numpy(), other, rtol=EXACT)
    np.testing.assert_allclose(jensen_gap(x).numpy(), jensen_gap(SPREADS), rtol=EXACT)
    for rank in (None, 2):
        mine = ColdHead.from_head(torch.from_numpy(HEAD), VOCAB, rank).log_mass(torch.from_numpy(HIDDEN))
        np.testing.assert_allclose(mine.numpy(), ColdHead.from_head(HEAD, VOCAB, rank).log_mass(HIDDEN), rtol=EXACT)


def test_moments_are_those_of_the_cold_logits():
    z = cold_logits(HIDDEN)
    for head in (HEAD, HEAD.astype(np.float64, order="F")):
        mean, variance = ColdHead.from_head(head, VOCAB).moments(HIDDEN)
        np.testing.assert_allclose(mean, z.mean(axis=-1), rtol=EXACT, atol=EXACT)
        np.testing.assert_allclose(variance, z.var(axis=-1), rtol=EXACT, atol=EXACT)


def test_a_long_head_is_read_in_blocks(monkeypatch):
    whole = ColdHead.from_head(HEAD, VOCAB)
    monkeypatch.setattr("rdk_theory.cold_mass.BLOCK", 3)
    blocks = ColdHead.from_head(HEAD, VOCAB)
    np.testing.assert_allclose(blocks.covariance, whole.covariance, rtol=EXACT, atol=EXACT)


def test_rank_bounds_what_it_loses():
    whole = ColdHead.from_head(HEAD, VOCAB).moments(HIDDEN)[1]
    for rank in (1, 2, 3):
        head = ColdHead.from_head(HEAD, VOCAB, rank)
        lost = whole - head.moments(HIDDEN)[1]
        assert (lost >= -EXACT).all()
        assert (lost <= head.left_out * (HIDDEN**2).sum(axis=-1) + EXACT).all()
    assert head.left_out == 0


def test_rational_heads_have_rational_moments():
    head = np.array([[Fraction(i * j + 1, 3) for j in range(2)] for i in range(6)])
    mean, variance = ColdHead.from_head(head, VOCAB).moments(np.array([Fraction(1), Fraction(-1)]))
    assert (mean, variance) == (Fraction(-5, 6), Fraction(13, 36))


def test_one_cold_token_is_exact():
    vocab = Vocabulary(6, [0, 1, 2, 3, 4])
    for rank in (None, 1):
        mass = ColdHead.from_head(HEAD, vocab, rank).log_mass(HIDDEN)
        np.testing.assert_allclose(mass, HIDDEN @ HEAD[5], rtol=EXACT, atol=EXACT)


@given(st.lists(st.floats(-8, 8), min_size=1, max_size=30))
def test_bounds_hold(values):
    z = np.array(values)
    spread = z.max() - z.min()
    truth = float(np.log(np.exp(z - z.max()).sum()) + z.max())
    lower, upper = jensen_log_mass(len(z), np.array(z.mean()), np.array(spread))
    assert lower - EXACT <= truth <= upper + EXACT
    below, above = cumulant_error(np.array(spread))
    estimate = cumulant_log_mass(len(z), np.array(z.mean()), np.array(z.var()))
    assert estimate - below - EXACT <= truth <= estimate + above + EXACT
