"""Gates of their own in each context: one kernel a row, drawn without a pass over the vocabulary."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rdk_theory import Vocabulary
from rdk_theory.kernels import GatedPriors, RankOne
from rdk_theory.tolerances import EXACT
from rdk_theory.verification.lazy import verify_lazy
from tests.kernel_cases import laws, rational_laws, sparse_laws

VOCAB = Vocabulary(9, [4, 7, 0])


def batched(rng, *batch):
    """Kernels, and their matrices one by one."""
    gates, priors = laws(rng, *batch, 4), sparse_laws(rng, 3, 9)
    matrix = gates[..., :1, None] * np.eye(9)[VOCAB.kept] + (gates[..., 1:] @ priors)[..., None, :]
    return gates, priors, matrix


@pytest.mark.parametrize("batch", [(5,), (2, 3), (0,)])
def test_each_context_has_its_own_kernel(batch):
    rng = np.random.default_rng(0)
    gates, priors, matrix = batched(rng, *batch)
    kernel = GatedPriors(VOCAB, gates, priors)
    assert not kernel.context_free
    draft, token, place = laws(rng, *batch, 3), rng.integers(0, 9, batch), rng.integers(0, 3, batch)
    proposal = (draft[..., None, :] @ matrix)[..., 0, :]
    assert np.abs(kernel.redistribute(draft) - proposal).max(initial=0) <= EXACT
    at_token = np.take_along_axis(proposal, token[..., None], -1)[..., 0]
    assert np.abs(kernel.probability(draft, token) - at_token).max(initial=0) <= EXACT
    columns = np.take_along_axis(matrix, token[..., None, None], -1)[..., 0]
    assert np.abs(kernel.column(token) - columns).max(initial=0) <= EXACT
    rows = np.take_along_axis(matrix, place[..., None, None], -2)[..., 0, :]
    assert np.abs(kernel.row(place) - rows).max(initial=0) <= EXACT
    uniform = rng.random(batch)
    expected = (np.cumsum(rows, -1) <= uniform[..., None]).sum(-1)
    assert np.array_equal(kernel.draw(place, uniform), expected)
    mine = GatedPriors(VOCAB, torch.tensor(gates), torch.tensor(priors))
    assert np.array_equal(mine.draw(torch.tensor(place), torch.tensor(uniform)).numpy(), expected)


def test_draws_are_exact_in_rationals():
    """Every uniform on a grid finer than the running sum gives the token that the running sum says."""
    rng = np.random.default_rng(1)
    kernel = GatedPriors(VOCAB, rational_laws(rng, 4), rational_laws(rng, 3, 9))
    count = 720
    uniform = np.array([Fraction(2 * k + 1, 2 * count) for k in range(count)], dtype=object)
    for place in range(3):
        running = np.cumsum(kernel.row(place))
        expected = np.array([int((running <= u).sum()) for u in uniform])
        assert np.array_equal(kernel.draw(np.full(count, place), uniform), expected)


def test_the_last_uniform_draws_a_token_that_has_probability():
    """The sums of gates and priors are not quite 1: what is beyond them is no token."""
    rng = np.random.default_rng(2)
    gates, priors, matrix = batched(rng, 200)
    place = rng.integers(0, 3, 200)
    for uniform in (0.0, np.nextafter(1.0, 0.0)):
        token = GatedPriors(VOCAB, gates, priors).draw(place, np.full(200, uniform))
        assert (matrix[np.arange(200), place, token] > 0).all()


def test_verification_by_columns_needs_nothing_new():
    """With the same uniforms it emits what it emits for the rank-one kernel that is the same law."""
    rng = np.random.default_rng(4)
    gates, priors, _ = batched(rng, 300)
    mixed = gates[:, 1:] @ priors
    same = RankOne(VOCAB, 1 - gates[:, 0], mixed / mixed.sum(axis=1, keepdims=True))
    target, draft, place = laws(rng, 300, 9), laws(rng, 300, 3), rng.integers(0, 3, 300)
    uniforms = rng.random((2, 300)), rng.random((2, 300, 2)), rng.random(300)
    found = []
    for kernel in (GatedPriors(VOCAB, gates, priors), same):
        drafted = kernel.draw(place, uniforms[0][0])
        found.append(verify_lazy(target, draft, kernel, drafted, uniforms[0][1], *uniforms[1], uniforms[2]))
    for gated, rank_one in zip(*found, strict=True):
        assert np.array_equal(gated, rank_one)
    assert found[0].accepted.any()
    assert found[0].fell_back.any()


def test_narrow_parameters_stand_for_their_entries_over_their_sum():
    rng = np.random.default_rng(3)
    gates, priors = (x.astype(np.float16) for x in (laws(rng, 4), laws(rng, 3, 9)))
    wide = [x.astype(np.float64) / x.astype(np.float64).sum(-1, keepdims=True) for x in (gates, priors)]
    kernel = GatedPriors(VOCAB, gates, priors)
    draft = laws(rng, 3)
    expected = wide[0][0] * draft @ np.eye(9)[VOCAB.kept] + wide[0][1:] @ wide[1]
    assert np.abs(kernel.redistribute(draft) - expected).max() <= EXACT
