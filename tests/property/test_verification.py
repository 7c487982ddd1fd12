"""Verification of a token: its exact law, what a result says, and the edge cases."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import acceptance_rate, verify_token
from rdk_theory.sampling import inverse_cdf
from rdk_theory.verification.law import emitted_law, farey, thresholds
from tests.strategies import (
    EDGE_PAIRS,
    EDGE_UNIFORMS,
    LARGEST_BELOW_ONE,
    distributions,
    pairs,
    rational_pairs,
    sizes,
    uniforms,
)


@given(rational_pairs())
def test_emitted_law_is_the_target_and_acceptance_the_overlap(laws):
    target, proposal = laws
    emitted = emitted_law(verify_token, target, proposal)
    assert (emitted.law == target).all()
    assert emitted.acceptance == acceptance_rate(target, proposal)


def test_more_cuts_change_no_law():
    target, proposal = (np.array([Fraction(n, 6) for n in row], dtype=object) for row in ((1, 2, 3), (3, 3, 0)))
    plain, fine = emitted_law(verify_token, target, proposal), emitted_law(verify_token, target, proposal, farey(6))
    assert (plain.law == fine.law).all()
    assert plain.acceptance == fine.acceptance


@given(pairs(), st.data())
def test_a_result_says_what_happened(laws, data):
    target, proposal = laws
    drafted = data.draw(st.sampled_from(np.flatnonzero(proposal > 0).tolist()))
    token, accepted = verify_token(target, proposal, np.array(drafted), data.draw(uniforms()), data.draw(uniforms()))
    assert target[token] > 0
    if accepted:
        assert token == drafted
    else:
        assert target[drafted] < proposal[drafted]
        assert target[token] > proposal[token] or not (target > proposal).any()


@given(pairs(), st.data())
def test_a_token_that_is_not_over_covered_always_passes(laws, data):
    target, proposal = laws
    possible = np.flatnonzero((proposal > 0) & (target >= proposal)).tolist()
    for drafted in possible:
        _, accepted = verify_token(target, proposal, np.array(drafted), data.draw(uniforms()), data.draw(uniforms()))
        assert accepted


@given(st.data())
def test_rows_of_a_batch_are_independent(data):
    size = data.draw(sizes)
    p, r = (np.stack([data.draw(distributions(size)) for _ in range(6)]).reshape(2, 3, size) for _ in range(2))
    drafted = r.argmax(axis=-1)
    accept, residual = data.draw(uniforms((2, 3))), data.draw(uniforms((2, 3)))
    tokens, accepted = verify_token(p, r, drafted, accept, residual)
    for index in np.ndindex(2, 3):
        numbers = np.asarray(accept[index]), np.asarray(residual[index])
        one = verify_token(p[index], r[index], np.asarray(drafted[index]), *numbers)
        assert (tokens[index], accepted[index]) == one


@given(rational_pairs(), st.fractions(0, 1, max_denominator=20), st.fractions(0, 1, max_denominator=20))
def test_floats_decide_as_rationals_do_away_from_thresholds(laws, accept, residual):
    target, proposal = laws
    # Halfway between neighbouring thresholds no rounding can change the outcome.
    edges = sorted({Fraction(0), Fraction(1), *(t for t in thresholds(target, proposal) if 0 < t < 1)})
    u, v = (_inside(edges, x) for x in (accept, residual))
    for drafted in np.flatnonzero(proposal > 0):
        exact = verify_token(target, proposal, np.array(drafted), _scalar(u), _scalar(v))
        floats = (x.astype(np.float64) for x in (target, proposal))
        assert verify_token(*floats, np.array(drafted), np.array(float(u)), np.array(float(v))) == exact


@pytest.mark.parametrize(("target", "proposal"), EDGE_PAIRS.values(), ids=EDGE_PAIRS.keys())
@pytest.mark.parametrize("residual", EDGE_UNIFORMS)
def test_edge_cases(target, proposal, residual):
    for drafted in np.flatnonzero(proposal > 0):
        for accept in EDGE_UNIFORMS:
            token, accepted = verify_token(target, proposal, np.array(drafted), np.array(accept), np.array(residual))
            assert target[token] > 0
            below = Fraction(accept) * Fraction(proposal[drafted]) < Fraction(target[drafted])
            assert accepted == below


def test_a_uniform_of_zero_does_not_accept_a_token_that_the_target_excludes():
    target, proposal = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    assert verify_token(target, proposal, np.array(0), np.array(0.0), np.array(0.0)) == (1, False)


def test_a_tie_among_subnormal_numbers_passes_for_every_uniform():
    law = np.array([5e-324, 1.0])
    token, accepted = verify_token(law, law, np.array(0), np.array(LARGEST_BELOW_ONE), np.array(0.0))
    assert (token, accepted) == (0, True)


def test_a_residual_that_rounding_has_emptied_is_replaced_by_the_target():
    # Target sums to 1 − 1e-10, within its tolerance, and is nowhere above the proposal.
    proposal = np.array([0.5, 0.5, 0.0])
    target = proposal - np.array([1e-10, 0.0, 0.0])
    token, accepted = verify_token(target, proposal, np.array(0), np.array(LARGEST_BELOW_ONE), np.array(0.75))
    assert (token, accepted) == (1, False)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint64])
def test_ids_of_any_width(dtype):
    target, proposal = np.full((3, 4), 0.25), np.eye(4)[[0, 2, 3]]
    drafted = np.array([0, 2, 3], dtype=dtype)
    tokens, accepted = verify_token(target, proposal, drafted, np.array([0.1, 0.9, 0.2]), np.array([0.0, 0.5, 0.9]))
    assert tokens.dtype == np.int64
    assert tokens.tolist() == [0, 1, 3]
    assert accepted.tolist() == [True, False, True]


def test_enumeration_refuses_a_verifier_whose_cuts_it_was_not_given():
    target, proposal = (np.array([Fraction(n, 6) for n in row], dtype=object) for row in ((1, 2, 3), (3, 2, 1)))
    shift = Fraction(1, 97)

    def shifted(p, r, x, u, v):
        return verify_token(p, r, x, (u + shift) % 1, v)

    with pytest.raises(ValueError, match=r"not constant on the cell \[.*: cuts are missing"):
        emitted_law(shifted, target, proposal)
    moved = [(t - shift) % 1 for t in [Fraction(0), *thresholds(target, proposal)]]
    assert (emitted_law(shifted, target, proposal, moved).law == target).all()


def _inside(edges, where):
    """The middle of one of the cells between `edges`, chosen by `where` in [0, 1]."""
    cell = min(int(where * (len(edges) - 1)), len(edges) - 2)
    return (edges[cell] + edges[cell + 1]) / 2


def _scalar(x):
    return np.array(x, dtype=object)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_narrow_rows_stand_for_their_normalised_laws(dtype):
    """Sums of the rows miss 1 visibly, and differently; acceptance and residual are those of the normalised rows."""
    size, rng = 300, np.random.default_rng(9)
    # Entries just above a step of the dtype are all rounded down, those just below all up.
    step = torch.finfo(dtype).eps / 2**9
    target, proposal = (
        torch.tensor(np.round(x / step) * step + shift * step, dtype=torch.float64).to(dtype)
        for x, shift in zip(rng.dirichlet(np.full(size, 5.0), size=2), (0.4, -0.4), strict=True)
    )
    laws = [x.double() / x.double().sum() for x in (target, proposal)]
    if dtype != torch.float32:
        assert abs(float(target.double().sum() / proposal.double().sum()) - 1) > 1e-4  # the case is what it says
    p, r = laws
    over = int((r - p).argmax())
    threshold = float(p[over] / r[over])
    half = torch.tensor(0.5, dtype=torch.float64)
    for accept, expected in ((threshold * (1 - 1e-9), True), (threshold * (1 + 1e-9), False)):
        drafted, uniform = torch.tensor(over), torch.tensor(accept, dtype=torch.float64)
        assert bool(verify_token(target, proposal, drafted, uniform, half)[1]) is expected
    # Rejected on purpose at 1 − 2⁻⁵³: the replacement is drawn from the residual of the normalised rows.
    sums = torch.cumsum((p - r).clamp(min=0), 0)
    last = torch.tensor(LARGEST_BELOW_ONE, dtype=torch.float64)
    for token in torch.nonzero(p > r)[::40, 0]:
        middle = (sums[token] - (p - r)[token] / 2) / sums[-1]
        assert verify_token(target, proposal, torch.tensor(over), last, middle)[0] == token


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_long_rows_of_numpy_are_verified_as_torch_verifies_them(dtype):
    """numpy goes through long rows in stretches and draws in lanes; torch forms the whole residual."""
    rng = np.random.default_rng(9)
    size, count = 20_000, 40
    target, proposal = rng.dirichlet(np.full(size, 0.3), size=(2, count))
    target[:3] = proposal[:3]  # no residual
    target[3:6, :15_000] = 0  # whole lanes without residual
    target[3:6] /= target[3:6].sum(axis=-1, keepdims=True)
    proposal[6:9, 100:] = 0  # no overlap but at the beginning
    proposal[6:9] /= proposal[6:9].sum(axis=-1, keepdims=True)
    target, proposal = target.astype(dtype), proposal.astype(dtype)
    drafted = inverse_cdf(proposal, rng.random(count))
    accept, residual = rng.random((2, count))
    accept[::2], residual[20], residual[21] = LARGEST_BELOW_ONE, 0.0, LARGEST_BELOW_ONE
    token, accepted = verify_token(target, proposal, drafted, accept, residual)
    other = verify_token(*(torch.tensor(x) for x in (target, proposal, drafted, accept, residual)))
    assert np.array_equal(accepted, other[1].numpy())
    assert np.array_equal(token, other[0].numpy())
    assert 5 < accepted.sum() < 35
    assert (target[np.arange(count), token] > 0).all()
    rows = np.arange(count)[~accepted]
    wide = (target.astype(float), proposal.astype(float))
    p, r = (x / x.sum(axis=-1, keepdims=True) for x in wide)
    assert (p > r)[rows, token[rows]].all()
