"""The co-occurrence kernel: by its definition, whole or cut, and better than one prior where tokens are related."""

import numpy as np
import pytest
import torch

from rdk_theory import Vocabulary, acceptance_rate, ensembles, restrict
from rdk_theory.distributions import embed
from rdk_theory.fitting import cold_prior, cooccurrence, fit_cooccurrence, fit_rank_one, kept_sets
from rdk_theory.kernels import BackedOff, Dense, Embedding
from rdk_theory.mixing import optimal_mixing
from rdk_theory.tolerances import EXACT


def contexts(seed, count, size, kept, maker=ensembles.zipf, **options):
    """Targets, restricted drafts and a vocabulary with its kept tokens in any order."""
    rng = np.random.default_rng(seed)
    targets, drafts = maker(rng, count, size, **options)
    vocab = Vocabulary(size, rng.permutation(kept_sets.highest(targets.mean(axis=0), kept)))
    return targets, restrict(drafts, vocab), vocab


def by_loops(p, q, vocab):
    """`A` by the definition in the docstring, one context and token at a time."""
    matrix = np.zeros((vocab.kept_size, vocab.size))
    for i, token in enumerate(vocab.kept.tolist()):
        for c in range(p.shape[0]):
            tv = np.abs(p[c] - embed(q[c], vocab)).sum() / 2
            for j in vocab.cold.tolist():
                matrix[i, j] += max(q[c, i] - p[c, token], 0) * p[c, j] / tv
        matrix[i] /= q[:, i].sum()
        matrix[i, token] = 1 - matrix[i].sum()
    return matrix


def rate(targets, kernel, drafts):
    return acceptance_rate(targets, kernel.redistribute(drafts)).mean()


@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_is_that_of_the_definition(seed):
    targets, drafts, vocab = contexts(seed, 7, 12, 4)
    fit = fit_cooccurrence(targets, drafts, vocab)
    moves = by_loops(targets, drafts, vocab)
    best = optimal_mixing(targets, embed(drafts, vocab), drafts @ moves)
    assert isinstance(fit.kernel, Dense)
    assert fit.acceptance == pytest.approx(best.acceptance, abs=EXACT)
    home = np.eye(vocab.size)[vocab.kept]
    assert np.abs(fit.kernel.matrix - ((1 - fit.weight) * home + fit.weight * moves)).max() <= EXACT
    assert rate(targets, fit.kernel, drafts) == pytest.approx(fit.acceptance, abs=EXACT)
    other = by_loops(np.roll(targets, 1, axis=0), drafts, vocab)  # control: contexts out of step
    assert np.abs(moves - other).max() > 1e-3


def test_with_all_entries_both_storages_are_one_kernel(monkeypatch):
    monkeypatch.setattr(cooccurrence, "SMALL", (0.0, 0.0))
    targets, drafts, vocab = contexts(5, 30, 40, 10)
    whole = fit_cooccurrence(targets, drafts, vocab)
    cut = fit_cooccurrence(targets, drafts, vocab, entries=40)
    assert isinstance(cut.kernel, BackedOff)
    assert cut.weight == pytest.approx(whole.weight, abs=1e-9)
    assert np.abs(cut.kernel.row(np.arange(10)) - whole.kernel.matrix).max() <= EXACT


@pytest.mark.parametrize("entries", [1, 3, 10])
def test_cut_rows_keep_their_mass_and_follow_the_prior_elsewhere(entries):
    targets, drafts, vocab = contexts(6, 60, 50, 8)
    fit = fit_cooccurrence(targets, drafts, vocab, entries=entries)
    whole = fit_cooccurrence(targets, drafts, vocab)
    assert fit.kernel.nnz <= vocab.kept_size * (entries + 2)
    rows, prior = fit.kernel.row(np.arange(8)), cold_prior(targets, vocab)
    staying = (1 - rows[np.arange(8), vocab.kept]) / fit.weight
    assert np.abs(staying - (1 - whole.kernel.matrix[np.arange(8), vocab.kept]) / whole.weight).max() <= 1e-9
    off = np.sort(rows[:, vocab.cold] / prior[vocab.cold], axis=1)[:, : 42 - entries]
    assert np.abs(off - off[:, :1]).max() <= 1e-9 * off.max()
    assert fit.mixing.baseline == pytest.approx(rate(targets, Embedding(vocab), drafts), abs=EXACT)
    assert fit.acceptance == pytest.approx(rate(targets, fit.kernel, drafts), abs=1e-9)
    assert fit.acceptance >= fit.mixing.baseline


