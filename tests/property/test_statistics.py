"""Intervals, bounds and law tests: their error rates by enumeration, not by simulation, and negative controls."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rdk_theory.statistics import (
    bets,
    betting_bound,
    binomial_test,
    bootstrap_interval,
    bootstrap_means,
    clopper_pearson,
    holdout_bound,
    law_test,
    law_test_plan,
)
from rdk_theory.tolerances import EXACT
from tests.strategies import distributions, sizes

PROPORTIONS = np.linspace(0.01, 0.99, 33)

GAINS = st.integers(-1024, 1024).map(lambda n: n / 1024)
"""Numbers in [-1, 1], none so near an end that its rounded distance from there means nothing: a product of distances
is compared with another after rounding."""


def failure(bound, trials, proportion):
    """Exact probability that `bound`, a function of the number of successes, exceeds the proportion."""
    successes = np.arange(trials + 1)
    return stats.binom.pmf(successes, trials, proportion)[bound > proportion].sum()


def coin(successes, trials):
    return np.arange(trials) < successes


# Proportions


@pytest.mark.parametrize("trials", [1, 7, 40])
@pytest.mark.parametrize("level", [0.8, 0.99])
def test_clopper_pearson_covers_every_proportion(trials, level):
    ends = np.array([clopper_pearson(k, trials, level)[1:] for k in range(trials + 1)])
    for p in PROPORTIONS:
        inside = (ends[:, 0] <= p) & (p <= ends[:, 1])
        assert stats.binom.pmf(np.arange(trials + 1), trials, p)[inside].sum() >= level


def test_the_textbook_normal_interval_is_caught():
    trials, level = 40, 0.95
    mean = np.arange(trials + 1) / trials
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt(mean * (1 - mean) / trials)
    coverage = [
        stats.binom.pmf(np.arange(trials + 1), trials, p)[(mean - half <= p) & (p <= mean + half)].sum()
        for p in PROPORTIONS
    ]
    assert min(coverage) < level - 0.1


@pytest.mark.parametrize("alternative", ["less", "greater", "two-sided"])
@pytest.mark.parametrize("proportion", [0.0, 0.1, 0.5, 1.0])
def test_p_values_are_valid_at_every_level(alternative, proportion):
    trials = 25
    mass = stats.binom.pmf(np.arange(trials + 1), trials, proportion)
    values = np.array([binomial_test(k, trials, proportion, alternative) for k in range(trials + 1)])
    for value in values:
        assert mass[values <= value].sum() <= value + EXACT


@given(st.integers(1, 60), st.floats(0.01, 0.99), st.data())
def test_one_sided_p_values_match_scipy(trials, proportion, data):
    k = data.draw(st.integers(0, trials))
    for alternative in ("less", "greater"):
        expected = stats.binomtest(k, trials, proportion, alternative).pvalue
        assert binomial_test(k, trials, proportion, alternative) == pytest.approx(expected, rel=1e-9, abs=EXACT)


# Means


def exact_capital(x, mean, delta, low=0):
    """The capital against a mean, in rationals."""
    shares, weights = bets(len(x), delta)
    gaps, mean = [Fraction(v) - Fraction(low) for v in x], Fraction(mean) - Fraction(low)
    parts = (math.prod(1 - Fraction(c) + Fraction(c) * gap / mean for gap in gaps) for c in shares.tolist())
    return sum(Fraction(w) * part for w, part in zip(weights.tolist(), parts, strict=True))


def empirical_bernstein(x, delta, low=0.0, high=1.0):
    """Maurer and Pontil's bound, for comparison."""
    log = math.log(2 / delta)
    return x.mean() - math.sqrt(2 * x.var(ddof=1) * log / x.size) - 7 * (high - low) * log / (3 * (x.size - 1))


@pytest.mark.parametrize("trials", [1, 2, 10, 60])
@pytest.mark.parametrize("delta", [0.2, 0.05])
def test_betting_bound_fails_no_more_often_than_it_says(trials, delta):
    bound = np.array([betting_bound(coin(k, trials).astype(float), delta, 0.0) for k in range(trials + 1)])
    assert max(failure(bound, trials, p) for p in PROPORTIONS) <= delta


def test_bets_that_look_at_the_value_are_caught():
    """A tenth of the capital on each value; or that on the high ones only, which loses nothing."""
    trials, delta = 60, 0.05
    high = np.arange(trials + 1)

    def rate(p, low_share):
        logs = high * math.log1p(0.1 * (1 / p - 1)) + (trials - high) * math.log1p(-low_share)
        return stats.binom.pmf(high, trials, p)[logs >= math.log(1 / delta)].sum()

    assert max(rate(p, 0.1) for p in PROPORTIONS) <= delta
    assert max(rate(p, 0.0) for p in PROPORTIONS) > 10 * delta


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40), st.sampled_from([0.5, 0.05, 1e-6]))
def test_betting_bound_is_rounded_down_from_the_exact_one(values, delta):
    bound = betting_bound(np.array(values), delta, -1.0)
    assert -1 <= bound <= max(np.mean(values), -1 + EXACT)
    if bound > -1:
        assert exact_capital(values, bound, delta, -1) * Fraction(delta) >= 1
    assert exact_capital(values, bound + 1e-9, delta, -1) * Fraction(delta) < 1


