"""Ensembles: laws in every row, and each with the property that it is there for."""

import numpy as np
import pytest

from rdk_theory import Vocabulary, acceptance_rate, ensembles, restrict, validation
from rdk_theory.kernels import Embedding, RankOne

MAKERS = {
    "zipf": lambda rng, **options: ensembles.zipf(rng, 200, 60, **options),
    "dirichlet": lambda rng, **options: ensembles.dirichlet(rng, 200, 60, **options),
    "low_rank_softmax": lambda rng, **options: ensembles.low_rank_softmax(rng, 200, 60, **options),
    "adversarial": lambda rng, **options: ensembles.adversarial(rng, 200, 60, 20, **options),
}


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", MAKERS)
def test_rows_are_distributions(name):
    for rows in MAKERS[name](rng()):
        assert rows.shape == (200, 60)
        assert rows.dtype == np.float64
        validation.distribution("rows", rows)


@pytest.mark.parametrize("name", MAKERS)
def test_the_generator_is_all_the_randomness(name):
    first, again, other = (MAKERS[name](rng(seed)) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert all((a != b).any() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("name", ["zipf", "dirichlet", "low_rank_softmax"])
def test_agreement_orders_drafters(name):
    """Mean acceptance over 200 contexts; neighbours differ by 20 standard errors or more."""
    rates = [acceptance_rate(*MAKERS[name](rng(), agreement=a)).mean() for a in (0.0, 0.5, 0.9, 1.0)]
    assert np.diff(rates).min() > 0.05
    assert rates[-1] == pytest.approx(1, abs=1e-12)


def test_zipf_without_spread_is_zipf():
    targets, drafts = ensembles.zipf(rng(), 3, 40, exponent=1.3, spread=0.0)
    law = np.arange(1, 41) ** -1.3
    assert np.abs(targets - law / law.sum()).max() < 1e-15
    assert np.abs(drafts - targets).max() == 0


def test_dirichlet_has_its_moments():
    """Mean 1/N and variance (1/N)(1 − 1/N)/(N a + 1) of each coordinate.

    The mean may stray by 6 standard errors (20 coordinates: false fail below 1e-7 where it is near normal), the
    variance by 30 %, about 10 of its own; a concentration twice too large is off by 44 %.
    """
    size, a = 20, 0.2
    targets, _ = ensembles.dirichlet(rng(), 20_000, size, concentration=a)
    variance = (1 / size) * (1 - 1 / size) / (size * a + 1)
    assert np.abs(targets.mean(axis=0) - 1 / size).max() < 6 * np.sqrt(variance / 20_000)
    assert np.abs(targets.var(axis=0) / variance - 1).max() < 0.3
    wrong, _ = ensembles.dirichlet(rng(), 20_000, size, concentration=2 * a)
    assert np.abs(wrong.var(axis=0) / variance - 1).min() > 0.3


def test_a_tiny_concentration_does_not_underflow():
    targets, drafts = ensembles.dirichlet(rng(), 50, 30, concentration=1e-4)
    validation.distribution("targets", targets)
    assert np.median(targets.max(axis=1)) > 0.999
    assert np.isfinite(drafts).all()


def cold_correlation(cohesion):
    """Mean correlation over contexts of the logs of two cold tokens of one cluster, and of two clusters."""
    clusters = 5
    targets, _ = ensembles.low_rank_softmax(rng(), 2_000, 60, rank=24, clusters=clusters, cohesion=cohesion)
    logs = np.log(targets)
    logs -= logs.mean(axis=1, keepdims=True)  # the normaliser would correlate all tokens
    cold = np.arange(30, 60)
    correlation = np.corrcoef(logs[:, cold].T)
    same = (cold[:, None] - cold) % clusters == 0
    return correlation[same & ~np.eye(30, dtype=bool)].mean(), correlation[~same].mean()


def test_cold_tokens_of_a_cluster_are_correlated():
    within, between = cold_correlation(0.9)
    assert within > 0.7
    assert abs(between) < 0.3
    within, between = cold_correlation(0.0)  # control: the test sees unrelated tokens
    assert abs(within) < 0.2
    assert abs(between) < 0.1


def gains(targets, drafts, vocab, prior, weights):
    """Mean gain over TLI of mixing with `prior` at these weights, one a context."""
    draft = restrict(drafts, vocab)
    mixed = RankOne(vocab, weights, prior).redistribute(draft)
    baseline = Embedding(vocab).redistribute(draft)
    return (acceptance_rate(targets, mixed) - acceptance_rate(targets, baseline)).mean()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_drafters_own_cold_mass_hurts_in_adversarial_contexts(seed):
    kept_size, size, contexts, error, mass = 20, 200, 400, 0.3, 0.1
    vocab = Vocabulary(size, np.arange(kept_size))
    targets, drafts = ensembles.adversarial(rng(seed), contexts, size, kept_size, cold_mass=mass, error=error)
    cold = targets[:, kept_size:].sum(axis=1)
    assert np.abs(cold - mass).max() < 1e-12
    assert np.abs(drafts[:, kept_size:].sum(axis=1) - cold).max() < 1e-12
    prior = np.zeros(size)
    prior[kept_size:] = 1 / (size - kept_size)
    bound = -mass * ((1 - error) * (1 - 1 / kept_size) - 1 / (size - kept_size))
    # Standard error of g_0's mean: sd of Beta(1, 19) is 0.048, over 20 contexts' root; six of them.
    assert gains(targets, drafts, vocab, prior, cold) <= bound + mass * 6 * 0.05 / np.sqrt(contexts)
    assert gains(targets, drafts, vocab, prior, np.full(contexts, 0.01)) < 0


def test_a_drafter_without_errors_is_not_hurt():
    """Control: the loss comes from the error on kept tokens, not from the cold mass."""
    vocab = Vocabulary(200, np.arange(20))
    targets, _ = ensembles.adversarial(rng(), 400, 200, 20)
    prior = np.zeros(200)
    prior[20:] = 1 / 180
    assert gains(targets, targets, vocab, prior, targets[:, 20:].sum(axis=1)) > 0


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ensembles.zipf(rng(), 0, 5), "contexts"),
        (lambda: ensembles.zipf(rng(), 5, 5, exponent=-1.0), "exponent"),
        (lambda: ensembles.zipf(rng(), 5, 5, spread=float("nan")), "spread"),
        (lambda: ensembles.zipf(rng(), 5, 5, agreement=1.5), "agreement"),
        (lambda: ensembles.dirichlet(rng(), 5, 5, concentration=0.0), "concentration"),
        (lambda: ensembles.dirichlet(rng(), 5, 0), "size"),
        (lambda: ensembles.low_rank_softmax(rng(), 5, 5, rank=0), "rank"),
        (lambda: ensembles.low_rank_softmax(rng(), 5, 5, clusters=0), "clusters"),
        (lambda: ensembles.low_rank_softmax(rng(), 5, 5, cohesion=2.0), "cohesion"),
        (lambda: ensembles.adversarial(rng(), 5, 5, 1), "kept_size"),
        (lambda: ensembles.adversarial(rng(), 5, 5, 4), "kept_size"),
        (lambda: ensembles.adversarial(rng(), 5, 9, 4, cold_mass=0.3), "cold_mass"),
        (lambda: ensembles.adversarial(rng(), 5, 9, 4, error=1.5), "cold_mass|error"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()