def test_many_rows_are_stored_in_part(monkeypatch):
    monkeypatch.setattr(cooccurrence, "WHOLE", 100)
    monkeypatch.setattr(cooccurrence, "STORED", 32)
    monkeypatch.setattr(cooccurrence, "ROWS", 3)
    targets, drafts, vocab = contexts(7, 30, 40, 8)
    chosen = fit_cooccurrence(targets, drafts, vocab)
    assert isinstance(chosen.kernel, BackedOff)
    asked = fit_cooccurrence(targets, drafts, vocab, entries=4)
    assert np.array_equal(chosen.kernel.row(np.arange(8)), asked.kernel.row(np.arange(8)))


def held_out(seed, cohesion):
    """Gain of the co-occurrence kernel over the rank-one kernel on contexts that neither has seen."""
    targets, drafts, vocab = contexts(
        seed, 1_200, 200, 20, ensembles.low_rank_softmax, cohesion=cohesion, clusters=20, scale=3.0
    )
    seen, fresh = slice(0, 600), slice(600, None)
    kernels = [fit(targets[seen], drafts[seen], vocab).kernel for fit in (fit_cooccurrence, fit_rank_one)]
    ours, prior = (rate(targets[fresh], kernel, drafts[fresh]) for kernel in kernels)
    return ours - prior, prior - rate(targets[fresh], Embedding(vocab), drafts[fresh])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_related_tokens_are_worth_more_than_one_prior(seed):
    """600 fresh contexts: standard errors of these differences are below 0.003."""
    more, prior = held_out(seed, cohesion=0.95)
    assert prior > 0
    assert more > 0.02
    unrelated, _ = held_out(seed, cohesion=0.0)  # control: the advantage comes from the relation
    assert unrelated < more / 2


def test_a_token_that_is_never_drafted_stays_home():
    targets, drafts, vocab = contexts(8, 20, 15, 4)
    drafts[:, 2] = 0
    drafts /= drafts.sum(axis=1, keepdims=True)
    for entries in (None, 2):
        kernel = fit_cooccurrence(targets, drafts, vocab, entries=entries).kernel
        assert np.array_equal(kernel.row(2), np.eye(15)[vocab.kept[2]])


def test_a_drafter_without_excess_is_left_alone():
    """Where q' = p(·|I) with no cold mass in most contexts, nothing is over-covered in them."""
    targets = np.array([[0.5, 0.5, 0.0], [0.5, 0.3, 0.2]])
    drafts = np.array([[0.5, 0.5], [0.625, 0.375]])
    fit = fit_cooccurrence(targets, drafts, Vocabulary(3, [0, 1]))
    assert fit.acceptance >= fit.mixing.baseline
    assert np.isfinite(fit.kernel.matrix).all()


def test_torch_and_float32_rows():
    targets, drafts, vocab = contexts(9, 40, 30, 6)
    wide = fit_cooccurrence(targets, drafts, vocab)
    narrow = fit_cooccurrence(targets.astype(np.float32), drafts.astype(np.float32), vocab)
    assert narrow.kernel.matrix.dtype == np.float32
    assert narrow.acceptance == pytest.approx(wide.acceptance, abs=1e-6)
    other = fit_cooccurrence(torch.tensor(targets), torch.tensor(drafts), vocab)
    assert other.mixing == wide.mixing
