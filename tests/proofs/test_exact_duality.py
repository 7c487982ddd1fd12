"""Rung R2: a wrong closed form is refuted, what is not certified is unknown, and mutants must fall."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from proofs_check._workers import check
from proofs_check.exact import _programmes, _propose, draft_modes, perfect_drafter
from proofs_check.exact._duality import Case, prove
from proofs_check.exact._instances import Grid, RandomRationals, Sample, contexts, laws, two_contexts
from proofs_check.exact._programmes import best_kernel, best_mixing, coupling, kernel_gap, largest_safe_weight
from rdk_theory import mixing
from rdk_theory.theorems import _kernel_programme
from rdk_theory.theorems._check import Status
from rdk_theory.theorems._claim import Claim, Control
from rdk_theory.theorems.registry import claims

PAIRS = Sample((Grid("pairs with N ≤ 3", laws, 3, (3,)),))
CONTEXTS = Sample((Grid("pairs of contexts with N = 2", two_contexts, 2, (2,)),))
TRANSPORT = Case("transport", lambda p, r: coupling(p, r).value, PAIRS)
CUT = Case("cut", lambda p, r: coupling(p, r).value, PAIRS, both=True)
MAXIMUM = Case("maximum", best_mixing, CONTEXTS)


def _with(name: str, clause: str, **changes: Any) -> Claim:
    """A claim of the registry with one clause changed."""
    claim = claims()[name]
    changed = [replace(c, **changes) if c.name == clause else c for c in claim.clauses]
    return replace(claim, clauses=tuple(changed))


@pytest.mark.parametrize("module", [draft_modes, perfect_drafter])
def test_quick_claims_are_proved_with_their_guards(module: Any) -> None:
    verdict = check(module.PROOF)
    assert verdict.status is Status.PROVED, verdict.reason
    assert verdict.model
    assert verdict.refuted
    assert verdict.sizes.count("all ") >= 1


def test_sizes_say_how_many_and_which() -> None:
    verdict = prove(claims()["maximal-coupling"], (TRANSPORT, CUT))
    assert verdict.status is Status.PROVED
    assert verdict.sizes == "transport, cut: all 117 pairs with N ≤ 3 in multiples of 1/3"  # 1 + 4² + 10²


@pytest.mark.parametrize(
    ("name", "case"), [("maximal-coupling", TRANSPORT), ("maximal-coupling", CUT), ("optimal-mixing", MAXIMUM)]
)
def test_a_wrong_closed_form_is_refuted(name: str, case: Case) -> None:
    """By a thousandth, everywhere."""
    right = claims()[name].clause(case.clause).stated
    wrong = _with(name, case.clause, stated=lambda **x: right(**x) * Fraction(999, 1000))
    verdict = prove(wrong, (case,))
    assert verdict.status is Status.REFUTED
    assert "measured" in verdict.reason


def test_a_wrong_function_of_the_package_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slope is taken without the tokens at which draft and target agree: wrong on some instances only."""

    def pieces(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
        kinks, drops, _, start = right(p, q, r)
        return kinks, drops, np.where(q < p, r - q, 0 * p).sum(), start

    right = mixing._pieces
    case = Case("smallest maximiser", _programmes.least_weight, CONTEXTS)
    clause = claims()["optimal-mixing"].clause("smallest maximiser")
    assert prove(claims()["optimal-mixing"], (case,)).status is Status.PROVED
    monkeypatch.setattr(mixing, "_pieces", pieces)
    verdict = prove(claims()["optimal-mixing"], (case,))
    assert verdict.status is Status.REFUTED
    assert clause.name in verdict.reason


def test_a_wrong_second_road_that_is_a_part_of_the_statement_is_found() -> None:
    wrong = _with("maximal-coupling", "cut", measured=lambda p, r: r.sum())
    verdict = prove(wrong, (CUT,))
    assert verdict.status is Status.REFUTED
    assert verdict.reason.startswith("cut: certified 2/3, but measured 1, stated 2/3")


def test_a_certified_road_that_is_not_the_registrys_is_found() -> None:
    """The best of two drafts is no less than the best of one, and not the same."""
    case = Case("several drafts", lambda p, r, n: coupling(p, r, n + 1).value, PAIRS)
    with pytest.raises(AssertionError, match="differs from the registry's"):
        prove(claims()["support-ceiling"], (case,))


def test_random_instances_refute_what_holds_for_three_tokens() -> None:
    """``1 − max |p − r|`` is the overlap of up to three tokens, not of four."""
    wrong = _with("maximal-coupling", "transport", stated=lambda p, r: 1 - abs(p - r).max())
    assert prove(wrong, (TRANSPORT,)).status is Status.PROVED
    beyond = replace(TRANSPORT, sample=replace(PAIRS, build=laws, random=30, beyond="with N ≤ 8"))
    verdict = prove(wrong, (beyond,))
    assert verdict.status is Status.REFUTED
    assert prove(claims()["maximal-coupling"], (beyond,)).sizes.endswith("1/3, and 30 random with N ≤ 8")


def test_a_mutant_that_stands_leaves_the_proof_unknown() -> None:
    clause = claims()["maximal-coupling"].clause("transport")
    same = Control("the statement itself", stated=clause.stated)
    verdict = prove(_with("maximal-coupling", "transport", controls=(*clause.controls, same)), (TRANSPORT,))
    assert verdict.status is Status.UNKNOWN
    assert "the statement itself" in verdict.reason


def test_an_instance_without_certificate_leaves_the_proof_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = _propose._floats

    def cheaper(programme: Any) -> Any:
        x, y = honest(programme)
        return x, [price - 1e-3 for price in y]

    monkeypatch.setattr(_propose, "_floats", cheaper)
    _programmes._coupling.cache_clear()
    verdict = prove(claims()["maximal-coupling"], (TRANSPORT,))
    _programmes._coupling.cache_clear()
    assert verdict.status is Status.UNKNOWN
    assert "fails the exact check" in verdict.reason


def test_a_lost_tight_case_is_not_proved() -> None:
    """The bound holds with room to spare, though it is said to be attained."""
    right = claims()["maximal-coupling"].clause("bound").stated
    loose = _with("maximal-coupling", "bound", stated=lambda joint: right(joint) + 1)
    independent = Sample((Grid("joints", lambda s: {"joint": np.outer(*laws(s).values())}, 2, (2,)),))
    case = Case("bound", lambda joint: coupling(joint.sum(axis=0), joint.sum(axis=1)).value, independent, best=True)
    with pytest.raises(AssertionError, match="not attained"):
        prove(loose, (case,))


@pytest.mark.parametrize("seed", range(5))
def test_the_certified_kernel_has_the_value_of_the_floats(seed: int) -> None:
    source = RandomRationals(np.random.default_rng(seed))
    p, q = source.distributions(3, 6), source.distributions(3, 3)
    best, matrix, duals = best_kernel(p, q)
    assert _kernel_programme.value(p, q, matrix) == best
    assert (duals >= 0).all()
    assert (duals <= 1).all()
    floats = _kernel_programme.solve(p.astype(float), q.astype(float))[0]
    assert abs(float(best) - _kernel_programme.value(p.astype(float), q.astype(float), floats)) < 1e-8


def test_the_gap_of_a_best_kernel_is_nothing_and_prices_above_one_have_none() -> None:
    source = RandomRationals(np.random.default_rng(1))
    p, q = source.distributions(2, 4), source.distributions(2, 2)
    best, matrix, duals = best_kernel(p, q)
    assert kernel_gap(p, q, matrix, duals) == 0
    assert kernel_gap(p, q, matrix, 0 * duals) == 1 - best
    with pytest.raises(_propose.Uncertified, match="not feasible"):
        kernel_gap(p, q, matrix, duals + 1)
    with pytest.raises(_propose.Uncertified, match="not feasible"):
        kernel_gap(p, q, 2 * matrix, duals)


@pytest.mark.parametrize("seed", range(10))
def test_the_largest_safe_weight_is_safe_and_no_larger_one_is(seed: int) -> None:
    x = contexts(RandomRationals(np.random.default_rng(seed)))
    p, q, r = x.values()
    limit = largest_safe_weight(**x)

    def value(weight: Fraction) -> Any:
        return np.minimum(p, (1 - weight) * q + weight * r).sum()

    assert value(limit) >= value(Fraction(0))
    assert limit == 1 or value(limit + (1 - limit) / 10**6) < value(Fraction(0))
