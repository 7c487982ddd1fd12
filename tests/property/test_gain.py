"""The gain identity, and the two facts about restricted vocabularies that follow from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import acceptance_rate
from rdk_theory.acceptance import acceptance_gain
from rdk_theory.tolerances import EXACT
from tests.strategies import EDGE_PAIRS, distributions, rational_distributions, sizes


def triples(rows):
    return sizes.flatmap(lambda n: st.tuples(*(rows(n) for _ in range(3))))


@given(triples(rational_distributions))
def test_gain_is_won_minus_lost(laws):
    p, r, q = laws
    won, lost = acceptance_gain(p, r, q)
    assert won - lost == acceptance_rate(p, r) - acceptance_rate(p, q)
    assert lost >= 0


@given(triples(distributions))
def test_gain_identity_in_floats(laws):
    p, r, q = laws
    won, lost = acceptance_gain(p, r, q)
    assert won - lost == pytest.approx(acceptance_rate(p, r) - acceptance_rate(p, q), abs=EXACT)


@given(triples(rational_distributions))
def test_gain_over_itself_is_nothing(laws):
    p, r, _ = laws
    won, lost = acceptance_gain(p, r, r)
    assert won == lost == 0


@given(triples(rational_distributions))
def test_won_is_at_most_the_mass_that_the_baseline_misses(laws):
    p, r, q = laws
    won, _ = acceptance_gain(p, r, q)
    assert won <= 1 - acceptance_rate(p, q)


@pytest.mark.parametrize(("p", "r"), EDGE_PAIRS.values(), ids=EDGE_PAIRS.keys())
def test_edge_cases(p, r):
    for proposal, baseline in ((r, p), (p, r), (np.roll(r, 1), r)):
        won, lost = acceptance_gain(p, proposal, baseline)
        assert won - lost == pytest.approx(acceptance_rate(p, proposal) - acceptance_rate(p, baseline), abs=EXACT)
