"""A weight from the cold mass: legal, rising, no worse than a fixed one where it was fitted, and lossless."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import Vocabulary, acceptance_rate, ensembles, restrict
from rdk_theory.cold_mass import ColdHead
from rdk_theory.distributions import embed, softmax
from rdk_theory.fitting import exact_cold_mass_weight, fit_rank_one
from rdk_theory.fitting.cold_weight import cold_share, fit_cold_weight
from rdk_theory.fitting.mass_weight import SHRINKAGES
from rdk_theory.kernels import RankOne
from rdk_theory.mixing import optimal_mixing
from rdk_theory.tolerances import EXACT
from rdk_theory.verification.law import emitted_law
from rdk_theory.verification.token import verify_token

MAKERS = [ensembles.zipf, ensembles.dirichlet, ensembles.low_rank_softmax]


def contexts(seed, count, size, kept):
    """Targets, full drafts, and a vocabulary with its kept tokens in any order."""
    rng = np.random.default_rng(seed)
    targets, full = MAKERS[seed % len(MAKERS)](rng, count, size)
    return targets, full, Vocabulary(size, rng.permutation(size)[:kept])


def uneven(seed, count=240, size=40, kept=8):
    """Contexts whose cold mass varies much: every draft is the target, and its logits of cold tokens are shifted."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, size)) / 4
    logits[:, kept:] += 2 * rng.normal(size=(count, 1)) - 2
    target = softmax(logits)
    return target, target, Vocabulary(size, np.arange(kept))


sizes = st.tuples(st.integers(0, 2**32), st.integers(1, 12), st.integers(3, 20)).flatmap(
    lambda x: st.tuples(st.just(x[0]), st.just(x[1]), st.just(x[2]), st.integers(1, x[2] - 1))
)


def mean_acceptance(targets, full, vocab, weights, prior):
    return acceptance_rate(targets, RankOne(vocab, weights, prior).redistribute(restrict(full, vocab))).mean()


@given(sizes, st.sampled_from(["exact", "ties", "noise"]), st.integers(1, 6), st.booleans())
def test_no_worse_than_the_best_fixed_weight_and_tli(size, kind, bins, shrink):
    targets, full, vocab = contexts(*size)
    rng = np.random.default_rng(size[0])
    estimates = {
        "exact": lambda: exact_cold_mass_weight(full, vocab),
        "ties": lambda: rng.integers(0, 3, size[1]) / 2,
        "noise": lambda: rng.random(size[1]),
    }[kind]()
    documents = np.arange(size[1]) if shrink and size[1] > 1 else None
    fit = fit_cold_weight(targets, restrict(full, vocab), vocab, estimates, bins=bins, documents=documents)
    weights = fit.weight(estimates)
    assert ((weights >= 0) & (weights <= 1)).all()
    assert (np.diff(fit.weights) >= 0).all()
    assert fit.weights.size == fit.edges.size + 1 <= bins
    got = mean_acceptance(targets, full, vocab, weights, fit.prior)
    assert abs(got - fit.acceptance) <= EXACT
    fixed = fit_rank_one(targets, restrict(full, vocab), vocab)
    assert fit.fixed == fixed.mixing
    assert got >= fixed.acceptance - EXACT
    assert got >= acceptance_rate(targets, embed(restrict(full, vocab), vocab)).mean() - EXACT


@given(sizes, st.integers(2, 4))
def test_pooling_finds_the_best_rising_sequence(size, bins):
    """The second road: of all ways to cut the bins into runs, each with its best weight, the best that rises."""
    targets, full, vocab = contexts(*size)
    q = embed(restrict(full, vocab), vocab)
    estimates = np.random.default_rng(size[0]).random(size[1])
    fit = fit_cold_weight(targets, restrict(full, vocab), vocab, estimates, bins=bins)
    places = np.searchsorted(fit.edges, estimates, side="right")
    count = fit.weights.size
    best = 0.0
    for cuts in itertools.product([False, True], repeat=count - 1):
        run = np.concatenate([[0], np.cumsum(cuts)]).astype(int)[places]
        tops = [optimal_mixing(targets[run == k], q[run == k], fit.prior) for k in range(sum(cuts) + 1)]
        if all(a.weight <= b.weight + 1e-9 for a, b in itertools.pairwise(tops)):
            best = max(best, sum(top.acceptance * (run == k).sum() for k, top in enumerate(tops)) / size[1])
    assert fit.acceptance == pytest.approx(best, abs=1e-9)


def test_what_the_mass_tells_is_used_and_noise_is_shrunk_away():
    """On contexts whose cold mass varies it gains on others too; the same masses in another order gain nothing."""
    targets, full, vocab = uneven(0)
    drafts, mass = restrict(full, vocab), exact_cold_mass_weight(full, vocab)
    documents = np.arange(240) // 4
    others, other_full, _ = uneven(1)
    fit = fit_cold_weight(targets, drafts, vocab, mass, documents=documents)
    on_others = fit.weight(exact_cold_mass_weight(other_full, vocab))
    fixed = mean_acceptance(others, other_full, vocab, np.array(fit.fixed.weight), fit.prior)
    assert mean_acceptance(others, other_full, vocab, on_others, fit.prior) > fixed + 0.01
    assert fit.shrinkage == 0
    shuffled = np.random.default_rng(2).permutation(mass)
    noise = fit_cold_weight(targets, drafts, vocab, shuffled, documents=documents)
    assert noise.shrinkage > 0
    assert mean_acceptance(others, other_full, vocab, noise.weight(shuffled), noise.prior) < fixed + 0.005


