"""The streamed fit: against the exact optimum, and its bound against kernels that must not beat it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rdk_theory import Vocabulary, acceptance_rate, ensembles, restrict
from rdk_theory.captures import open_capture
from rdk_theory.fitting._optimal_averaging import Averaging
from rdk_theory.fitting._optimal_sparse import acceptances, cut, shrunk
from rdk_theory.fitting._optimal_table import Table, Tokens
from rdk_theory.fitting.certificate import upper_bound
from rdk_theory.fitting.optimal import fit_optimal
from rdk_theory.fitting.optimal_streamed import FromCapture, InMemory, fit_streamed
from rdk_theory.kernels import Embedding
from tests.capture_folder import write_capture


def contexts(seed: int, count: int = 120, size: int = 40, kept: int = 6) -> tuple[np.ndarray, np.ndarray, Vocabulary]:
    rng = np.random.default_rng(seed)
    targets, full = ensembles.low_rank_softmax(rng, count, size)
    vocab = Vocabulary(size, rng.permutation(np.argsort(-targets.mean(axis=0))[:kept]))
    return targets.astype(np.float32), restrict(full, vocab).astype(np.float32), vocab


def accepted(fit, targets: np.ndarray, drafts: np.ndarray) -> float:
    return float(acceptance_rate(targets, fit.kernel.redistribute(drafts)).mean())


@pytest.mark.parametrize(("rare", "bfloat16"), [(0.0, False), (0.02, False), (0.0, True)])
def test_it_encloses_the_optimum(rare: float, bfloat16: bool) -> None:
    """The bound is over all kernels, those that tell rare tokens apart among them."""
    targets, drafts, vocab = contexts(0)
    best = fit_optimal(targets, drafts, vocab)
    fit = fit_streamed(InMemory(targets, drafts), vocab, steps=300, tolerance=4e-3, rare=rare, bfloat16=bfloat16)
    assert fit.acceptance <= best.acceptance + 1e-6
    assert fit.upper_bound >= best.upper_bound - 1e-6
    assert fit.gap <= 4e-3 + rare
    assert accepted(fit, targets, drafts) == pytest.approx(fit.acceptance, abs=1e-5)


def test_tokens_left_out_of_the_bound_break_it() -> None:
    """Control: without the mass of the shared column, what looks like a bound is below a kernel that exists."""
    targets, drafts, vocab = contexts(1)
    fit = fit_streamed(InMemory(targets, drafts), vocab, steps=300, tolerance=2e-3, rare=0.1)
    shared = Tokens(vocab, targets.mean(axis=0, dtype=np.float64), 0.1).shared
    best = fit_optimal(targets, drafts, vocab)
    assert fit.upper_bound >= best.acceptance
    assert fit.upper_bound - targets[:, shared].sum(axis=1).mean() < best.acceptance


def test_its_bound_is_the_certificate_over_all_tokens_and_contexts() -> None:
    """Columns told apart into tokens, and contexts that came more than once written out, give the same number."""
    targets, drafts, vocab = contexts(7)
    often = np.concatenate([np.arange(120), np.arange(50), np.arange(20)])
    tokens = Tokens(vocab, targets.mean(axis=0, dtype=np.float64), 0.1)
    table = Table.read(InMemory(targets[often], drafts[often]), vocab, tokens, often.size)
    search = Averaging(table, tokens.home, np.float16)
    for _ in range(8):
        search.advance()
    duals = np.repeat(search.duals[:, -1:], 40, axis=1).astype(np.float64)
    duals[:, tokens.alone] = search.duals[:, :-1]
    known = upper_bound(targets[often], drafts[often], np.clip(duals, 0, 1)[often])
    assert tokens.shared.size > 3
    assert search.bound == pytest.approx(known, abs=1e-4)
    assert search.certified() == pytest.approx(known, abs=1e-6)


@pytest.mark.parametrize("support", [3, 40])
def test_a_cut_row_keeps_its_largest_entries_and_all_its_mass(support: int) -> None:
    targets, _, vocab = contexts(8)
    tokens = Tokens(vocab, targets.mean(axis=0, dtype=np.float64), 0.1)
    rng = np.random.default_rng(9)
    matrix = rng.dirichlet(np.ones(tokens.size), 6).astype(np.float32)
    mass = rng.dirichlet(np.ones(6))
    whole = matrix[:, :-1] @ np.eye(40)[tokens.alone] + matrix[:, -1:] * tokens.law
    rows = cut(matrix, mass, tokens, vocab, support).row(np.arange(6))
    assert np.abs(rows.sum(axis=1) - 1).max() < 1e-6
    assert np.abs(mass @ rows - mass @ whole).max() < (1e-6 if support == 40 else 0.1)
    if support == 40:
        assert np.abs(rows - whole).max() < 1e-6
    top = np.argsort(-matrix[:, :-1], axis=1)[:, :3]
    assert (np.take_along_axis(rows[:, tokens.alone], top, axis=1) >= np.take_along_axis(matrix, top, axis=1)).all()


def test_a_share_of_the_embedding_is_that_share() -> None:
    targets, drafts, vocab = contexts(10)
    kernel = fit_streamed(InMemory(targets, drafts), vocab, steps=5).kernel
    moved, tli = kernel.redistribute(drafts), Embedding(vocab).redistribute(drafts)
    mixed = shrunk(kernel, 0.25).redistribute(drafts)
    assert np.abs(mixed - (0.75 * moved + 0.25 * tli)).max() < 1e-6
    values = acceptances(InMemory(targets, drafts), kernel, [0.0, 0.25, 1.0])
    assert values == pytest.approx([acceptance_rate(targets, r).mean() for r in (moved, mixed, tli)], abs=1e-6)


def test_batches_do_not_matter_and_equal_contexts_are_stored_once() -> None:
    targets, drafts, vocab = contexts(2)
    twice = [(targets[:50], drafts[:50]), (targets, drafts), (targets[50:], drafts[50:])]
    whole = fit_streamed(InMemory(targets, drafts), vocab, steps=20, tolerance=0.0)
    parts = fit_streamed(twice, vocab, steps=20, tolerance=0.0)
    assert (whole.contexts, parts.contexts, parts.distinct) == (120, 240, 120)
    assert parts.acceptance == pytest.approx(whole.acceptance, abs=1e-6)
    assert parts.upper_bound == pytest.approx(whole.upper_bound, abs=1e-5)


def test_no_row_stores_more_than_the_support() -> None:
    """Kernels of more entries a row contain those of fewer, and one entry a row is at least TLI here."""
    targets, drafts, vocab = contexts(3)
    fits = [fit_streamed(InMemory(targets, drafts), vocab, steps=60, tolerance=0.0, support=n) for n in (1, 4, 40)]
    for fit, support in zip(fits, (1, 4, 40), strict=True):
        assert np.diff(fit.kernel._rows.indptr).max() <= support + 1  # and the share of the law for all
    tli = acceptance_rate(targets, Embedding(vocab).redistribute(drafts)).mean()
    assert tli - 1e-6 <= fits[0].acceptance < fits[1].acceptance < fits[2].acceptance


def test_validation_never_chooses_worse_than_tli() -> None:
    """Contexts that contradict those of the fit leave TLI; contexts like them leave the fitted kernel."""
    targets, drafts, vocab = contexts(4)
    cold = np.zeros((30, 40), dtype=np.float32)
    cold[:, vocab.kept[0]] = 1
    certain = np.zeros((30, 6), dtype=np.float32)
    certain[:, 0] = 1
    against = fit_streamed(InMemory(targets, drafts), vocab, steps=20, validation_source=InMemory(cold, certain))
    assert against.share == 0
    assert accepted(against, targets, drafts) == pytest.approx(against.acceptance, abs=1e-6)
    assert accepted(against, cold, certain) == pytest.approx(1, abs=1e-6)
    alike = fit_streamed(InMemory(targets, drafts), vocab, steps=20, validation_source=InMemory(targets, drafts))
    assert alike.share == 1
    assert alike.acceptance > against.acceptance


def test_it_is_never_worse_than_tli() -> None:
    """Where the drafter errs by nothing, one step away from the embedding loses, and the embedding is given back."""
    rng = np.random.default_rng(11)
    vocab = Vocabulary(20, rng.permutation(20))
    laws = rng.dirichlet(np.full(20, 0.1), 30).astype(np.float32)
    fit = fit_streamed(InMemory(laws, laws[:, vocab.kept]), vocab, steps=1)
    assert (fit.share, fit.steps) == (0.0, 0)
    assert fit.acceptance == pytest.approx(1, abs=1e-5)


def test_rare_tokens_share_a_column_and_kept_ones_do_not() -> None:
    targets, drafts, vocab = contexts(5)
    mean = targets.mean(axis=0, dtype=np.float64)
    tokens = Tokens(vocab, mean, 0.05)
    assert mean[tokens.shared].sum() <= 0.05
    assert not np.intersect1d(tokens.shared, vocab.kept).size
    assert mean[tokens.shared].max() <= mean[np.setdiff1d(vocab.cold, tokens.shared)].min()
    table = Table.read(InMemory(targets, drafts), vocab, tokens, 120)
    assert table.targets.shape == (120, 40 - tokens.shared.size + 1)
    assert np.abs(table.targets.sum(axis=1) - 1).max() < 1e-5
    assert (tokens.alone[tokens.home] == vocab.kept).all()


def test_a_kernel_to_start_from_saves_steps() -> None:
    targets, drafts, vocab = contexts(6)
    source = InMemory(targets, drafts)
    cold = fit_streamed(source, vocab, steps=200, tolerance=3e-3)
    warm = fit_streamed(source, vocab, steps=200, tolerance=3e-3, start=cold.kernel)
    assert warm.gap <= 3e-3
    assert 0 < warm.steps < cold.steps


def test_a_capture_is_a_source(tmp_path: Path) -> None:
    capture = open_capture(write_capture(tmp_path, 30, 4, 10, 0))
    vocab = Vocabulary(30, [3, 0, 7, 12])
    numbers = np.flatnonzero(capture.split == 0)
    target, draft = capture.rows(numbers)
    whole = fit_streamed(InMemory(target, restrict(draft, vocab)), vocab, steps=10)
    read = fit_streamed(FromCapture(capture, vocab, numbers), vocab, steps=10)
    assert (read.contexts, read.acceptance, read.upper_bound) == (20, whole.acceptance, whole.upper_bound)
