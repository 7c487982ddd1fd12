"""The best mixing weight: against trying every kink, in rationals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import acceptance_rate
from rdk_theory.mixing import optimal_mixing
from rdk_theory.tolerances import EXACT
from tests.strategies import batches, distributions, rational_distributions


@st.composite
def mixtures(draw, rows=rational_distributions):
    """Targets and drafts of a few contexts, and one prior or one each."""
    size, contexts = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    target, draft = (draw(batches((contexts,), size, rows)) for _ in range(2))
    prior = draw(batches((contexts,), size, rows)) if draw(st.booleans()) else draw(rows(size))
    return target, draft, prior


def mean_acceptance(target, draft, prior, weight):
    mixed = (1 - weight) * draft + weight * prior
    return sum(acceptance_rate(target, mixed)) / target.shape[0]


def kinks(target, draft, prior):
    """Every weight in [0, 1] at which some term of the mean bends."""
    p, q, r = (x.ravel() for x in np.broadcast_arrays(target, draft, prior))
    bends = {(a - b) / (c - b) for a, b, c in zip(p, q, r, strict=True) if b != c}
    return sorted({Fraction(0), Fraction(1), *(b for b in bends if 0 <= b <= 1)})


@given(mixtures())
def test_weight_is_the_smallest_of_all_maximisers(instance):
    best = optimal_mixing(*instance)
    values = {weight: mean_acceptance(*instance, weight) for weight in kinks(*instance)}
    top = max(values.values())
    assert best.acceptance == top == mean_acceptance(*instance, best.weight)
    assert best.weight == min(weight for weight, value in values.items() if value == top)
    assert best.baseline == values[0]


@given(mixtures())
def test_slope_decides_whether_any_weight_gains(instance):
    best = optimal_mixing(*instance)
    first = kinks(*instance)[1]
    assert best.slope == (mean_acceptance(*instance, first) - best.baseline) / first
    assert (best.slope > 0) == (best.acceptance > best.baseline)


@given(mixtures(), st.fractions(0, 1, max_denominator=16))
def test_safe_weights_are_those_up_to_safe_weight(instance, weight):
    best = optimal_mixing(*instance)
    assert mean_acceptance(*instance, best.safe_weight) >= best.baseline
    assert (mean_acceptance(*instance, weight) >= best.baseline) == (weight <= best.safe_weight)


@given(mixtures(distributions))
def test_floats_reach_the_maximum(instance):
    best = optimal_mixing(*instance)
    grid = np.linspace(0, 1, 41)
    assert best.acceptance >= max(mean_acceptance(*instance, w) for w in grid) - EXACT
    assert best.acceptance == pytest.approx(mean_acceptance(*instance, best.weight), abs=1e-9)
    assert 0 <= best.weight <= best.safe_weight <= 1
