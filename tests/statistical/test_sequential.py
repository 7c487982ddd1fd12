"""The sequential law test keeps both error rates, and its wealth is a martingale."""

import math
from itertools import product

import numpy as np
import pytest

from rdk_theory.statistics import SequentialLawTest, binomial_test

LAW = np.array([0.5, 0.25, 0.25, 0.0])


def run(test, law, rng, batch=64):
    while test.wanted:
        test.update(rng.multinomial(min(batch, test.wanted), law))
    return test


def test_wealth_is_a_martingale_under_the_law():
    """The mean over all sequences of three tokens is 1, so that Ville's inequality holds."""
    mean = 0.0
    for sequence in product(range(3), repeat=3):
        test = SequentialLawTest(LAW, 0.1, 0.5, 0.5)
        test.counts += np.bincount(sequence, minlength=4)
        mean += math.exp(test.log_wealth) * np.prod(LAW[list(sequence)])
    assert mean == pytest.approx(1, abs=1e-12)


def test_false_fails_and_false_passes_are_as_rare_as_stated():
    """Rates of 0.05 each in 400 runs: a binomial test at 1e-6; a rate of 0.2 would pass it twice in a million."""
    rng = np.random.default_rng(3)
    wrong = np.array([0.4, 0.35, 0.25, 0.0])  # exactly 0.1 away
    fails = sum(run(SequentialLawTest(LAW, 0.1, 0.05, 0.05), LAW, rng).failed for _ in range(400))
    passes = sum(run(SequentialLawTest(LAW, 0.1, 0.05, 0.05), wrong, rng).passed for _ in range(400))
    for seen in (fails, passes):
        assert binomial_test(seen, 400, 0.05, "greater") > 1e-6


def test_a_wrong_law_is_found_before_the_plan_is_complete():
    test = run(SequentialLawTest(LAW, 0.02, 1e-9, 1e-3), np.array([0.1, 0.45, 0.45, 0.0]), np.random.default_rng(0))
    assert test.failed
    assert test.seen < test.plan.samples / 50


def test_the_impossible_fails_at_once():
    test = SequentialLawTest(LAW, 0.1, 1e-9, 1e-3)
    test.update(np.array([0, 0, 0, 1]))
    assert test.failed
    assert test.distance == 1


def test_more_samples_than_wanted_are_refused():
    test = SequentialLawTest(LAW, 0.3, 0.1, 0.1)
    with pytest.raises(ValueError, match=r"counts of shape \(4,\) sums to \d+, but only \d+ samples are wanted"):
        test.update(np.array([10**6, 0, 0, 0]))
