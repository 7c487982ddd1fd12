"""Samples of every verifier against the target's law, on numpy and torch, and the wrong samplers, which must fail.

Every law test passes the right law with probability at least 1 − 10⁻⁹ and finds out any law whose total variation to
the target is at least the stated `smallest` with probability at least 1 − 10⁻⁶.
"""

import numpy as np
import pytest
import torch

from rdk_theory import Vocabulary, restrict, verify_block, verify_chain, verify_lazy, verify_token
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Embedding, RankOne
from rdk_theory.sampling import inverse_cdf
from rdk_theory.statistics import binomial_test, law_test, law_test_plan
from rdk_theory.verification.law import farey, sampler_law
from rdk_theory.verification.mutants import HALF_ROUNDS_TO_ZERO, MUTANTS, revealing_instance
from rdk_theory.verification.samplers import (
    Randomness,
    exact_match_sampler,
    race_sampler,
    randomness,
    rejection_sampler,
)

FALSE_FAIL, FALSE_PASS = 1e-9, 1e-6

libraries = pytest.mark.parametrize("library", ["numpy", "torch"])


def plan(law, smallest=0.02):
    return law_test_plan(law, smallest, FALSE_FAIL, FALSE_PASS)


def passes(tokens, test):
    counts = np.bincount(np.asarray(tokens), minlength=test.law.size)
    return law_test(counts, test).passed


def to(library, *arrays):
    made = [np.ascontiguousarray(a) for a in arrays]
    return made if library == "numpy" else [torch.from_numpy(a) for a in made]


def rows(x, count):
    return np.broadcast_to(x, (count, *np.shape(x)))


def laws(seed, size=8):
    """A target and a proposal with zeros of their own, ties, and mass that the other lacks."""
    rng = np.random.default_rng(seed)
    p, r = rng.dirichlet(np.full(size, 0.7)), rng.dirichlet(np.full(size, 0.7))
    p[1] = r[2] = 0
    p, r = p / p.sum(), r / r.sum()
    r[5:] = p[5:]
    r[:5] *= (1 - r[5:].sum()) / r[:5].sum()
    return p, r


@libraries
def test_token(library):
    target, proposal = laws(0)
    test = plan(target)
    rng = np.random.default_rng([0, *library.encode()])
    drafted = inverse_cdf(rows(proposal, test.samples), rng.random(test.samples))
    numbers = rng.random((2, test.samples))
    arrays = to(library, rows(target, test.samples), rows(proposal, test.samples), drafted, *numbers)
    tokens, accepted = verify_token(*arrays)
    assert passes(tokens, test)
    overlap = np.minimum(target, proposal).sum()
    assert binomial_test(int(accepted.sum()), test.samples, overlap, "two-sided") > FALSE_FAIL
    assert not passes(drafted, test)  # the control: what was drafted has another law


@libraries
@pytest.mark.parametrize("verify", [verify_chain, verify_block])
def test_sequences(verify, library):
    """Joint law of three tokens over laws that depend on the prefix; missing tokens come from the target itself."""
    rng = np.random.default_rng([1, *library.encode()])
    size, gamma = 3, 2
    target, proposal = ([rng.dirichlet(np.ones(size), size=(size,) * step) for step in range(3)] for _ in range(2))
    joint = (target[0][:, None, None] * target[1][:, :, None] * target[2]).ravel()
    test = plan(joint)
    n = test.samples

    def draw(table, *prefix):
        law = rows(table, n) if not prefix else table[prefix]
        return inverse_cdf(law, rng.random(n))

    first = draw(proposal[0])
    second = draw(proposal[1], first)
    targets = np.stack([rows(target[0], n), target[1][first], target[2][first, second]], axis=1)
    proposals = np.stack([rows(proposal[0], n), proposal[1][first]], axis=1)
    drafted = np.stack([first, second], axis=1)
    out = verify(*to(library, targets, proposals, drafted, rng.random((n, gamma)), rng.random(n), rng.random(n)))
    tokens = np.asarray(out.tokens).copy()
    tokens[:, 1] = np.where(tokens[:, 1] < 0, draw(target[1], tokens[:, 0]), tokens[:, 1])
    tokens[:, 2] = np.where(tokens[:, 2] < 0, draw(target[2], tokens[:, 0], tokens[:, 1]), tokens[:, 2])
    assert passes(np.ravel_multi_index(tokens.T, (size,) * 3), test)
    # The control: the drafted tokens, whether accepted or not, then a token from the target.
    unverified = np.ravel_multi_index((first, second, draw(target[2], first, second)), (size,) * 3)
    assert not passes(unverified, test)


@libraries
@pytest.mark.parametrize("tries", [0, 1, 4])
def test_lazy(library, tries):
    target, _ = laws(2)
    vocab = Vocabulary(8, [6, 0, 3, 2])
    rng = np.random.default_rng([2, tries, *library.encode()])
    draft, prior = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(8))
    test = plan(target)
    n = test.samples
    shapes = [(n,)] * 3 + [(n, tries)] * 2 + [(n,)]
    p, q, prior, *numbers = to(
        library, rows(target, n), rows(draft, n), prior, *(rng.random(shape) for shape in shapes)
    )
    kernel = RankOne(vocab, 0.4, prior)
    _, drafted = draft_token(q, kernel, *numbers[:2])
    out = verify_lazy(p, q, kernel, drafted, *numbers[2:])
    assert passes(out.token, test)
    assert not passes(drafted, test)
    # Columns: 2 − α^m in expectation, between 1 and m + 1 each; Hoeffding at 10⁻⁹ on each side.
    alpha = np.minimum(target, np.asarray(kernel.redistribute(q[:1]))[0]).sum()
    slack = tries * np.sqrt(np.log(2 / FALSE_FAIL) / (2 * n))
    assert abs(float(np.asarray(out.columns).mean()) - (2 - alpha**tries)) <= slack
    fell_back = int(np.asarray(out.fell_back).sum())
    assert binomial_test(fell_back, n, (1 - alpha) * alpha**tries, "two-sided") > FALSE_FAIL