@given(st.lists(GAINS, min_size=1, max_size=30), st.randoms())
def test_betting_bound_is_equivariant_and_blind_to_order(values, random):
    x = np.array(values)
    bound = betting_bound(x, 0.1, -1.0)
    assert betting_bound(3 * x + 1, 0.1, -2.0) == pytest.approx(3 * bound + 1, abs=1e-9)
    random.shuffle(values)
    assert betting_bound(np.array(values), 0.1, -1.0) == pytest.approx(bound, abs=1e-9)


@pytest.mark.parametrize("count", [1, 12, 400, 100_000])
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_bets_split_one_capital_down_to_the_bet_of_hoeffding(count, delta):
    shares, weights = bets(count, delta)
    assert shares[0] == 1
    assert weights.sum() == pytest.approx(1, abs=EXACT)
    hoeffding = math.sqrt(2 * math.log(1 / delta) / count)
    assert shares[-1] == 1 or hoeffding < shares[-1] <= 2 * hoeffding


@pytest.mark.parametrize("count", [16, 128])
def test_equal_values_come_near_what_no_valid_bound_exceeds(count):
    best = 0.05 ** (1 / count)
    bound = betting_bound(np.full(count, 0.5), 0.05, 0.0)
    assert 0.75 ** (1 / count) * 0.5 * best - 1e-9 <= bound <= 0.5 * best


def test_betting_bound_is_above_the_empirical_bernstein_bound_at_the_sizes_of_a_report():
    """128 documents, gains whose spread is a hundredth to a third of the range, on average over 20 samples."""
    rng, low, delta = np.random.default_rng(0), -1.0, 0.05
    for spread, factor in ((0.01, 3), (0.1, 3), (0.3, 2)):
        x = np.clip(rng.normal(0.05, spread, (20, 128)), -1, 1)
        betting = x.mean() - np.mean([betting_bound(row, delta, low) for row in x])
        bernstein = x.mean() - np.mean([empirical_bernstein(row, delta, low) for row in x])
        assert factor * betting < bernstein


@given(st.lists(st.tuples(st.integers(0, 4), GAINS), min_size=2, max_size=30), st.randoms())
def test_holdout_bound_is_the_bound_on_document_means(pairs, random):
    pairs = [(0, 0.5), (1, -0.5), *pairs]
    random.shuffle(pairs)
    documents, gains = (np.array(x) for x in zip(*pairs, strict=True))
    means = np.array([gains[documents == d].mean() for d in sorted(set(documents.tolist()))])
    out = holdout_bound(gains, documents, 0.1)
    assert out.documents == means.size
    assert out.mean == pytest.approx(means.mean(), abs=EXACT)
    assert out.lower == pytest.approx(betting_bound(means.clip(-1, 1), 0.1, -1.0), abs=1e-9)
    assert out.lower <= betting_bound(means.clip(-1, 1), 0.1, -1.0) + EXACT


def test_holdout_bound_respects_documents_where_a_bound_on_contexts_fails():
    """Each document has one gain, ±0.9, for its 400 contexts: eight independent numbers, not 3,200."""
    documents, delta = np.repeat(np.arange(8), 400), 0.1
    gains = [np.repeat(np.where(coin(k, 8), 0.9, -0.9), 400) for k in range(9)]
    mass = stats.binom.pmf(np.arange(9), 8, 0.5)  # true mean gain 0
    by_document = np.array([holdout_bound(g, documents, delta).lower for g in gains])
    by_context = np.array([betting_bound(g, delta, -1.0) for g in gains])
    assert mass[by_document > 0].sum() <= delta
    assert mass[by_context > 0].sum() > 3 * delta


# Bootstrap


def test_bootstrap_law_of_two_documents():
    """Documents of one context (value 0) and of three (value 1): the mean is 0, 3/4 or 1 with 1/4, 1/2, 1/4."""
    plan = law_test_plan(np.array([0.25, 0.5, 0.25]), smallest=0.05, false_fail=1e-9, false_pass=1e-9)
    means = bootstrap_means(
        np.array([0.0, 1.0, 1.0, 1.0]), np.array([7, 3, 3, 3]), plan.samples, np.random.default_rng(0)
    )
    counts = np.array([(means == value).sum() for value in (0.0, 0.75, 1.0)])
    assert law_test(counts, plan).passed
    # Control: resampling contexts instead of documents.
    loose = np.random.default_rng(0).choice([0.0, 1.0, 1.0, 1.0], size=(plan.samples, 4)).mean(axis=1)
    wrong = np.array([(loose == value).sum() for value in (0.0, 0.75, 1.0)])
    wrong[1] += plan.samples - wrong.sum()
    assert not law_test(wrong, plan).passed


