"""The reach of a kernel bounds its gains, and `safe` certifies by it."""

import numpy as np
import pytest

from rdk_theory import Vocabulary, acceptance_rate
from rdk_theory.distributions import embed
from rdk_theory.fitting import reach, safe
from rdk_theory.kernels import Dense, Embedding, RankOne
from rdk_theory.statistics import holdout_bound
from rdk_theory.tolerances import EXACT
from tests.kernel_cases import KEPT, SIZE, cases, laws


@pytest.mark.parametrize("case", cases(), ids=repr)
def test_reach_is_the_most_that_a_token_gives_away_and_no_gain_exceeds_it(case):
    staying = case.matrix[np.arange(KEPT), case.kernel.vocab.kept]
    assert abs(reach(case.kernel) - (1 - staying.min())) <= EXACT
    rng = np.random.default_rng(0)
    drafts = np.concatenate([laws(rng, 200, KEPT), np.eye(KEPT)])
    tli = embed(drafts, case.kernel.vocab)
    for targets in (laws(rng, drafts.shape[0], SIZE), tli):
        gains = acceptance_rate(targets, case.kernel.redistribute(drafts)) - acceptance_rate(targets, tli)
        assert np.abs(gains).max() <= reach(case.kernel) + EXACT
    # Attained, where the target is the draft of the token that gives most away and nothing else.
    assert abs(gains.min() + reach(case.kernel)) <= EXACT


def test_reach_reads_rows_in_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    kernel = Dense(Vocabulary(30, rng.permutation(30)[:10]), laws(rng, 10, 30))
    whole = reach(kernel)
    monkeypatch.setattr("rdk_theory.fitting.safety._BLOCK", 90)
    assert reach(kernel) == whole


def test_it_certifies_what_the_bound_certifies_and_uses_the_reach():
    vocab, prior = Vocabulary(4, [0, 1]), np.array([0, 0, 0.5, 0.5])
    gains, documents = np.full(60, 0.02), np.arange(60) // 2
    small = safe(RankOne(vocab, 0.04, prior), gains, documents, 0.95)
    assert small.certified
    assert isinstance(small.kernel, RankOne)
    assert small.bound.lower > 0
    # With half of the mass to lose, the same gains certify nothing; a bound that knew no reach would not do so either.
    large = safe(RankOne(vocab, 0.9, prior), gains, documents, 0.95)
    assert not large.certified
    assert isinstance(large.kernel, Embedding)
    assert large.kernel.vocab is vocab
    assert large.bound.lower <= 0 < large.bound.mean
    assert holdout_bound(gains, documents, 0.05).lower <= 0


def test_more_certainty_certifies_less():
    vocab, prior = Vocabulary(4, [0, 1]), np.array([0, 0, 0.5, 0.5])
    gains, documents = np.full(30, 0.02), np.arange(30)
    lower = [safe(RankOne(vocab, 0.1, prior), gains, documents, level).bound.lower for level in (0.5, 0.9, 0.999)]
    assert sorted(lower, reverse=True) == lower
    assert lower[0] > 0 > lower[-1]


def test_tli_is_never_certified_against_itself():
    kernel = Embedding(Vocabulary(4, [0, 1]))
    outcome = safe(kernel, np.zeros(1000), np.arange(1000), 0.5)
    assert not outcome.certified
    assert reach(kernel) == 0
