"""Sums over every prefix: by hand, on all libraries, and against the real verifiers by simulation of their law."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.tolerances import EXACT
from rdk_theory.trajectories import accepted_by_block, accepted_by_tokens, trajectory_rejections
from rdk_theory.verification import verify_block, verify_chain

FUNCTIONS = (trajectory_rejections, accepted_by_tokens, accepted_by_block)


def thirds(*numerators):
    return np.array([Fraction(n, 3) for n in numerators], dtype=object)


def steady(row, steps):
    return [np.broadcast_to(row, (len(row),) * (step + 1)) for step in range(steps)]


def random_laws(rng, size, steps):
    return [
        rng.dirichlet(np.full(size, 0.7), size=(size,) * step).reshape((size,) * (step + 1)) for step in range(steps)
    ]


def test_two_tokens_by_hand():
    p, r = steady(thirds(1, 2), 2), steady(thirds(2, 1), 2)
    assert trajectory_rejections(p, r) == Fraction(2, 3)
    assert accepted_by_tokens(p, r) == Fraction(10, 9)
    assert accepted_by_block(p, r) == Fraction(11, 9)


def test_a_law_that_depends_on_the_prefix():
    p = [thirds(1, 2), np.stack([thirds(3, 0), thirds(0, 3)])]
    r = [thirds(1, 2), np.stack([thirds(3, 0), thirds(3, 0)])]
    # Only after the second token, whose mass is 2/3, is the draft wrong, and then always.
    assert trajectory_rejections(p, r) == Fraction(2, 3)
    assert accepted_by_tokens(p, r) == accepted_by_block(p, r) == 1 + Fraction(1, 3)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_libraries_agree(function):
    p, r = [thirds(1, 2), np.stack([thirds(3, 0), thirds(1, 2)])], steady(thirds(2, 1), 2)
    exact = function(p, r)
    p, r = ([np.asarray(row, dtype=np.float64) for row in laws] for laws in (p, r))
    assert abs(function(p, r) - float(exact)) <= EXACT
    p, r = ([torch.tensor(row) for row in laws] for laws in (p, r))
    assert abs(float(function(p, r)) - float(exact)) <= EXACT
    half = [[row.to(torch.bfloat16) for row in laws] for laws in (p, r)]
    assert function(*half).dtype == torch.float64


def test_one_step_is_acceptance():
    rng = np.random.default_rng(0)
    p, r = random_laws(rng, 5, 1), random_laws(rng, 5, 1)
    alpha = acceptance_rate(p[0], r[0])
    for found, want in zip((f(p, r) for f in FUNCTIONS), (1 - alpha, alpha, alpha), strict=True):
        assert abs(found - want) <= EXACT


def test_equal_laws_reject_nothing():
    p = random_laws(np.random.default_rng(1), 3, 3)
    for found, want in zip((f(p, p) for f in FUNCTIONS), (0, 3, 3), strict=True):
        assert abs(found - want) <= EXACT


@pytest.mark.parametrize(
    ("verify", "expected"), [(verify_chain, accepted_by_tokens), (verify_block, accepted_by_block)]
)
def test_verifiers_accept_what_the_sum_says(verify, expected):
    """200,000 chains of 3: five standard errors of the mean are at most 0.017; the wrong sum is 0.1 away."""
    rng = np.random.default_rng(2)
    size, gamma, count = 3, 3, 200_000
    targets, proposals = random_laws(rng, size, gamma + 1), random_laws(rng, size, gamma)
    chains = np.zeros((count, 0), dtype=np.int64)
    for law in proposals:
        cumulative = law[tuple(chains.T)].reshape(-1, size).cumsum(axis=-1)
        cumulative = np.broadcast_to(cumulative, (count, size))
        drawn = (rng.random(count)[:, None] > cumulative[:, :-1]).sum(axis=-1)
        chains = np.concatenate([chains, drawn[:, None]], axis=-1)
    rows = [
        [np.broadcast_to(law[tuple(chains[:, :t].T)], (count, size)) for t, law in enumerate(laws)]
        for laws in (targets, proposals)
    ]
    p, r = (np.stack(row, axis=1) for row in rows)
    found = verify(p, r, chains, rng.random((count, gamma)), rng.random(count), rng.random(count))
    error = 5 * (gamma / 2) / count**0.5
    right, wrong = (
        f(targets[:-1], proposals) for f in (expected, *({accepted_by_tokens, accepted_by_block} - {expected}))
    )
    assert abs(found.accepted.mean() - right) <= error
    assert abs(found.accepted.mean() - wrong) > error
