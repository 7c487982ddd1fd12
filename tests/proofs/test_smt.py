"""The rung of two solvers: broken statements never pass, and what a solver leaves open is no proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofs_check import _cache
from proofs_check.smt import _case, _solvers
from proofs_check.smt._case import Case
from rdk_theory.theorems._check import Status
from rdk_theory.theorems._claim import Claim
from rdk_theory.theorems.registry import claims

pytest.importorskip("z3")
pytest.importorskip("cvc5")
pytest.importorskip("flint")


@pytest.fixture(autouse=True)
def failed(tmp_path: Path) -> None:
    """Goals that fail are kept in a folder of the test."""
    _cache.use(tmp_path)


def broken(claim: str, name: str, **changes: Any) -> Claim:
    """The claim with one clause changed."""
    whole = claims()[claim]
    clauses = tuple(replace(c, **changes) if c.name == name else c for c in whole.clauses)
    return replace(whole, clauses=clauses)


def shifted(road: Callable[..., Any], by: int) -> Callable[..., Any]:
    """A road whose numbers are a little off."""
    return lambda **instance: road(**instance) + by


BROKEN = {
    "acceptance-identity": ("total variation", 2),
    "lipschitz": ("proposal", 2),
    "rank-one": ("proposal", 2),
    "expected-tokens": ("geometric", 2),
}


@pytest.mark.parametrize("claim", BROKEN)
def test_a_broken_statement_is_refuted_by_a_replayed_witness(claim: str) -> None:
    name, size = BROKEN[claim]
    stated = claims()[claim].clause(name).stated
    case = Case(name, size)
    assert _case.prove(claims()[claim], (case,)).status is Status.PROVED
    verdict = _case.prove(broken(claim, name, stated=shifted(stated, -1)), (case,))
    assert verdict.status is Status.REFUTED
    assert "measured" in verdict.reason, "no witness"


def test_a_mutant_that_is_none_is_not_taken_for_refuted() -> None:
    clause = claims()["rank-one"].clause("proposal")
    harmless = replace(clause.controls[0], stated=clause.stated, measured=None, kind=None)
    verdict = _case.prove(broken("rank-one", "proposal", controls=(harmless,)), (Case("proposal", 2),))
    assert verdict.status is Status.UNKNOWN
    assert "was not refuted" in verdict.reason


def test_a_road_that_differs_from_the_registry_is_not_accepted() -> None:
    clause = claims()["rank-one"].clause("proposal")
    with pytest.raises(AssertionError, match="differs from the registry"):
        _case.prove(claims()["rank-one"], (Case("proposal", 2, stated=shifted(clause.stated, 1)),))


def test_a_clause_without_unknowns_is_no_proof_by_solvers() -> None:
    verdict = _case.prove(claims()["block-verification"], (Case("two tokens", 2),))
    assert verdict.status is Status.UNKNOWN


@pytest.mark.parametrize("answer", ["unknown", "sat", "unknown (RESOURCEOUT)"])
def test_what_cvc5_does_not_confirm_is_unknown(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(_solvers, "_cvc5", lambda text, *_, **__: [answer] * text.count("(check-sat)"))
    verdict = _case.prove(claims()["rank-one"], (Case("proposal", 2),))
    assert verdict.status is Status.UNKNOWN
    assert answer in verdict.reason


def test_what_z3_leaves_open_is_unknown_and_its_goal_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_solvers.Z3, "check", lambda self, *conditions: "unknown")
    monkeypatch.setattr(_solvers.Z3, "alone", lambda self, condition: "unknown")
    verdict = _case.prove(claims()["rank-one"], (Case("proposal", 2),))
    assert verdict.status is Status.UNKNOWN
    (goal,) = (tmp_path / "failed").iterdir()
    assert "(check-sat)" in goal.read_text(encoding="utf-8")


def test_limits_are_of_work_and_not_of_time() -> None:
    declared = "(set-logic QF_NRA)(declare-const x Real)(declare-const y Real)"
    script = f"{declared}(assert (< (+ (* x x) (* y y)) (* 2.0 x y)))(check-sat)"
    assert _solvers._cvc5(script, 1)[0].startswith("unknown")
    assert _solvers._cvc5(script, _solvers.CVC5_WORK) == ["unsat"]
