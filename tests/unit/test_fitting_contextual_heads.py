"""Heads that know the context: exact at full rank, the best of their rank, counted as they are, and lossless."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rdk_theory import acceptance_rate
from rdk_theory._array import to_fractions
from rdk_theory.distributions import embed
from rdk_theory.fitting.cold_head import calibrate_head
from rdk_theory.fitting.cold_head_low_rank import LowRankHead
from rdk_theory.fitting.cold_head_refined import refine_head
from rdk_theory.fitting.gated_priors import fit_gated_priors
from rdk_theory.fitting.prior import cold_prior
from rdk_theory.fitting.shortlist import ShortlistHead
from rdk_theory.tolerances import EXACT
from rdk_theory.verification.law import emitted_law
from rdk_theory.verification.token import verify_token
from tests.unit.contextual_pair import WIDTH, pair

PAIR = pair()
COLD = int(PAIR.vocab.cold.size)
EXACT_LOGITS = PAIR.hidden @ PAIR.head[PAIR.vocab.cold].T


def accepted(fit, contexts):
    """Mean acceptance with the kernels of these contexts."""
    kernel = fit.at(contexts.hidden, contexts.kept_logits)
    return float(acceptance_rate(contexts.targets, kernel.redistribute(contexts.drafts)).mean())


def exact_heads():
    """Heads that leave nothing out, each for its own reason."""
    yield LowRankHead.from_head(PAIR.head, PAIR.vocab, WIDTH)
    yield LowRankHead.from_head(PAIR.head, PAIR.vocab, WIDTH, PAIR.hidden)
    yield ShortlistHead.from_head(PAIR.head, PAIR.vocab, 1, COLD)
    yield ShortlistHead.from_head(PAIR.head, PAIR.vocab, 1, COLD, tail=cold_prior(PAIR.targets, PAIR.vocab))


@pytest.mark.parametrize("head", list(exact_heads()))
def test_a_head_that_leaves_nothing_out_is_the_unpruned_drafter(head):
    found = head.at(PAIR.hidden, PAIR.kept_logits).redistribute(PAIR.drafts)
    assert np.abs(found - PAIR.full).max() <= EXACT
    in_torch = head.at(torch.tensor(PAIR.hidden), torch.tensor(PAIR.kept_logits))
    assert np.abs(in_torch.redistribute(torch.tensor(PAIR.drafts)).numpy() - PAIR.full).max() <= EXACT
    one = head.at(PAIR.hidden[3], PAIR.kept_logits[3]).redistribute(PAIR.drafts[3])
    assert np.abs(one - PAIR.full[3]).max() <= EXACT
    mass = np.log(np.exp(EXACT_LOGITS).sum(axis=1))
    assert np.abs(head.log_mass(PAIR.hidden) - mass).max() <= EXACT


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_no_head_of_its_rank_is_nearer_in_the_contexts(rank):
    """`E|(W − W_R) h|²` is what the spectrum leaves, and no projection leaves less; unwhitened heads leave more."""
    rows = PAIR.head[PAIR.vocab.cold]
    centred = (rows - rows.mean(axis=0)) @ PAIR.hidden.T
    values = np.linalg.svd(centred, compute_uv=False)

    def error(head):
        return float(((head.logits(PAIR.hidden) - EXACT_LOGITS) ** 2).sum())

    best = error(LowRankHead.from_head(PAIR.head, PAIR.vocab, rank, PAIR.hidden))
    assert best == pytest.approx((values[rank:] ** 2).sum(), rel=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(20):
        basis, _ = np.linalg.qr(rng.normal(size=(COLD, rank)))
        assert best <= float(((centred - basis @ (basis.T @ centred)) ** 2).sum())
    assert error(LowRankHead.from_head(PAIR.head, PAIR.vocab, rank)) > 1.001 * best


@pytest.mark.parametrize("length", [1, 7, COLD - 1])
def test_a_shortlist_has_exact_rows_and_the_rest_as_it_was(length):
    prior = cold_prior(PAIR.targets, PAIR.vocab)
    plain = ShortlistHead.from_head(PAIR.head, PAIR.vocab, 2, length, PAIR.hidden)
    tailed = ShortlistHead.from_head(PAIR.head, PAIR.vocab, 2, length, PAIR.hidden, prior)
    scores = plain.scorer.logits(PAIR.hidden)
    for context in range(0, PAIR.hidden.shape[0], 17):
        listed = np.sort(np.argsort(scores[context])[::-1][:length])
        rest = np.setdiff1d(np.arange(COLD), listed)
        for head in (plain, tailed):
            logits = head.logits(PAIR.hidden[context])
            assert np.abs(logits[listed] - EXACT_LOGITS[context, listed]).max() <= EXACT
            assert np.exp(logits[rest]).sum() == pytest.approx(np.exp(scores[context, rest]).sum(), rel=1e-9)
        assert np.abs(plain.logits(PAIR.hidden[context])[rest] - scores[context, rest]).max() <= EXACT
        on_rest = np.exp(logits[rest]) / np.exp(logits[rest]).sum()
        expected = prior[PAIR.vocab.cold][rest]
        assert np.abs(on_rest - expected / expected.sum()).max() <= EXACT


def test_a_batch_of_any_shape_is_its_contexts_one_by_one():
    head = ShortlistHead.from_head(PAIR.head, PAIR.vocab, 2, 4, PAIR.hidden)
    shaped = head.logits(PAIR.hidden[:12].reshape(3, 4, WIDTH))
    assert np.abs(shaped.reshape(12, COLD) - head.logits(PAIR.hidden[:12])).max() <= EXACT
    assert head.logits(PAIR.hidden[:0]).shape == (0, COLD)


def test_costs_are_the_sizes_of_what_is_read():
    prior = cold_prior(PAIR.targets, PAIR.vocab)
    low = LowRankHead.from_head(PAIR.head, PAIR.vocab, 2)
    size = low.left.size + low.right.size + low.mean.size
    assert (low.cost.multiply_adds, low.cost.reads, low.cost.exponentials) == (size, size, COLD)
    assert low.cost.full == PAIR.head.size
    assert low.cost.kept_share == Fraction(PAIR.head[PAIR.vocab.kept].size, PAIR.head.size)
    assert low.cost.bytes(2) == 2 * size
    assert low.cost.operations_share == low.cost.bytes_share == Fraction(size, PAIR.head.size)
    for length in (1, 9):
        short = ShortlistHead(low, PAIR.head[PAIR.vocab.cold], length)
        exact = short.rows[:length].size
        assert (short.cost.multiply_adds, short.cost.reads) == (size + exact, size + exact)
        assert short.cost.compared == low.left.shape[0]
        with_tail = ShortlistHead(low, short.rows, length, prior).cost
        assert (with_tail.multiply_adds, with_tail.reads) == (size + exact, size + exact + COLD - length)
        assert with_tail.bytes_share - with_tail.operations_share == Fraction(COLD - length, PAIR.head.size)


@pytest.mark.parametrize("share", [Fraction(1, 2), 0.8, 1.0])
def test_the_longest_list_that_a_share_pays_for(share):
    head = ShortlistHead.within(share, PAIR.head, PAIR.vocab, PAIR.hidden)
    assert head.scorer.rank == int(share * WIDTH / 2)
    assert head.cost.operations_share <= share
    longer = head.cost.multiply_adds + WIDTH > share * head.cost.full
    assert longer or head.length == COLD


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("documents", [False, True])
def test_a_calibrated_weight_is_no_worse_than_a_fixed_one_and_tli(seed, documents):
    """In the contexts of the fit, and the kernels of these contexts accept what the fit says."""
    made = pair(seed, contexts=60, noise=0.8)
    head = LowRankHead.from_head(made.head, made.vocab, 1 + seed, made.hidden)
    given = (made.targets, made.drafts, made.hidden, made.kept_logits)
    fit = calibrate_head(head, *given, bins=5, documents=made.documents if documents else None)
    assert accepted(fit, made) == pytest.approx(fit.weight.acceptance, abs=1e-9)
    law = head.law(made.hidden)
    q = embed(made.drafts, made.vocab)
    for theta in np.linspace(0, 1, 21):
        fixed = float(acceptance_rate(made.targets, (1 - theta) * q + theta * law).mean())
        assert fit.weight.acceptance >= fixed - EXACT
    assert fit.cost == head.cost


def test_refinement_accepts_more_on_other_documents_too():
    """Of rank 1, far from enough: what the decomposition takes for near is not what is accepted."""
    made = pair(5, contexts=900)
    fitted, others = made.part(slice(0, 600)), made.part(slice(600, 900))
    begun = LowRankHead.from_head(made.head, made.vocab, 1, fitted.hidden)
    given = (fitted.targets, fitted.drafts, fitted.hidden, fitted.kept_logits)
    refined = refine_head(begun, *given, np.random.default_rng(0), epochs=20)
    assert refined.cost == begun.cost
    assert accepted(refined, fitted) > accepted(begun, fitted) + 0.01
    assert accepted(refined, others) > accepted(begun, others) + 0.01


def rational_law(row):
    """A law of floats as the rationals that they are, over their sum."""
    exact = to_fractions(row)
    return exact / exact.sum()


def test_verification_against_the_law_of_the_context_loses_nothing():
    """Exact, in rationals, with the verifier run on all its uniforms: what is emitted has the target's law."""
    tiny = pair(1, contexts=3, size=5, kept=2, width=2)
    low = LowRankHead.from_head(tiny.head, tiny.vocab, 1, tiny.hidden)
    given = (tiny.targets, tiny.drafts, tiny.vocab, tiny.hidden, tiny.kept_logits)
    fits = [
        low,
        ShortlistHead(low, tiny.head[tiny.vocab.cold], 1),
        fit_gated_priors(*given, np.random.default_rng(0), priors=2, steps=2),
    ]
    p = np.array([Fraction(x, 12) for x in (3, 0, 1, 4, 4)], dtype=object)
    for fit in fits:
        proposals = fit.at(tiny.hidden, tiny.kept_logits).redistribute(tiny.drafts)
        assert np.abs(proposals[0] - proposals[1]).max() > 0.01
        for proposal in proposals:
            assert (emitted_law(verify_token, p, rational_law(proposal)).law == p).all()


def test_a_weight_that_looks_at_the_drafted_token_loses():
    """Control: the draw then has another law than the one of the context that is verified against."""
    tiny = pair(1, contexts=1, size=5, kept=2, width=2)
    head = LowRankHead.from_head(tiny.head, tiny.vocab, 1, tiny.hidden)
    law, share = (x[0] for x in head.law_and_share(tiny.hidden, tiny.kept_logits))
    p = np.array([Fraction(x, 12) for x in (3, 0, 1, 4, 4)], dtype=object)
    q, r, theta = rational_law(tiny.drafts[0]), rational_law(law), Fraction(float(share))
    claimed = (1 - theta) * embed(q, tiny.vocab) + theta * r

    def emitted(weights):
        drawn = embed(q * (1 - weights), tiny.vocab) + (q * weights).sum() * r
        passed = drawn * np.array([min(Fraction(1), x / y) for x, y in zip(p, claimed, strict=True)], dtype=object)
        residual = p - np.minimum(p, claimed)
        return passed + (1 - passed.sum()) * residual / residual.sum()

    assert (emitted(np.array([theta, theta])) == p).all()
    assert (emitted(np.array([theta / 2, (1 + theta) / 2])) != p).any()
