"""Weights found in two passes are those found by sorting everything; rank-one fits do what they say."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import Vocabulary, acceptance_rate, ensembles, restrict
from rdk_theory.distributions import embed
from rdk_theory.fitting import ColdMassRankOne, cold_prior, exact_cold_mass_weight, fit_rank_one
from rdk_theory.fitting.weights import best_weight, best_weights
from rdk_theory.mixing import optimal_mixing
from rdk_theory.tolerances import EXACT
from tests.kernel_cases import rational_laws

MAKERS = [ensembles.zipf, ensembles.dirichlet, ensembles.low_rank_softmax]


def contexts(seed, count, size, kept):
    """Targets, full drafts and a vocabulary with its kept tokens in any order."""
    rng = np.random.default_rng(seed)
    targets, drafts = MAKERS[seed % len(MAKERS)](rng, count, size)
    return targets, drafts, Vocabulary(size, rng.permutation(size)[:kept])


sizes = st.tuples(st.integers(0, 2**32), st.integers(1, 8), st.integers(3, 30)).flatmap(
    lambda x: st.tuples(st.just(x[0]), st.just(x[1]), st.just(x[2]), st.integers(1, x[2] - 1))
)


def value(targets, mixed_from, to, weight):
    """f(weight), computed as it is defined."""
    return np.minimum(targets, (1 - weight) * mixed_from + weight * to).sum(axis=1).mean()


@given(sizes)
def test_two_passes_find_what_a_sort_finds(size):
    targets, full, vocab = contexts(*size)
    q, prior = embed(restrict(full, vocab), vocab), cold_prior(targets, vocab)
    parts = [slice(0, 2), slice(2, None)]
    found = best_weight(lambda: [(targets[s], q[s], prior) for s in parts if targets[s].size])
    by_sort = optimal_mixing(targets, q, prior)
    assert abs(found.acceptance - by_sort.acceptance) <= EXACT
    assert abs(found.baseline - by_sort.baseline) <= EXACT
    assert abs(found.slope - by_sort.slope) <= EXACT
    # Where the top is flat, rounding decides which of its points the sort names; ours is the first.
    assert found.weight <= by_sort.weight + 1e-9
    assert abs(value(targets, q, prior, found.weight) - by_sort.acceptance) <= EXACT
    # At the end of the safe weights f is back at its start, or the end is 1.
    assert value(targets, q, prior, found.safe_weight) >= found.baseline - EXACT
    beyond = found.safe_weight + 1e-3
    assert beyond > 1 or value(targets, q, prior, beyond) < found.baseline + EXACT


@given(sizes)
def test_mixing_with_any_proposal(size):
    """The second law may overlap the first and differ from context to context."""
    targets, full, vocab = contexts(*size)
    q = embed(restrict(full, vocab), vocab)
    found = best_weight(lambda: [(targets, q, full)])
    assert abs(found.acceptance - optimal_mixing(targets, q, full).acceptance) <= EXACT
    assert abs(value(targets, q, full, found.weight) - found.acceptance) <= EXACT


@given(sizes)
def test_every_context_for_itself(size):
    targets, full, vocab = contexts(*size)
    q, prior = embed(restrict(full, vocab), vocab), cold_prior(targets, vocab)
    for other in (prior, full):
        weights = best_weights(targets, q, other)
        for c in range(size[1]):
            r = other if other.ndim == 1 else other[c]
            best = optimal_mixing(targets[c], q[c], r)
            assert weights[c] <= best.weight + 1e-9
            got = np.minimum(targets[c], (1 - weights[c]) * q[c] + weights[c] * r).sum()
            assert abs(got - best.acceptance) <= EXACT


def test_a_wrong_weight_would_be_seen():
    """Control: an eighth more of the weight costs far more than the tolerances above."""
    targets, full, vocab = contexts(1, 40, 60, 20)
    q, prior = embed(restrict(full, vocab), vocab), cold_prior(targets, vocab)
    found = best_weight(lambda: [(targets, q, prior)])
    assert found.weight > 0.01
    assert value(targets, q, prior, found.weight * 9 / 8) < found.acceptance - 1e-6


def test_float32_rows_give_the_weight_of_float64_rows():
    targets, full, vocab = contexts(0, 300, 200, 20)
    narrow = fit_rank_one(targets.astype(np.float32), restrict(full, vocab).astype(np.float32), vocab)
    wide = fit_rank_one(targets, restrict(full, vocab), vocab)
    assert narrow.weight == pytest.approx(wide.weight, abs=1e-4)
    assert narrow.acceptance == pytest.approx(wide.acceptance, abs=1e-6)


def test_the_prior_is_the_mean_of_the_targets_on_cold_tokens():
    targets, full, vocab = contexts(2, 30, 25, 7)
    prior = cold_prior(targets, vocab)
    mean = targets.mean(axis=0)
    assert (prior[vocab.kept] == 0).all()
    assert np.abs(prior[vocab.cold] - mean[vocab.cold] / mean[vocab.cold].sum()).max() <= EXACT
    fit = fit_rank_one(targets, restrict(full, vocab), vocab)
    assert np.array_equal(fit.kernel.prior, prior)
    got = acceptance_rate(targets, fit.kernel.redistribute(restrict(full, vocab))).mean()
    assert got == pytest.approx(fit.acceptance, abs=1e-12)
    assert fit.acceptance >= fit.mixing.baseline


def test_rational_contexts_give_rational_fits():
    rng = np.random.default_rng(3)
    targets, drafts = rational_laws(rng, 5, 6), rational_laws(rng, 5, 2)
    vocab = Vocabulary(6, [4, 1])
    fit = fit_rank_one(targets, drafts, vocab)
    assert isinstance(fit.acceptance, Fraction | int)
    floats = fit_rank_one(targets.astype(float), drafts.astype(float), vocab)
    assert float(fit.acceptance) == pytest.approx(floats.acceptance, abs=1e-12)
    rates = acceptance_rate(targets, fit.kernel.redistribute(drafts))
    assert rates.sum() / 5 == fit.acceptance


def test_torch_rows_give_the_fit_of_numpy_rows():
    targets, full, vocab = contexts(4, 20, 30, 8)
    drafts = restrict(full, vocab)
    found = fit_rank_one(torch.tensor(targets), torch.tensor(drafts), vocab)
    assert found.mixing == fit_rank_one(targets, drafts, vocab).mixing
    assert found.kernel.redistribute(torch.tensor(drafts)).shape == (20, 30)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cold_mass_as_weight(dtype):
    targets, full, vocab = contexts(5, 20, 30, 8)
    full = full.astype(dtype)
    weights = exact_cold_mass_weight(full, vocab)
    assert np.abs(weights - full[:, vocab.cold].sum(axis=1)).max() < 1e-6
    kernel = ColdMassRankOne(vocab, cold_prior(targets, vocab)).at(full)
    draft = restrict(full, vocab)
    by_hand = embed(draft, vocab) * (1 - weights[:, None]) + weights[:, None] * kernel.prior
    assert np.abs(kernel.redistribute(draft) - by_hand).max() < 1e-6


def test_all_kept_drafts_have_no_cold_mass():
    """Rounding can lift a sum above 1; the weight stays legal."""
    full = np.full((4, 10), np.float32(0.1))
    weights = exact_cold_mass_weight(full, Vocabulary(11, np.arange(10), draft_size=10, draft_ids=np.arange(10)))
    assert (weights >= 0).all()
    assert (weights < 1e-6).all()
