"""Exact laws of chains whose length is decided while they are drafted, in rationals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdk_theory import verify_block, verify_chain
from rdk_theory.verification import Verified
from rdk_theory.verification.sequence_law import (
    ChainCuts,
    block_cuts,
    chain_cuts,
    emitted_sequence_law,
    joint_law,
)
from tests.kernel_cases import rational_laws

SIZE, GAMMA = 2, 3
VERIFIERS = {"token": (verify_chain, chain_cuts), "block": (verify_block, block_cuts)}


def tables(seed):
    """A target and a proposal: one rational row for every prefix."""
    rng = np.random.default_rng(seed)
    prefixes = [()] + [tuple(index) for n in range(1, GAMMA + 1) for index in np.ndindex(*(SIZE,) * n)]
    return [dict(zip(prefixes, rational_laws(rng, len(prefixes), SIZE), strict=True)) for _ in range(2)]


def stopped(name, tau):
    """A verifier of chains of full length that looks at their first `tau(chain)` tokens only, and its cuts."""
    verify, cuts = VERIFIERS[name]

    def verify_stopped(targets, proposals, drafted, accept, residual, bonus):
        n = tau(tuple(drafted[0].tolist()))
        out = verify(targets[:, : n + 1], proposals[:, :n], drafted[:, :n], accept[:, :n], residual, bonus)
        missing = np.full((drafted.shape[0], GAMMA - n), -1)
        return Verified(np.concatenate([out.tokens, missing], axis=-1), out.accepted)

    def cuts_stopped(p, r, chain):
        n = tau(chain)
        accept, residual, bonus = cuts(p[: n + 1], r[:n], chain[:n])
        return ChainCuts([*accept, *[[]] * (GAMMA - n)], residual, bonus)

    return verify_stopped, cuts_stopped


def law_of(name, tau, seed):
    """Law of the emitted tokens under a rule, and the target's own."""
    target, proposal = tables(seed)
    verify, cuts = stopped(name, tau)
    emitted = emitted_sequence_law(verify, target.__getitem__, proposal.__getitem__, GAMMA, cuts)
    return emitted.law, joint_law(target.__getitem__, GAMMA + 1)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(0, 2**6 - 1), st.sampled_from(sorted(VERIFIERS)))
def test_a_rule_that_sees_drafted_tokens_only_keeps_the_law(seed, decisions, name):
    """Any rule: after each nonempty prefix of at most two tokens, of which there are six, it goes on or stops."""
    nodes = [tuple(index) for n in range(1, GAMMA) for index in np.ndindex(*(SIZE,) * n)]
    goes_on = {node: bool(decisions >> at & 1) for at, node in enumerate(nodes)}

    def tau(chain):
        return next((n for n in range(1, GAMMA) if not goes_on[chain[:n]]), GAMMA)

    law, own = law_of(name, tau, seed)
    assert (law == own).all()


@pytest.mark.parametrize("name", sorted(VERIFIERS))
def test_a_rule_that_leaves_out_a_token_it_has_seen_does_not(name):
    """The mutant: a second token that is 1 is drafted, looked at, and left out."""
    distances = []
    for seed in range(5):
        law, own = law_of(name, lambda chain: 1 if chain[1] == 1 else GAMMA, seed)
        distances.append(sum(abs(a - b) for a, b in zip(law.ravel(), own.ravel(), strict=True)) / 2)
    assert max(distances) > Fraction(1, 100)
