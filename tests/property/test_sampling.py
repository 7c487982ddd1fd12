"""Inverse-CDF draws: the definition in exact arithmetic, the law by enumeration, and the named edge cases."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import sampling
from rdk_theory.sampling import inverse_cdf
from rdk_theory.verification.law import outcome_law, steps
from tests.strategies import (
    LARGEST_BELOW_ONE,
    batches,
    distributions,
    float32_sum_below_one,
    rational_distributions,
    sizes,
    uniforms,
)


def first_exceeding(weights, uniform):
    """The first index whose cumulative weight exceeds ``u · total``, by a loop."""
    total, running = sum(weights), Fraction(0)
    for index, weight in enumerate(weights):
        running += weight
        if running > uniform * total:
            return index
    raise AssertionError("unreachable for u < 1 and a positive total")


@given(sizes.flatmap(lambda n: rational_distributions(n)), st.fractions(0, 1, max_denominator=24))
def test_index_is_the_first_that_exceeds(weights, uniform):
    uniform = uniform if uniform < 1 else Fraction(23, 24)
    assert inverse_cdf(weights, np.array(uniform, dtype=object)) == first_exceeding(weights, uniform)


@given(sizes.flatmap(lambda n: st.lists(st.integers(0, 7), min_size=n, max_size=n)), st.integers(0, 63))
def test_index_in_floats_where_products_are_exact(weights, part):
    weights = np.array([*weights, 1], dtype=np.float64)
    expected = first_exceeding([Fraction(w) for w in weights], Fraction(part, 64))
    assert inverse_cdf(weights, np.array(part / 64)) == expected
    assert inverse_cdf(weights[None], np.array([part / 64])) == expected


@given(sizes.flatmap(lambda n: rational_distributions(n)))
def test_law_is_the_weights(weights):
    law = outcome_law(lambda u: inverse_cdf(np.broadcast_to(weights, (u.size, weights.size)), u), [steps(weights)])
    assert law == {(i,): w for i, w in enumerate(weights) if w}


@given(sizes.flatmap(lambda n: distributions(n)), uniforms())
def test_a_token_of_weight_zero_is_never_returned(weights, uniform):
    assert weights[inverse_cdf(weights, uniform)] > 0


@given(st.data())
def test_rows_of_a_batch_are_independent(data):
    size = data.draw(sizes)
    weights, uniform = data.draw(batches((2, 3), size)), data.draw(uniforms((2, 3)))
    drawn = inverse_cdf(weights, uniform)
    assert drawn.shape == (2, 3)
    for index in np.ndindex(2, 3):
        assert drawn[index] == inverse_cdf(weights[index], uniform[index])


@given(sizes.flatmap(lambda n: distributions(n)), st.sampled_from((1e-3, 0.5, 1.0, 3.0, 1e6)))
def test_the_middle_of_a_step_draws_its_token_whatever_the_scale(weights, scale):
    middles = np.cumsum(weights) - weights / 2
    for token in np.flatnonzero(weights > 1e-9):
        assert inverse_cdf(weights * scale, np.array(middles[token])) == token


@pytest.mark.parametrize(
    ("weights", "uniform", "expected"),
    [
        ([0.0, 0.0, 1.0, 0.0], 0.0, 2),
        ([0.0, 0.0, 1.0, 0.0], LARGEST_BELOW_ONE, 2),
        ([0.5, 0.0, 0.5, 0.0], LARGEST_BELOW_ONE, 2),
        ([0.0, 0.5, 0.0, 0.5], 0.0, 1),
        ([0.5, 0.5], 0.5, 1),
        ([1.0], LARGEST_BELOW_ONE, 0),
        ([5e-324], LARGEST_BELOW_ONE, 0),
        ([5e-324, 5e-324, 0.0], LARGEST_BELOW_ONE, 1),
        ([1e308, 1e-308], LARGEST_BELOW_ONE, 0),
        ([3.0, 1.0], 0.74, 0),
        ([3.0, 1.0], 0.75, 1),
    ],
)
@pytest.mark.parametrize("batch", [(), (2,)])
def test_edges(weights, uniform, expected, batch):
    rows = np.broadcast_to(np.array(weights), (*batch, len(weights)))
    assert (inverse_cdf(rows, np.full(batch, uniform)) == expected).all()


def test_a_float32_running_sum_below_one_loses_no_token():
    row = float32_sum_below_one()
    ends_at = np.cumsum(row, dtype=np.float32)[-1]
    assert ends_at < 1 - 1e-5  # the case is what it says
    lost = np.array(np.nextafter(np.float32(1), np.float32(0)))
    assert lost > ends_at
    assert inverse_cdf(row, lost) == row.size - 1
    assert inverse_cdf(row[None], lost[None]) == row.size - 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_uniforms_reach_both_ends(dtype):
    weights = np.array([0.25, 0.5, 0.25], dtype=dtype)
    assert inverse_cdf(weights, np.array(0, dtype=dtype)) == 0
    assert inverse_cdf(weights, np.nextafter(dtype(1), dtype(0)).reshape(())) == 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [sampling.LONG, sampling.LONG + 1, sampling.LONG + 3 * sampling.LANE - 1])
def test_a_long_row_is_drawn_from_in_lanes_as_from_one_running_sum(size, dtype):
    rng = np.random.default_rng(size)
    weights = rng.random((40, size)).astype(dtype)
    weights[:, : 2 * sampling.LANE] = 0  # whole lanes of zeros first, and entries of zero last
    weights[:, -5:] = 0
    weights[20:] *= rng.random((20, size)) < 0.01
    uniform = rng.random(40)
    uniform[[0, 30]], uniform[[1, 31]] = 0.0, np.nextafter(1.0, 0.0)
    running = np.cumsum(weights, axis=-1, dtype=np.float64)
    gap = np.abs(running - (uniform * running[:, -1])[:, None]).min(axis=-1)
    expected = sampling.locate(running, uniform)
    found = inverse_cdf(weights, uniform)
    assert (weights[np.arange(40), found] > 0).all()
    apart = gap > 1e-9  # nearer to a running sum, a rounding may decide
    assert apart.sum() >= 30
    assert (found == expected)[apart].all()
    assert np.array_equal(inverse_cdf(weights[3], np.asarray(uniform[3])), found[3])


def test_edges_of_lanes_are_those_of_the_running_sum():
    weights = np.zeros(sampling.LONG)
    weights[[700, 900, 2000]] = 0.25, 0.25, 0.5
    below_half = np.nextafter(0.5, 0)
    for uniform, token in ((0.0, 700), (0.25, 900), (below_half, 900), (0.5, 2000), (LARGEST_BELOW_ONE, 2000)):
        assert inverse_cdf(weights, np.asarray(uniform)) == token


def test_a_lane_that_was_rounded_up_gives_its_last_token_with_weight():
    weights = np.zeros(sampling.LONG)
    weights[[700, 900, 2000]] = 0.25, 0.25, 0.5
    lanes = sampling.lane_sums(weights)
    lanes[1] += 1e-9
    assert sampling.find(weights.__getitem__, lanes, 0.5) == 900
