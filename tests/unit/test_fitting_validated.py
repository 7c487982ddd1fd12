"""The validated fit: steps and shrinkage are chosen on documents held out, and are the best there."""

from __future__ import annotations

import numpy as np
import pytest

from rdk_theory import Vocabulary, acceptance_rate, restrict
from rdk_theory.distributions import embed
from rdk_theory.fitting import fit_optimal, fit_rank_one
from rdk_theory.fitting.validated import fit_validated, shrunk_share
from rdk_theory.kernels import Dense, Embedding
from rdk_theory.statistics import holdout_bound

SIZE, KEPT = 16, 5


def contexts(seed: int, documents: int, spread: float = 6.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, Vocabulary]:
    """Three contexts a document, of one law; the drafter is the target, blurred."""
    rng = np.random.default_rng([3, seed])
    base = np.random.default_rng(3).dirichlet(np.ones(SIZE))
    targets = rng.dirichlet(spread * base + 0.05, 3 * documents)
    vocab = Vocabulary(SIZE, [4, 1, 7, 2, 11])
    drafts = restrict(0.9 * targets + 0.1 * rng.dirichlet(base + 0.05, 3 * documents), vocab)
    return targets, drafts, rng.permutation(documents).repeat(3), vocab


def scattered(seed: int, documents: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, Vocabulary]:
    """Contexts that tell little of others: five topics over 60 tokens, and laws of few tokens each."""
    rng, topics = np.random.default_rng([4, seed]), np.random.default_rng(3).dirichlet(np.full(60, 0.3), 5)
    chosen = rng.integers(0, 5, documents).repeat(3)
    targets = np.stack([rng.dirichlet(3 * topics[i] + 0.02) for i in chosen])
    vocab = Vocabulary(60, np.argsort(-topics.mean(axis=0), kind="stable")[:20])
    noise = rng.dirichlet(np.full(60, 0.05), targets.shape[0])
    return targets, restrict(0.9 * targets + 0.1 * noise, vocab), np.arange(documents).repeat(3), vocab


def mean(targets: np.ndarray, drafts: np.ndarray, kernel: object) -> float:
    return float(acceptance_rate(targets, kernel.redistribute(drafts)).mean())


def test_the_share_is_the_best_on_a_grid() -> None:
    targets, drafts, _, vocab = contexts(0, 8)
    kernel = fit_optimal(*contexts(1, 3)[:2], vocab, steps=60).kernel
    share = shrunk_share(targets, drafts, kernel)
    tli, moved = embed(drafts, vocab), kernel.redistribute(drafts)
    values = [np.minimum(targets, (1 - w) * tli + w * moved).sum(axis=1).mean() for w in np.linspace(0, 1, 501)]
    at_share = np.minimum(targets, (1 - share) * tli + share * moved).sum(axis=1).mean()
    assert 0 < share < 1
    assert at_share >= max(values) - 1e-12
    assert at_share > max(values[0], values[-1]) + 1e-4  # control: neither end is the best


def test_it_is_the_fit_to_all_contexts_with_what_the_held_out_ones_advise() -> None:
    targets, drafts, documents, vocab = contexts(2, 12)
    fit = fit_validated(targets, drafts, vocab, documents, steps=40)
    held = np.isin(documents, np.arange(12)[1::3])
    first = fit_optimal(targets[~held], drafts[~held], vocab, steps=40, validation=(targets[held], drafts[held]))
    again = fit_optimal(targets, drafts, vocab, steps=first.steps)
    share = shrunk_share(targets[held], drafts[held], first.kernel)
    blend = (1 - share) * embed(drafts, vocab) + share * again.kernel.redistribute(drafts)
    assert (fit.steps, fit.share) == (first.steps, share)
    assert np.abs(fit.kernel.redistribute(drafts) - blend).max() < 1e-12
    assert fit.acceptance == pytest.approx(mean(targets, drafts, fit.kernel), abs=1e-12)
    assert fit.acceptance <= fit.upper_bound < again.upper_bound
    assert fit.upper_bound == fit_optimal(targets, drafts, vocab, steps=40).upper_bound
    assert fit.gap == fit.upper_bound - fit.acceptance
    quick = fit_validated(targets, drafts, vocab, documents, steps=40, certify=False)
    assert quick.upper_bound == again.upper_bound
    assert quick.acceptance == fit.acceptance