def test_a_mass_that_is_overestimated_is_repaired():
    """An estimate of constant error in the order-preserving sense costs nothing; as a weight it would cost much."""
    targets, full, vocab = uneven(3)
    drafts, mass = restrict(full, vocab), exact_cold_mass_weight(full, vocab)
    plain = fit_cold_weight(targets, drafts, vocab, mass)
    bent = fit_cold_weight(targets, drafts, vocab, mass**0.25)
    assert bent.acceptance == plain.acceptance
    assert np.array_equal(bent.weights, plain.weights)
    assert mean_acceptance(targets, full, vocab, mass**0.25, plain.prior) < plain.acceptance - 0.05


def test_shrinkage_is_one_of_those_offered_and_a_single_bin_is_the_fixed_weight():
    targets, full, vocab = contexts(1, 30, 20, 5)
    mass = exact_cold_mass_weight(full, vocab)
    fit = fit_cold_weight(targets, restrict(full, vocab), vocab, mass, documents=np.arange(30) // 3)
    assert fit.shrinkage in SHRINKAGES
    one = fit_cold_weight(targets, restrict(full, vocab), vocab, mass, bins=1)
    assert one.weights.tolist() == [one.fixed.weight]


def test_contexts_with_their_own_weights_lose_nothing():
    """Exact, in rationals: each context's proposal is a law, and what is emitted is the target's, for any weights."""
    targets, full, vocab = uneven(4, count=24, size=6, kept=3)
    fit = fit_cold_weight(targets, restrict(full, vocab), vocab, exact_cold_mass_weight(full, vocab), bins=4)
    p = np.array([Fraction(x, 12) for x in (3, 0, 1, 4, 3, 1)], dtype=object)
    q = np.array([Fraction(x, 6) for x in (3, 2, 1)], dtype=object)
    prior = np.array([Fraction(x, 8) for x in (0, 0, 0, 4, 3, 1)], dtype=object)
    weights = np.unique(np.round(fit.weight(np.linspace(0, 1, 9)) * 16).astype(int))
    assert weights.size > 1
    thetas = np.array([Fraction(int(w), 16) for w in weights], dtype=object)
    proposals = RankOne(vocab, thetas, prior).redistribute(np.broadcast_to(q, (thetas.size, 3)))
    for proposal in proposals:
        assert (emitted_law(verify_token, p, proposal).law == p).all()
    # Control: a weight that looks at the drafted token is another draft law than the one that is verified against.
    seen = np.array([Fraction(1, 16), Fraction(3, 4), Fraction(1, 4)], dtype=object)
    drawn = embed(q * (1 - seen), vocab) + (q * seen).sum() * prior
    assert drawn.sum() == 1
    claimed = (1 - seen.max()) * embed(q, vocab) + seen.max() * prior
    accepted = np.array(
        [min(Fraction(1), x / r) if r else Fraction(1) for x, r in zip(p, claimed, strict=True)], dtype=object
    )
    residual = p - np.minimum(p, claimed)
    emitted = drawn * accepted + (1 - (drawn * accepted).sum()) * residual / residual.sum()
    assert (emitted != p).any()


def test_the_share_is_the_cold_mass_if_the_logarithm_is_exact():
    rng = np.random.default_rng(6)
    logits = 3 * rng.normal(size=(2, 5, 12))
    vocab = Vocabulary(12, [7, 2, 9])
    log_mass = np.log(np.exp(logits[..., vocab.cold]).sum(axis=-1))
    got = cold_share(log_mass, logits[..., vocab.kept])
    assert np.abs(got - softmax(logits)[..., vocab.cold].sum(axis=-1)).max() <= EXACT
    mine = cold_share(torch.from_numpy(log_mass), torch.from_numpy(logits[..., vocab.kept]))
    assert np.abs(mine.numpy() - got).max() <= EXACT
    assert cold_share(np.array([-1e4, 0.0, 1e4]), np.full((3, 1), 0.0)).tolist() == [0.0, 0.5, 1.0]


def test_gaussian_rows_give_the_mass_by_their_covariance_and_not_by_their_mean():
    rng = np.random.default_rng(7)
    head, hidden = rng.normal(size=(20_000, 4)), rng.normal(size=(6, 4)) / 2
    vocab = Vocabulary(20_000, np.arange(10))
    cold = ColdHead.from_head(head, vocab)
    kept = hidden @ head[vocab.kept].T
    exact = softmax(hidden @ head.T)[:, vocab.cold].sum(axis=1)
    mean, _ = cold.moments(hidden)
    assert np.abs(np.log1p(-cold_share(cold.log_mass(hidden), kept)) - np.log1p(-exact)).max() < 0.05
    assert np.abs(np.log1p(-cold_share(np.log(cold.size) + mean, kept)) - np.log1p(-exact)).max() > 0.3


def test_torch_gives_the_fit_of_numpy():
    targets, full, vocab = contexts(4, 20, 30, 8)
    drafts, mass = restrict(full, vocab), exact_cold_mass_weight(full, vocab)
    fit = fit_cold_weight(targets, drafts, vocab, mass, bins=4)
    mine = fit_cold_weight(torch.tensor(targets), torch.tensor(drafts), vocab, torch.tensor(mass), bins=4)
    assert np.array_equal(mine.weights, fit.weights)
    weights = fit.weight(torch.tensor(mass))
    assert weights.tolist() == fit.weight(mass).tolist()
    proposal = fit.at(torch.tensor(mass)).redistribute(torch.tensor(drafts))
    assert np.abs(proposal.numpy() - fit.at(mass).redistribute(drafts)).max() <= EXACT