@given(st.integers(2, 8), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_bootstrap_columns_share_their_resamples(documents, columns, seed):
    rng = np.random.default_rng(seed)
    ids = np.concatenate([np.arange(documents), rng.integers(0, documents, 20)])
    values = rng.normal(size=(ids.size, columns))
    means = bootstrap_means(values, ids, 50, np.random.default_rng(seed))
    for column in range(columns):
        alone = bootstrap_means(values[:, column], ids, 50, np.random.default_rng(seed))
        np.testing.assert_allclose(means[:, column], alone, rtol=0, atol=EXACT)
    gain = bootstrap_means(values[:, 0] - values[:, -1], ids, 50, np.random.default_rng(seed))
    np.testing.assert_allclose(means[:, 0] - means[:, -1], gain, rtol=0, atol=EXACT)


def test_bootstrap_resamples_in_blocks_without_changing_the_draws(monkeypatch):
    values, ids = np.arange(30.0), np.arange(30) // 3
    whole = bootstrap_means(values, ids, 100, np.random.default_rng(2))
    monkeypatch.setattr("rdk_theory.statistics.intervals._BLOCK", 70)
    np.testing.assert_array_equal(bootstrap_means(values, ids, 100, np.random.default_rng(2)), whole)


def test_bootstrap_interval_orders_its_ends_and_weights_documents_by_their_contexts():
    values, ids = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0, 1, 1, 1])
    out = bootstrap_interval(values, ids, 0.9, 500, np.random.default_rng(0))
    assert out.estimate == 0.25
    assert out.low == 0.0
    assert out.high == 1.0
    same = bootstrap_interval(np.full((4, 2), 0.3), ids, 0.9, 50, np.random.default_rng(0))
    np.testing.assert_allclose(np.array(same), 0.3, atol=EXACT)
    assert np.shape(same.low) == (2,)


# Laws


def rejects(plan, law):
    """Exact probability that the test of `plan`, over two atoms, rejects samples of `law`."""
    heads = np.arange(plan.samples + 1)
    rejected = [not law_test(np.array([k, plan.samples - k]), plan).passed for k in heads]
    return stats.binom.pmf(heads, plan.samples, law[0])[rejected].sum()


@pytest.mark.parametrize("first", [0.02, 0.5, 0.9])
@pytest.mark.parametrize(("false_fail", "false_pass"), [(1e-2, 1e-3), (1e-6, 1e-2)])
def test_both_error_rates_of_a_law_test_hold_exactly(first, false_fail, false_pass):
    plan = law_test_plan(np.array([first, 1 - first]), 0.08, false_fail, false_pass)
    assert rejects(plan, plan.law) <= false_fail
    for shift in (0.08, -0.08):
        if 0 <= first + shift <= 1:
            assert 1 - rejects(plan, np.array([first + shift, 1 - first - shift])) <= false_pass


def test_fewer_samples_than_planned_would_break_an_error_rate():
    """The plan is not vacuous: with a sixteenth of the samples no threshold can hold both rates."""
    plan = law_test_plan(np.array([0.5, 0.5]), 0.08, 1e-3, 1e-3)
    few = plan.samples // 16
    heads = np.arange(few + 1)
    right, wrong = (stats.binom.pmf(heads, few, p) for p in (0.5, 0.58))
    distance = np.abs(heads / few - 0.5)
    for threshold in np.unique(distance):
        assert right[distance > threshold].sum() > 1e-3 or wrong[distance <= threshold].sum() > 1e-3


@given(sizes.flatmap(lambda n: distributions(n)), st.integers(0, 2**32 - 1))
def test_plans_pass_the_right_law_and_state_what_they_can_see(law, seed):
    plan = law_test_plan(law, 0.1, 1e-9, 1e-9)
    assert 0 < plan.threshold < plan.smallest
    counts = np.random.default_rng(seed).multinomial(plan.samples, law / law.sum())
    assert law_test(counts, plan).passed


def test_an_atom_that_cannot_occur_fails_at_once():
    plan = law_test_plan(np.array([0.5, 0.0, 0.5]), 0.2, 1e-3, 1e-3)
    half = plan.samples // 2
    counts = np.array([half, 1, plan.samples - half - 1])
    assert not law_test(counts, plan).passed
    assert law_test(counts, plan).statistic == 1.0


def test_missing_atoms_count():
    """Nine of ten atoms in the right proportions, the tenth never: every seen ratio looks right."""
    plan = law_test_plan(np.full(10, 0.1), 0.08, 1e-6, 1e-6)
    counts = np.full(10, plan.samples // 9)
    counts[9] = 0
    counts[0] += plan.samples - counts.sum()
    assert not law_test(counts, plan).passed
