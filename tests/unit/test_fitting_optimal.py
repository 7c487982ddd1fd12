"""The acceptance-optimal kernel: against HiGHS, against its certificate, and against kernels that must not beat it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from rdk_theory import Vocabulary, acceptance_rate, ensembles, restrict
from rdk_theory.fitting.certificate import upper_bound
from rdk_theory.fitting.optimal import fit_optimal
from rdk_theory.fitting.prior import fit_rank_one
from rdk_theory.kernels import Embedding


def contexts(seed: int, count: int, size: int, kept: int) -> tuple[np.ndarray, np.ndarray, Vocabulary]:
    rng = np.random.default_rng(seed)
    targets = rng.dirichlet(np.full(size, 0.2), count)
    full = 0.6 * targets + 0.4 * rng.dirichlet(np.full(size, 0.2), count)
    vocab = Vocabulary(size, rng.permutation(np.argsort(-targets.mean(axis=0))[:kept]))
    return targets, restrict(full, vocab), vocab


def by_linear_programme(p: np.ndarray, q: np.ndarray) -> float:
    """The optimum over all kernels: variables ``M`` and the overlap ``a ≤ p, a ≤ qM`` of every context and token."""
    (count, size), kept = p.shape, q.shape[1]
    below = sp.hstack([-sp.kron(sp.csr_array(q), sp.eye_array(size)), sp.eye_array(count * size)]).tocsr()
    rows = sp.hstack([sp.kron(sp.eye_array(kept), np.ones((1, size))), sp.csr_array((kept, count * size))]).tocsr()
    cost = np.concatenate([np.zeros(kept * size), np.full(count * size, -1 / count)])
    bounds = [(0, 1)] * (kept * size) + [(0, v) for v in p.ravel()]
    found = linprog(
        cost, A_ub=below, b_ub=np.zeros(count * size), A_eq=rows, b_eq=np.ones(kept), bounds=bounds, method="highs"
    )
    assert found.status == 0
    return -float(found.fun)


def degenerate(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Vocabulary]:
    """Small programmes of random sizes, down to one token, with many optima or singular equations."""
    size, count = int(rng.integers(1, 9)), int(rng.integers(1, 12))
    kept = int(rng.integers(1, size + 1))
    if kind == "spread":  # fewer contexts than kept tokens: rows of the kernel do not matter one by one
        p, q = rng.dirichlet(np.ones(size), count), rng.dirichlet(np.ones(kept), count)
    elif kind == "ties":
        p, q = (rng.integers(0, 3, (count, n)) + np.eye(n)[np.zeros(count, int)] for n in (size, kept))
        p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    elif kind == "certain":  # one token has all the mass; some tokens are never drafted
        p, q = np.eye(size)[rng.integers(0, size, count)], np.eye(kept)[rng.integers(0, kept, count)]
    else:
        p, q = rng.dirichlet(np.full(size, 0.01), count), rng.dirichlet(np.full(kept, 0.01), count)
    return p, q, Vocabulary(size, rng.permutation(size)[:kept])


@pytest.mark.parametrize(("count", "size", "kept"), [(12, 6, 2), (20, 8, 3), (60, 24, 6), (40, 12, 12), (30, 20, 1)])
def test_it_meets_the_optimum_of_highs(count: int, size: int, kept: int) -> None:
    targets, drafts, vocab = contexts(count, count, size, kept)
    best = by_linear_programme(targets, drafts)
    exact, slow = fit_optimal(targets, drafts, vocab), fit_optimal(targets, drafts, vocab, steps=2000)
    assert abs(exact.acceptance - best) <= 1e-7
    assert exact.gap <= 1e-7
    assert slow.gap <= 1e-3
    for fit in (exact, slow):
        assert fit.acceptance <= best + 1e-9
        assert fit.upper_bound >= best - 1e-9
        proposal = fit.kernel.redistribute(drafts)
        assert acceptance_rate(targets, proposal).mean() == pytest.approx(fit.acceptance, abs=1e-12)


@pytest.mark.parametrize("kind", ["spread", "ties", "certain", "sharp"])
def test_it_meets_highs_where_the_programme_is_degenerate(kind: str) -> None:
    rng = np.random.default_rng(len(kind))
    for _ in range(25):
        targets, drafts, vocab = degenerate(kind, rng)
        fit = fit_optimal(targets, drafts, vocab)
        assert fit.gap <= 1e-6
        assert abs(fit.acceptance - by_linear_programme(targets, drafts)) <= 1e-6


def test_a_tolerance_ends_the_exact_method_early() -> None:
    targets, drafts, vocab = contexts(12, 60, 24, 6)
    rough, fine = (fit_optimal(targets, drafts, vocab, tolerance=tolerance) for tolerance in (1e-3, 1e-6))
    assert rough.steps < fine.steps
    assert 1e-6 < rough.gap <= 1e-3
    assert fine.gap <= 1e-6


def test_no_kernel_crosses_the_bound() -> None:
    targets, drafts, vocab = contexts(1, 80, 20, 5)
    fit = fit_optimal(targets, drafts, vocab, steps=200)
    rng = np.random.default_rng(2)
    for _ in range(50):
        matrix = rng.dirichlet(np.full(20, 0.1), 5)
        assert acceptance_rate(targets, drafts @ matrix).mean() <= fit.upper_bound
    assert fit_rank_one(targets, drafts, vocab).acceptance <= fit.acceptance


def test_a_bound_from_wrong_duals_is_still_a_bound() -> None:
    """Weak duality needs nothing of the duals but their range; out of it there is no bound (negative control)."""
    targets, drafts, vocab = contexts(3, 30, 10, 3)
    fit = fit_optimal(targets, drafts, vocab, steps=500)
    rng = np.random.default_rng(4)
    for _ in range(20):
        assert upper_bound(targets, drafts, rng.random(targets.shape)) >= fit.acceptance
    with pytest.raises(ValueError, match="duals"):
        upper_bound(targets, drafts, np.full(targets.shape, 1.5))


def test_a_mean_in_place_of_the_maximum_is_no_bound() -> None:
    """Control: the check that no kernel crosses the bound rejects what a wrong certificate would say."""
    targets, drafts, vocab = contexts(3, 30, 10, 3)
    fit = fit_optimal(targets, drafts, vocab, steps=500)
    duals = (drafts @ fit.kernel.matrix < targets).astype(float)
    prices = drafts.T @ duals / len(drafts)
    unpriced = ((1 - duals) * targets).sum(axis=1).mean()
    assert unpriced + prices.max(axis=1).sum() == pytest.approx(upper_bound(targets, drafts, duals), abs=1e-12)
    assert unpriced + prices.mean(axis=1).sum() < fit.acceptance
    assert prices.max(axis=1).sum() < fit.acceptance  # and without what is not priced


def test_the_gap_shrinks_with_steps_and_stops_at_the_tolerance() -> None:
    targets, drafts, vocab = contexts(5, 100, 30, 6)
    short, long = (fit_optimal(targets, drafts, vocab, steps=steps) for steps in (20, 400))
    assert long.gap < short.gap / 4
    assert fit_optimal(targets, drafts, vocab, steps=400, tolerance=0.05).steps < 100


def test_validation_chooses_among_steps() -> None:
    """On few contexts the fit learns them by heart; held-out contexts choose an earlier kernel."""
    targets, drafts, vocab = contexts(6, 8, 40, 8)
    rng = np.random.default_rng(7)
    others = rng.dirichlet(np.full(40, 0.2), 200)
    restricted = restrict(0.6 * others + 0.4 * rng.dirichlet(np.full(40, 0.2), 200), vocab)
    free = fit_optimal(targets, drafts, vocab, steps=300)
    held = fit_optimal(targets, drafts, vocab, steps=300, validation=(others, restricted))
    there = [acceptance_rate(others, f.kernel.redistribute(restricted)).mean() for f in (free, held)]
    assert there[1] > there[0]
    assert held.acceptance < free.acceptance


def test_float32_rows_give_a_float32_kernel_and_a_bound_that_holds() -> None:
    targets, drafts, vocab = contexts(8, 40, 16, 4)
    single = fit_optimal(targets.astype(np.float32), drafts.astype(np.float32), vocab, steps=300)
    assert single.kernel.redistribute(drafts.astype(np.float32)).dtype == np.float32
    assert single.upper_bound >= by_linear_programme(targets, drafts) - 1e-6
    assert single.gap < 5e-3


def test_a_token_that_is_never_drafted_is_harmless() -> None:
    targets, drafts, vocab = contexts(9, 10, 6, 3)
    drafts = drafts.copy()
    drafts[:, 0] = 0
    drafts /= drafts.sum(axis=1, keepdims=True)
    fit = fit_optimal(targets, drafts, vocab, steps=200)
    assert 0 <= fit.gap < 0.02


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "make",
    [
        lambda rng: ensembles.zipf(rng, 40, 30, spread=0.3),
        lambda rng: ensembles.dirichlet(rng, 40, 30, concentration=1e-3),  # most probabilities are 0 in float32
        lambda rng: ensembles.low_rank_softmax(rng, 40, 30, scale=20.0),
        lambda rng: ensembles.adversarial(rng, 40, 30, 8),
    ],
    ids=["flat", "peaked", "sharp", "adversarial"],
)
def test_extreme_contexts_neither_warn_nor_break_the_bound(make, dtype) -> None:
    """Warnings are errors here. Every fit is at least TLI, and within a tenth of the best that there is."""
    targets, full = make(np.random.default_rng(10))
    vocab = Vocabulary(30, np.argsort(-targets.mean(axis=0))[:8])
    usable = full[:, vocab.kept].sum(axis=1) > 1e-30
    targets, drafts = targets[usable].astype(dtype), restrict(full[usable].astype(dtype), vocab)
    fit = fit_optimal(targets, drafts, vocab, steps=60)
    tli = acceptance_rate(targets, Embedding(vocab).redistribute(drafts)).mean()
    assert fit.acceptance >= tli - 1e-6
    assert 0 <= fit.gap < 0.1


def test_forty_steps_certify_what_plain_steps_do_not() -> None:
    """Control: as many exponentiated steps along plain subgradients, their duals averaged, leave a larger gap."""
    targets, full = ensembles.low_rank_softmax(np.random.default_rng(11), 300, 100)
    vocab = Vocabulary(100, np.argsort(-targets.mean(axis=0))[:10])
    drafts = restrict(full, vocab)
    fit = fit_optimal(targets, drafts, vocab, steps=40)
    matrix, duals = np.full((10, 100), 0.3 / 100), np.zeros(targets.shape)
    matrix[np.arange(10), vocab.kept] += 0.7
    for _ in range(40):
        lacks = (drafts @ matrix < targets).astype(float)
        duals += lacks / 40
        matrix *= np.exp(drafts.T @ lacks / drafts.sum(axis=0)[:, None])
        matrix /= matrix.sum(axis=1, keepdims=True)
    plain = upper_bound(targets, drafts, np.minimum(duals, 1)) - acceptance_rate(targets, drafts @ matrix).mean()
    assert fit.gap < 0.01
    assert plain > 2 * fit.gap
