"""Acceptance, total variation and the residual: identities against plain loops over rationals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import acceptance_rate, residual, total_variation
from rdk_theory.acceptance import residual_weights
from rdk_theory.tolerances import EXACT
from tests.strategies import EDGE_PAIRS, pairs, rational_distributions, rational_pairs, sizes

edge_pairs = pytest.mark.parametrize(("p", "r"), EDGE_PAIRS.values(), ids=EDGE_PAIRS.keys())


def accepted_by_trial(p, r):
    """Probability that a token drawn from `r` passes, token by token."""
    return sum((rx * min(Fraction(1), px / rx) for px, rx in zip(p, r, strict=True) if rx), Fraction(0))


@given(rational_pairs())
def test_acceptance_is_what_a_trial_accepts(laws):
    p, r = laws
    assert acceptance_rate(p, r) == accepted_by_trial(p, r)


@given(rational_pairs())
def test_floats_agree_with_rationals(laws):
    p, r = laws
    floats = p.astype(np.float64), r.astype(np.float64)
    assert acceptance_rate(*floats) == pytest.approx(float(acceptance_rate(p, r)), abs=EXACT)
    assert total_variation(*floats) == pytest.approx(float(total_variation(p, r)), abs=EXACT)


@given(rational_pairs())
def test_acceptance_and_total_variation_are_complements(laws):
    p, r = laws
    assert acceptance_rate(p, r) + total_variation(p, r) == 1
    assert 1 - acceptance_rate(p, r) == residual_weights(p, r).sum() == residual_weights(r, p).sum()


@given(pairs())
def test_acceptance_is_symmetric_and_in_range(laws):
    p, r = laws
    rate = acceptance_rate(p, r)
    assert rate == acceptance_rate(r, p)
    assert -EXACT <= rate <= 1 + EXACT


@given(rational_pairs())
def test_acceptance_is_one_only_for_equal_laws_and_zero_only_for_disjoint_ones(laws):
    p, r = laws
    assert (acceptance_rate(p, r) == 1) == bool((p == r).all())
    assert (acceptance_rate(p, r) == 0) == (not ((p > 0) & (r > 0)).any())


@given(pairs(), st.randoms(use_true_random=False))
def test_renaming_tokens_changes_nothing(laws, random):
    p, r = laws
    order = random.sample(range(p.size), p.size)
    assert acceptance_rate(p[order], r[order]) == pytest.approx(acceptance_rate(p, r), abs=EXACT)


@given(st.data())
def test_merging_two_tokens_never_lowers_acceptance(data):
    size = data.draw(st.integers(2, 9))
    p, r = data.draw(rational_pairs(size))

    def merge(x):
        return np.append(x[:-2], x[-2] + x[-1])

    assert acceptance_rate(merge(p), merge(r)) >= acceptance_rate(p, r)


@given(st.data())
def test_triangle_inequality(data):
    size = data.draw(sizes)
    p, q, r = (data.draw(rational_distributions(size)) for _ in range(3))
    assert total_variation(p, r) <= total_variation(p, q) + total_variation(q, r)
    assert abs(acceptance_rate(p, q) - acceptance_rate(p, r)) <= total_variation(q, r)


@given(rational_pairs())
def test_target_splits_into_overlap_and_residual(laws):
    p, r = laws
    if (p == r).all():
        with pytest.raises(ValueError, match=r"proposal of shape \(\d+,\) equals target: there is no residual in row"):
            residual(p, r)
        return
    law = residual(p, r)
    assert law.sum() == 1
    assert ((law > 0) == (p > r)).all()
    assert (np.minimum(p, r) + (1 - acceptance_rate(p, r)) * law == p).all()


@given(pairs())
def test_residual_weights_are_non_negative_and_live_on_under_covered_tokens(laws):
    p, r = laws
    weights = residual_weights(p, r)
    assert (weights >= 0).all()
    assert ((weights > 0) == (p > r)).all()


@edge_pairs
def test_edge_cases_agree_with_exact_arithmetic(p, r):
    exact = sum(min(Fraction(a), Fraction(b)) for a, b in zip(p.tolist(), r.tolist(), strict=True))
    assert acceptance_rate(p, r) == pytest.approx(float(exact), abs=EXACT)


@edge_pairs
def test_edge_cases_have_a_residual_exactly_where_a_token_is_under_covered(p, r):
    if not (p > r).any():
        with pytest.raises(ValueError, match="there is no residual"):
            residual(p, r)
        return
    law = residual(p, r)
    assert law.sum() == pytest.approx(1, abs=EXACT)
    assert ((law > 0) == (p > r)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [(3,), (2, 2)])
def test_large_rows_take_another_road_to_the_same_numbers(dtype, batch):
    rng = np.random.default_rng(1)
    p, r = (rng.dirichlet(np.full(40_000, 0.1), size=batch).astype(dtype) for _ in range(2))
    one_by_one = [acceptance_rate(a[:, None].T, b[:, None].T) for a, b in zip(*_flat(p, r), strict=True)]
    np.testing.assert_allclose(acceptance_rate(p, r), np.reshape(one_by_one, batch), rtol=0, atol=1e-5)
    overlap = np.minimum(p.astype(np.float64), r.astype(np.float64)).sum(axis=-1)
    np.testing.assert_allclose(acceptance_rate(p, r), overlap, rtol=0, atol=1e-5 if dtype == np.float32 else EXACT)


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "not finite"), (-1e-3, "negative"), (0.5, "sum to 1"), (np.inf, "not finite")],
)
@pytest.mark.parametrize("which", ["target", "proposal"])
def test_large_rows_are_checked_as_small_ones(which, value, message):
    rows = {name: np.full((4, 40_000), 1 / 40_000) for name in ("target", "proposal")}
    rows[which][2, 777] = value
    with pytest.raises(ValueError, match=rf"{which} of shape \(4, 40000\).*{message}"):
        acceptance_rate(**rows)


def _flat(*arrays):
    return [a.reshape(-1, a.shape[-1]) for a in arrays]
