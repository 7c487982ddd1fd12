"""Chains verified by columns: the exact joint law for every number of tries, what is read, which rows are touched."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rdk_theory import Vocabulary, acceptance_rate, verify_chain, verify_lazy, verify_lazy_chain
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Dense, RankOne
from rdk_theory.verification.law import outcome_law, steps, thresholds
from rdk_theory.verification.sequence_law import joint_law
from tests.kernel_cases import KEPT, SIZE, Watched, cases
from tests.kernel_cases import laws as kernel_laws
from tests.strategies import EDGE_UNIFORMS, batches, kernels, rational_distributions, vocabularies

GAMMA = 2


def run(verify, p, q, kernel, chain, tries):
    """The verifier on one chain as a function of its uniforms: the accepted tokens, the columns, the tokens."""

    def draw(first, second, *rest):
        cells = first.size
        p_rows, q_rows, drafted = (np.broadcast_to(x, (cells, *x.shape)) for x in map(np.array, (p, q, chain)))
        *between, fallback, bonus = rest
        propose, keep = (
            np.stack(between[at::2], axis=-1) if tries else np.empty((cells, 0), dtype=object) for at in (0, 1)
        )
        accept = np.stack([first, second], axis=-1)
        out = verify(p_rows, q_rows, kernel, drafted, accept, propose, keep, fallback, bonus)
        return np.stack([out.accepted, out.columns, *out.tokens.T], axis=-1)

    return draw


def enumerated(target, draft, kernel, tries, verify=verify_lazy_chain):
    """Exact joint law of three tokens, mean columns, and mean of ``Σ (2 − α^m)`` over the tokens that were tested."""
    size = kernel.vocab.size
    law = np.full((size,) * (GAMMA + 1), Fraction(0), dtype=object)
    columns, claimed = Fraction(0), Fraction(0)
    for chain in product(range(size), repeat=GAMMA):
        p, q = [target(chain[:i]) for i in range(GAMMA + 1)], [draft(chain[:i]) for i in range(GAMMA)]
        r = [kernel.redistribute(row) for row in q]
        drafted = r[0][chain[0]] * r[1][chain[1]]
        if not drafted:
            continue
        alphas = [acceptance_rate(a, b) for a, b in zip(p, r, strict=False)]

        pairs = list(zip(p, r, strict=False))
        accepting = [[a[x] / b[x]] for (a, b), x in zip(pairs, chain, strict=True)]
        proposing = [c for a, _ in pairs for c in steps(a)]
        keeping = [1 - y / x for a, b in pairs for x, y in zip(a, b, strict=True) if x]
        falling = [c for a, b in pairs for c in thresholds(a, b)]
        cuts = [*accepting, *[proposing, keeping] * tries, falling, steps(p[-1])]
        for (accepted, read, *tokens), mass in outcome_law(run(verify, p, q, kernel, chain, tries), cuts).items():
            columns += drafted * mass * read
            tested = min(accepted + 1, GAMMA)
            claimed += drafted * mass * sum((2 - a**tries for a in alphas[:tested]), Fraction(0))
            emitted = tuple(tokens[: accepted + 1])
            for tail in product(range(size), repeat=GAMMA - accepted):
                whole, weight = (*emitted, *tail), drafted * mass
                for i in range(len(emitted), GAMMA + 1):
                    weight *= target(whole[:i])[whole[i]]
                law[whole] += weight
    return law, columns, claimed


@st.composite
def contextual(draw, size, count):
    """Rational rows of `size` entries for every prefix of fewer than `count` tokens."""
    tables = [draw(batches((2,) * step, size, lambda n: rational_distributions(n, 3))) for step in range(count)]
    return lambda prefix: tables[len(prefix)][prefix]


@pytest.mark.parametrize("tries", [0, 1])
@given(st.data())
@settings(max_examples=8)
def test_joint_law_is_the_target_and_columns_are_as_claimed(tries, data):
    vocab = data.draw(vocabularies(2))
    kernel = data.draw(kernels(vocab, lambda n: rational_distributions(n, 3)))
    target, draft = data.draw(contextual(2, GAMMA + 1)), data.draw(contextual(vocab.kept_size, GAMMA))
    law, columns, claimed = enumerated(target, draft, kernel, tries)
    assert (law == joint_law(target, GAMMA + 1)).all()
    # Given the tokens before, a test and its tries read 2 − α^m columns; so in the mean over all chains.
    assert columns == claimed


def test_enumeration_sees_a_verifier_that_keeps_candidates_too_often():
    sixth = Fraction(1, 6)
    target = np.array([1 * sixth, 2 * sixth, 3 * sixth])
    kernel = Dense(Vocabulary(3, [0]), np.array([[3 * sixth, 1 * sixth, 2 * sixth]]))
    rows = (lambda prefix: target), (lambda prefix: np.array([Fraction(1)]))

    def wrong(targets, drafts, kernel, drafted, accept, propose, keep, fallback, bonus):
        return verify_lazy_chain(targets, drafts, kernel, drafted, accept, propose, keep * 0, fallback, bonus)

    law, columns, claimed = enumerated(*rows, kernel, 1)
    assert (law == joint_law(rows[0], GAMMA + 1)).all()
    assert columns == claimed
    assert (enumerated(*rows, kernel, 1, wrong)[0] != law).any()


def instance(case, rng, batch, gamma):
    target, draft = kernel_laws(rng, *batch, gamma + 1, SIZE), kernel_laws(rng, *batch, gamma, KEPT)
    _, drafted = draft_token(draft, case.kernel, *rng.random((2, *batch, gamma)))
    return target, draft, np.asarray(drafted)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("case", cases(), ids=repr)
def test_without_tries_it_is_the_plain_verifier(case, library):
    rng = np.random.default_rng(11)
    target, draft, drafted = instance(case, rng, (5, 6), 3)
    accept, fallback, bonus = rng.random((5, 6, 3)) ** 2, rng.random((5, 6)), rng.random((5, 6))
    arrays = [target, draft, drafted, accept, np.zeros((5, 6, 0)), fallback, bonus]
    if library == "torch":
        arrays = [torch.tensor(a) for a in arrays]
    p, q, x, u, nothing, v, w = arrays
    out = verify_lazy_chain(p, q, case.kernel, x, u, nothing, nothing, v, w)
    plain = verify_chain(p, case.kernel.redistribute(q), x, u, v, w)
    # Up to roundings that these uniforms do not meet.
    assert (out.accepted == plain.accepted).all()
    assert (out.tokens == plain.tokens).all()
    accepted = np.asarray(out.accepted)
    assert np.array_equal(out.columns, np.minimum(accepted + 1, 3))
    assert np.array_equal(out.fell_back, accepted < 3)
    assert len(set(accepted.ravel().tolist())) == 4


@pytest.mark.parametrize("batch", [(), (7,), (2, 3)])
def test_a_chain_of_one_is_a_token_and_batches_do_not_mix(batch):
    rng = np.random.default_rng(12)
    vocab = Vocabulary(6, [5, 0, 3])
    target, draft = rng.dirichlet(np.full(6, 0.3), size=(*batch, 2)), rng.dirichlet(np.full(3, 0.3), size=(*batch, 1))
    weight, prior = rng.random((*batch, 1)), rng.dirichlet(np.full(6, 0.3), size=(*batch, 1))
    for kernel, one in (
        (RankOne(vocab, 0.4, prior.reshape(-1, 6)[0]), None),
        (RankOne(vocab, weight, prior), RankOne(vocab, weight[..., 0], prior[..., 0, :])),
    ):
        _, drafted = draft_token(draft, kernel, *rng.random((2, *batch, 1)))
        propose, keep = rng.random((2, *batch, 2))
        accept, fallback, bonus = rng.random((*batch, 1)), np.asarray(rng.random(batch)), np.asarray(rng.random(batch))
        out = verify_lazy_chain(target, draft, kernel, drafted, accept, propose, keep, fallback, bonus)
        token = verify_lazy(
            target[..., 0, :], draft[..., 0, :], one or kernel, np.asarray(drafted[..., 0]),
            np.asarray(accept[..., 0]), propose, keep, fallback,
        )  # fmt: skip
        assert np.array_equal(out.accepted, np.asarray(token.accepted).astype(int))
        assert np.array_equal(out.tokens[..., 0], token.token)
        assert np.array_equal(out.columns, token.columns)
        assert np.array_equal(out.fell_back, token.fell_back)
        for at in np.ndindex(*batch):
            if kernel.context_free:
                numbers = [np.asarray(u[at]) for u in (accept, propose, keep, fallback, bonus)]
                single = verify_lazy_chain(target[at], draft[at], kernel, drafted[at], *numbers)
                assert all(np.array_equal(x[at], y) for x, y in zip(out, single, strict=True))


def test_nothing_is_read_after_a_rejection():
    kernel = Watched(Vocabulary(3, [0, 1]))
    good, bad = [0.5, 0.5, 0.0], [0.0, 0.5, 0.5]
    target = np.array([[good, good, good], [bad, good, good], [good, bad, good]])
    draft, drafted = np.full((3, 2, 2), 0.5), np.zeros((3, 2), dtype=np.int64)
    accept, half = np.full((3, 2), 0.9), np.full(3, 0.6)
    # Chain 0 passes; chain 1 stops at once and keeps a cold token; chain 2 stops at its second token and never keeps.
    propose = np.array([[0.9], [0.9], [0.1]])
    out = verify_lazy_chain(target, draft, kernel, drafted, accept, propose, propose, half, half)
    assert out.accepted.tolist() == [2, 0, 1]
    assert out.tokens.tolist() == [[0, 0, 1], [2, -1, -1], [0, 2, -1]]
    assert out.columns.tolist() == [2, 2, 3]
    assert out.fell_back.tolist() == [False, False, True]
    assert kernel.columns == [3, 2, 2]
    assert kernel.proposals == [1]


@pytest.mark.parametrize("edge", EDGE_UNIFORMS)
def test_edge_uniforms(edge):
    kernel = RankOne(Vocabulary(4, [2, 0]), 0.5, np.array([0.0, 0.5, 0.0, 0.5]))
    target, draft = np.tile([0.0, 0.2, 0.8, 0.0], (3, 1)), np.full((2, 2), 0.5)
    pair, one, tries = np.full(2, edge), np.array(edge), np.full(3, edge)
    _, drafted = draft_token(draft, kernel, pair, pair)
    out = verify_lazy_chain(target, draft, kernel, drafted, pair, tries, tries, one, one)
    emitted = out.tokens[: int(out.accepted) + 1]
    assert (target[0, emitted] > 0).all()
    assert (out.tokens[int(out.accepted) + 1 :] == -1).all()
