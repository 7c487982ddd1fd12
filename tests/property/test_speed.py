"""Tokens a call and speed-up: sums against series, and searches against trying everything."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import expected_tokens, speedup
from rdk_theory.speed import best_draft_length, best_kept_size
from rdk_theory.tolerances import EXACT

rates = st.fractions(0, 1, max_denominator=30)
lengths = st.integers(1, 12)


@given(rates, lengths)
def test_expected_tokens_is_the_mean_of_a_stopped_count(alpha, gamma):
    # k drafts are accepted, then one is not: k + 1 tokens; all accepted: γ + 1.
    by_cases = sum((k + 1) * alpha**k * (1 - alpha) for k in range(gamma)) + (gamma + 1) * alpha**gamma
    assert expected_tokens(alpha, gamma) == by_cases
    if alpha < 1:
        assert expected_tokens(alpha, gamma) == (1 - alpha ** (gamma + 1)) / (1 - alpha)


@given(rates, lengths)
def test_expected_tokens_grows_in_both_arguments_and_is_in_range(alpha, gamma):
    tokens = expected_tokens(alpha, gamma)
    assert 1 <= tokens <= gamma + 1
    assert expected_tokens(alpha, gamma + 1) >= tokens
    assert expected_tokens((alpha + 1) / 2, gamma) >= tokens


@given(rates, lengths, st.fractions(0, 2, max_denominator=20))
def test_speedup_divides_by_the_cost_of_drafts_and_call(alpha, gamma, cost):
    assert speedup(alpha, gamma, cost) * (gamma * cost + 1) == expected_tokens(alpha, gamma)


@given(rates, st.fractions(0, 2, max_denominator=20))
def test_some_length_gains_iff_acceptance_exceeds_cost(alpha, cost):
    gains = [speedup(alpha, gamma, cost) > 1 for gamma in range(1, 13)]
    assert any(gains) == gains[0] == (alpha > cost)


@given(st.floats(0, 1), st.floats(0, 1.5), st.integers(1, 30))
def test_best_length_is_best_of_all(alpha, cost, longest):
    best = best_draft_length(alpha, cost, longest)
    gains = [1.0, *(speedup(alpha, gamma, cost) for gamma in range(1, longest + 1))]
    assert gains[best] == max(gains)
    assert best == 0 or gains[best] > 1


@given(st.lists(st.tuples(st.integers(1, 100), st.floats(0, 0.99), st.floats(0, 1)), min_size=1, max_size=6))
def test_best_kept_size_is_best_of_all(options):
    table = {size: (alpha, cost) for size, alpha, cost in options}
    size, gamma, gain = best_kept_size(lambda k: table[k][0], lambda k: table[k][1], list(table), longest=10)
    tried = [speedup(a, g, c) for a, c in table.values() for g in range(1, 11)]
    assert gain == max([1.0, *tried])
    assert gain == (speedup(table[size][0], gamma, table[size][1]) if gamma else 1.0)


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_arrays_go_entry_by_entry(shape):
    alpha = np.random.default_rng(0).random(shape)
    out = speedup(alpha, 3, 0.1)
    assert np.shape(out) == shape
    for at in np.ndindex(shape):
        assert np.asarray(out)[at] == pytest.approx(speedup(float(np.asarray(alpha)[at]), 3, 0.1), abs=EXACT)


def test_ends():
    assert expected_tokens(Fraction(1), 5) == 6
    assert expected_tokens(Fraction(0), 5) == 1
    assert speedup(1.0, 4, 0.0) == 5.0
