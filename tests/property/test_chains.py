"""Verification of chains and blocks: exact joint laws, what a result says, and the edge cases."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdk_theory import verify_block, verify_chain, verify_token
from rdk_theory.trajectories import accepted_by_block, accepted_by_tokens
from rdk_theory.verification.sequence_law import block_cuts, chain_cuts, emitted_sequence_law, joint_law
from tests.strategies import LARGEST_BELOW_ONE, batches, distributions, rational_distributions, uniforms

VERIFIERS = {"chain": (verify_chain, chain_cuts), "block": (verify_block, block_cuts)}
both = pytest.mark.parametrize(("verify", "cuts"), VERIFIERS.values(), ids=VERIFIERS.keys())


@st.composite
def contextual_laws(draw, steps, size, denominator=4):
    """A row for every prefix of fewer than `steps` tokens: arrays of shapes ``(N,)``, ``(N, N)``, …"""
    return [
        draw(batches((size,) * step, size, lambda n: rational_distributions(n, denominator))) for step in range(steps)
    ]


def as_rows(laws):
    return lambda prefix: laws[len(prefix)][prefix]


@both
@given(st.data())
@settings(max_examples=15)
def test_joint_law_is_the_target(verify, cuts, data):
    size, gamma = data.draw(st.sampled_from(((2, 1), (2, 2), (3, 2), (2, 3), (1, 2))))
    target = as_rows(data.draw(contextual_laws(gamma + 1, size)))
    proposal = as_rows(data.draw(contextual_laws(gamma, size)))
    assert (emitted_sequence_law(verify, target, proposal, gamma, cuts).law == joint_law(target, gamma + 1)).all()


@both
def test_joint_law_is_the_target_where_many_tokens_are_under_covered(verify, cuts):
    """Sixths over three tokens: residuals with more than one token, and prefixes that pass with a weight below 1."""
    rng = np.random.default_rng(4)
    for _ in range(8):
        target, proposal = (as_rows([_sixths(rng, (3,) * step) for step in range(3)]) for _ in range(2))
        assert (emitted_sequence_law(verify, target, proposal, 2, cuts).law == joint_law(target, 3)).all()


@given(st.data())
@settings(max_examples=15)
def test_expected_accepted_tokens_match_the_closed_forms(data):
    size, gamma = data.draw(st.sampled_from(((2, 2), (3, 2), (2, 3))))
    targets, proposals = (data.draw(contextual_laws(gamma + extra, size)) for extra in (1, 0))
    rows = as_rows(targets), as_rows(proposals)
    by_tokens = emitted_sequence_law(verify_chain, *rows, gamma, chain_cuts).accepted
    by_block = emitted_sequence_law(verify_block, *rows, gamma, block_cuts).accepted
    assert by_tokens == accepted_by_tokens(targets[:-1], proposals)
    assert by_block == accepted_by_block(targets[:-1], proposals)
    assert by_block >= by_tokens


def test_a_block_can_accept_strictly_more():
    targets = [np.array([Fraction(1, 3), Fraction(2, 3)]), np.full((2, 2), Fraction(1, 2))]
    proposals = [np.array([Fraction(2, 3), Fraction(1, 3)]), np.array([[Fraction(1, 4), Fraction(3, 4)]] * 2)]
    targets.append(np.full((2, 2, 2), Fraction(1, 2)))
    rows = as_rows(targets), as_rows(proposals)
    by_tokens, by_block = (emitted_sequence_law(v, *rows, 2, cuts).accepted for v, cuts in VERIFIERS.values())
    assert by_block > by_tokens


def test_enumeration_sees_a_wrong_verifier():
    """Bonus drawn from the last proposal instead of the target."""
    rng = np.random.default_rng(3)
    laws = [np.apply_along_axis(_quarters, -1, rng.random((2,) * (n + 1))) for n in range(3)]
    target, proposal = as_rows(laws), as_rows([np.roll(x, 1, axis=-1) for x in laws[:2]])

    def wrong(p, r, x, accept, residual, bonus):
        swapped = p.copy()
        swapped[..., -1, :] = r[..., -1, :]
        return verify_chain(swapped, r, x, accept, residual, bonus)

    def cuts(p, r, chain):
        right = chain_cuts(p, r, chain)
        return right._replace(bonus=[*right.bonus, *np.cumsum(r[-1])])

    emitted = emitted_sequence_law(wrong, target, proposal, 2, cuts).law
    assert (emitted != joint_law(target, 3)).any()


@st.composite
def chains(draw):
    size, gamma = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    targets, proposals = draw(batches((gamma + 1,), size)), draw(batches((gamma,), size))
    drafted = np.array([draw(st.sampled_from(np.flatnonzero(row).tolist())) for row in proposals])
    return targets, proposals, drafted, draw(uniforms((gamma,))), draw(uniforms()), draw(uniforms())


@pytest.mark.parametrize("verify", [verify_chain, verify_block])
@given(chains())
def test_a_result_is_the_accepted_prefix_one_token_and_padding(verify, chain):
    targets, _, drafted, *_ = chain
    tokens, accepted = verify(*chain)
    assert tokens.shape == (drafted.size + 1,)
    assert (tokens[:accepted] == drafted[:accepted]).all()
    assert (tokens[accepted + 1 :] == -1).all()
    assert 0 <= accepted <= drafted.size
    assert targets[accepted, tokens[accepted]] > 0
    assert all(row[x] > 0 for row, x in zip(targets, tokens[:accepted], strict=False))


@given(chains())
def test_a_chain_is_its_tokens_one_by_one(chain):
    targets, proposals, drafted, accept, residual, bonus = chain
    expected, count = [], 0
    for p, r, x, u in zip(targets, proposals, drafted, accept, strict=False):
        token, accepted = verify_token(p, r, np.array(x), np.array(u), residual)
        expected.append(int(token))
        if not accepted:
            break
        count += 1
    tokens, accepted = verify_chain(*chain)
    assert accepted == count
    assert tokens[: len(expected)].tolist() == expected
    if count == drafted.size:
        last = verify_chain(targets[-2:], proposals[-1:], drafted[-1:], np.zeros(1), residual, bonus).tokens[-1]
        assert tokens[-1] == last


@pytest.mark.parametrize("verify", [verify_chain, verify_block])
@given(st.data())
@settings(max_examples=20)
def test_rows_of_a_batch_are_independent(verify, data):
    size, gamma = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    targets, proposals = data.draw(batches((2, 3, gamma + 1), size)), data.draw(batches((2, 3, gamma), size))
    drafted = proposals.argmax(axis=-1)
    numbers = [data.draw(uniforms(shape)) for shape in ((2, 3, gamma), (2, 3), (2, 3))]
    tokens, accepted = verify(targets, proposals, drafted, *numbers)
    for at in np.ndindex(2, 3):
        one = verify(targets[at], proposals[at], drafted[at], *(np.asarray(u[at]) for u in numbers))
        assert (tokens[at] == one.tokens).all()
        assert accepted[at] == one.accepted


@pytest.mark.parametrize("verify", [verify_chain, verify_block])
@given(st.data())
def test_a_perfect_proposal_is_accepted_whole(verify, data):
    size, gamma = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    targets = data.draw(batches((gamma + 1,), size, lambda n: distributions(n)))
    drafted = targets[:-1].argmax(axis=-1)
    accept = np.full(gamma, LARGEST_BELOW_ONE)
    assert verify(targets, targets[:-1], drafted, accept, data.draw(uniforms()), data.draw(uniforms()))[1] == gamma


@pytest.mark.parametrize("verify", [verify_chain, verify_block])
def test_a_tiny_proposal_neither_overflows_nor_makes_nan(verify):
    """``p/r`` is beyond the largest float; the first token has no target mass, so that ``0 · ∞`` would be NaN."""
    targets = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    proposals = np.array([[5e-324, 1.0], [5e-324, 1.0]])
    low = np.zeros(2)
    assert verify(targets, proposals, np.array([1, 0]), low, np.array(0.0), np.array(0.7)).tokens.tolist() == [1, 0, 1]
    assert verify(targets, proposals, np.array([0, 0]), low, np.array(0.0), np.array(0.7)).tokens.tolist() == [
        1,
        -1,
        -1,
    ]


def test_a_block_recovers_where_a_chain_stops():
    """The first token alone would be rejected; together with the second it is as likely as it should be."""
    targets = np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])
    proposals = np.array([[0.5, 0.5], [0.5, 0.5]])
    drafted, accept = np.array([0, 0]), np.array([0.9, 0.9])
    assert verify_chain(targets, proposals, drafted, accept, np.array(0.0), np.array(0.0)).accepted == 0
    assert verify_block(targets, proposals, drafted, accept, np.array(0.0), np.array(0.0)).accepted == 2


def _sixths(rng, batch):
    counts = rng.multinomial(6, np.full(3, 1 / 3), size=batch)
    return np.vectorize(lambda n: Fraction(int(n), 6), otypes=[object])(counts)


def _quarters(row):
    parts = np.floor(row / row.sum() * 4).astype(int)
    parts[-1] = 4 - parts[:-1].sum()
    return np.array([Fraction(int(n), 4) for n in parts], dtype=object)