def test_with_few_contexts_other_documents_like_it_better() -> None:
    """Over 12 draws of 6 documents it gains over the plain fit on fresh contexts; control: in its own it does not."""
    fresh, given, _, vocab = scattered(99, 100)
    gains, own = [], []
    for seed in range(12):
        targets, drafts, documents, _ = scattered(seed, 6)
        plain = fit_optimal(targets, drafts, vocab, steps=60).kernel
        fit = fit_validated(targets, drafts, vocab, documents)
        gains.append(mean(fresh, given, fit.kernel) - mean(fresh, given, plain))
        own.append(fit.acceptance - mean(targets, drafts, plain))
    assert np.mean(gains) > 4 * np.std(gains) / np.sqrt(len(gains))
    assert np.mean(own) < 0


def test_where_no_kernel_gains_on_the_documents_held_out_it_is_tli() -> None:
    """The documents held out are of a kind on which the drafter is perfect."""
    targets, drafts, documents, vocab = contexts(5, 12)
    held = np.isin(documents, np.arange(12)[1::3])
    targets[held] = embed(drafts[held], vocab)
    fit = fit_validated(targets, drafts, vocab, documents, steps=20)
    assert isinstance(fit.kernel, Embedding)
    assert fit.share == 0
    assert fit.acceptance == pytest.approx(mean(targets, drafts, Embedding(vocab)), abs=1e-12)
    targets, drafts, documents, vocab = contexts(5, 12)  # control: with documents of one kind it is not
    assert isinstance(fit_validated(targets, drafts, vocab, documents, steps=20).kernel, Dense)


@pytest.mark.parametrize("maker", ["validated", "optimal", "rank-one"])
def test_every_fit_gives_tli_back_unless_certified(maker: str) -> None:
    targets, drafts, documents, vocab = contexts(6, 40)
    fresh, given, others, _ = contexts(7, 60)
    fit = {
        "validated": lambda: fit_validated(targets, drafts, vocab, documents, steps=20),
        "optimal": lambda: fit_optimal(targets, drafts, vocab, steps=20),
        "rank-one": lambda: fit_rank_one(targets, drafts, vocab),
    }[maker]()
    found = fit.safe(fresh, given, others, 0.9)
    gains = acceptance_rate(fresh, fit.kernel.redistribute(given)) - acceptance_rate(fresh, embed(given, vocab))
    assert found.bound.mean == pytest.approx(gains.mean(), abs=1e-12)
    assert found.bound.lower >= holdout_bound(gains, others, 0.1).lower - 1e-12
    assert found.certified
    assert found.kernel is fit.kernel
    hostile = fit.safe(embed(given, vocab), given, others, 0.9)  # the drafter is perfect: any other kernel loses
    assert not hostile.certified
    assert isinstance(hostile.kernel, Embedding)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"documents": np.zeros(36, dtype=int)}, "documents of shape"),
        ({"documents": np.arange(35)}, "documents has shape"),
        ({"documents": list(range(36))}, "documents must be"),
        ({"targets": np.ones((36, SIZE))}, "targets"),
        ({"drafts": np.full((36, 4), 0.25)}, "drafts"),
        ({"steps": 0}, "steps must be"),
    ],
)
def test_bad_input(change: dict[str, object], message: str) -> None:
    targets, drafts, documents, vocab = contexts(2, 12)
    given = {"targets": targets, "drafts": drafts, "vocab": vocab, "documents": documents} | change
    with pytest.raises(ValueError, match=message):
        fit_validated(**given)
    fit = fit_rank_one(targets, drafts, vocab)
    if "steps" not in change:
        given = {"targets": targets, "drafts": drafts, "documents": documents} | change
        with pytest.raises(ValueError, match=message):
            fit.safe(**given)