def float_instance(mutant):
    """The mutant's rational instance in floats."""
    target, draft, kernel = mutant.instance()
    prior, weight = kernel.prior.astype(float), float(kernel.weight)
    return target.astype(float), draft.astype(float), RankOne(kernel.vocab, weight, prior)


def sample(sampler, target, draft, kernel, count, seed):
    numbers = randomness(np.random.default_rng(seed), (count,), target.size)
    return sampler(rows(target, count), rows(draft, count), kernel, numbers)


by_bug = pytest.mark.parametrize("mutant", MUTANTS, ids=[m.bug for m in MUTANTS])
sampled = pytest.mark.parametrize(
    "mutant", [m for m in MUTANTS if m.bug != "half-precision underflow accepts"], ids=lambda m: m.bug
)


def test_there_are_seven_mutants():
    assert len({m.sampler for m in MUTANTS}) == len({m.bug for m in MUTANTS}) == 7


@by_bug
def test_exact_law_of_a_mutant_is_not_the_target(mutant):
    target, draft, kernel = mutant.instance()
    assert (sampler_law(rejection_sampler, target, draft, kernel, farey(6)) == target).all()
    if mutant.races:
        # A race has no boxes to enumerate; it is found out by samples below.
        with pytest.raises(ValueError, match="race must be"):
            sampler_law(mutant.sampler, target, draft, kernel)
        return
    assert (sampler_law(mutant.sampler, target, draft, kernel, farey(6)) != target).any()


@sampled
def test_samples_of_a_mutant_fail(mutant):
    target, draft, kernel = float_instance(mutant)
    test = plan(target, smallest=0.03)
    assert not passes(sample(mutant.sampler, target, draft, kernel, test.samples, 3), test)


@pytest.mark.parametrize("sampler", [rejection_sampler, race_sampler, exact_match_sampler], ids=lambda s: s.__name__)
@pytest.mark.parametrize("mutant", [MUTANTS[0], MUTANTS[4]], ids=lambda m: m.instance.__name__)
def test_samples_of_right_samplers_pass(sampler, mutant):
    target, draft, kernel = float_instance(mutant)
    test = plan(target, smallest=0.03)
    assert passes(sample(sampler, target, draft, kernel, test.samples, 4), test)


def test_taking_the_draft_as_certain_in_test_and_residual_alike_is_no_bug():
    """Unlike the mutant that does so in the accept test only."""
    target, draft, kernel = revealing_instance()
    assert (sampler_law(exact_match_sampler, target, draft, kernel, farey(6)) == target).all()


def test_sorted_kept_ids_hide_the_permutation():
    target, draft, kernel = revealing_instance()
    ascending = RankOne(Vocabulary(3, kernel.vocab.ascending), kernel.weight, kernel.prior)
    mutant = next(m for m in MUTANTS if "permutation" in m.bug)
    assert (sampler_law(mutant.sampler, target, draft, ascending, farey(6)) == target).all()


def test_underflow_is_seen_on_the_token_that_underflows():
    """Its drafted mass is too small for a test of the whole law, so the token is drafted on purpose.

    It should pass once in sixteen times. With 400 trials: the right sampler exceeds 100 passes with probability below
    10⁻⁹, one that always accepts never stays below.
    """
    mutant = next(m for m in MUTANTS if "underflow" in m.bug)
    target, draft, kernel = mutant.instance()
    trials = 400
    assert binomial_test(100, trials, 1 / 16, "greater") < FALSE_FAIL
    rng = np.random.default_rng(5)
    last = np.full(trials, 1 - 2.0**-30)
    numbers = Randomness(last, rng.random(trials), rng.random(trials), rng.random(trials), None)
    p, q = (rows(x.astype(float), trials) for x in (target, draft))
    assert (np.float16(draft.astype(float)[1])) == 0
    assert (rejection_sampler(p, q, kernel, numbers) == 1).sum() <= 100
    assert (mutant.sampler(p, q, kernel, numbers) == 1).sum() > 100


def test_half_precision_rounds_to_zero_where_the_mutant_says():
    assert np.float16(HALF_ROUNDS_TO_ZERO) == 0
    assert np.float16(np.nextafter(HALF_ROUNDS_TO_ZERO, 1)) > 0


@libraries
def test_restricted_proposal_with_unsorted_ids(library):
    """From a full drafter row to the emitted token, as an engine does it."""
    rng = np.random.default_rng([6, *library.encode()])
    target = rng.dirichlet(np.ones(6))
    vocab = Vocabulary(6, [4, 1, 5], draft_size=7, draft_ids=[6, 0, 2])
    test = plan(target)
    n = test.samples
    full, p = to(library, rows(rng.dirichlet(np.ones(7)), n), rows(target, n))
    first, second, accept, residual = to(library, *rng.random((4, n)))
    kernel = Embedding(vocab)
    draft = restrict(full, vocab)
    _, drafted = draft_token(draft, kernel, first, second)
    assert set(np.asarray(drafted).tolist()) == {4, 1, 5}
    assert passes(verify_token(p, kernel.redistribute(draft), drafted, accept, residual)[0], test)
