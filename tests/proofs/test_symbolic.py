"""The symbolic rung: what it decides, what it refutes with numbers, and what it leaves unknown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from proofs_check._proof import Proof, Rung
from proofs_check._workers import check
from proofs_check.registry import proofs
from proofs_check.symbolic import _statement
from proofs_check.symbolic._cases import decide
from proofs_check.symbolic._cylinders import not_negative
from proofs_check.symbolic._identity import equal, induction, symbols
from proofs_check.symbolic._statement import Part, Total, prove, termwise
from rdk_theory.theorems._check import Status
from rdk_theory.theorems._claim import Claim
from rdk_theory.theorems.registry import claims

PROOFS = {p.claim: p for p in proofs() if p.rung is Rung.SYMBOLIC}
QUICK = ("acceptance-identity", "expected-tokens", "walltime", "exact-linear-time", "diffusion-first-order", "rank-one")


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        (lambda x: min(x["p"], x["r"]) + max(x["p"] - x["r"], 0) == x["p"], "p r"),
        (lambda x: abs(min(x["p"], x["r"]) - min(x["p"], x["s"])) <= abs(x["r"] - x["s"]), "p r s"),
        (lambda x: x["a"] ** 2 + x["b"] ** 2 >= 2 * x["a"] * x["b"], "a b"),
        (lambda x: x["b"] == 0 or x["a"] / x["b"] * x["b"] == x["a"], "a b"),
    ],
)
def test_true_statements_are_proved(statement: Callable[[Any], bool], names: str) -> None:
    assert decide(statement, names).status is Status.PROVED


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        (lambda x: min(x["p"], x["r"]) + max(x["p"] - x["r"], 0) == x["r"], "p r"),
        (lambda x: abs(min(x["p"], x["r"]) - min(x["p"], x["s"])) <= abs(x["r"] - x["s"]) / 2, "p r s"),
        (lambda x: x["a"] ** 2 + x["b"] ** 2 > 2 * x["a"] * x["b"], "a b"),
        (lambda x: x["a"] > 0, "a"),
    ],
)
def test_false_statements_are_refuted_by_numbers_that_really_refute_them(
    statement: Callable[[Any], bool], names: str
) -> None:
    found = decide(statement, names)
    assert found.status is Status.REFUTED
    assert found.witness is not None
    assert not statement(found.witness)
    assert all(isinstance(value, Fraction) and value >= 0 for value in found.witness.values())


def test_signs_that_stay_mixed_are_unknown() -> None:
    assert decide(lambda x: x["a"] * x["b"] >= x["c"] * x["d"] or True, "a b c d").status is Status.UNKNOWN


def test_numbers_refute_what_is_not_decided() -> None:
    found = decide(lambda x: x["a"] >= Fraction(99, 100) * (x["a"] + min(x["b"], x["c"])), "a b c")
    assert found.status is Status.REFUTED
    assert found.witness is not None
    assert found.witness["a"] < 99 * min(found.witness["b"], found.witness["c"])


def test_a_number_against_an_unknown_is_unknown() -> None:
    assert decide(lambda x: x["a"] <= 1 or x["a"] > 1, "a").status is Status.UNKNOWN


def test_assumptions_that_exclude_each_other_prove_nothing() -> None:
    def nothing(x: Any) -> bool:
        x.assume(x["a"] > x["b"])
        x.assume(x["b"] > x["a"])
        return False

    assert decide(nothing, "a b").status is Status.UNKNOWN


def test_identities_with_symbolic_powers() -> None:
    alpha, gamma = symbols("alpha gamma")
    closed = (1 - alpha ** (gamma + 1)) / (1 - alpha)
    assert equal((closed.subs(gamma, gamma + 1), closed + alpha ** (gamma + 1))).proved
    wrong = equal((closed.subs(gamma, gamma + 1), closed + alpha**gamma))
    assert wrong.status is Status.REFUTED
    assert wrong.witness is not None
    a, n = wrong.witness["alpha"], int(wrong.witness["gamma"])
    assert sum(a**k for k in range(n + 2)) != sum(a**k for k in range(n + 1)) + a**n


def test_what_is_0_but_not_in_normal_form_is_unknown() -> None:
    import sympy

    x = sympy.Symbol("x", positive=True)
    assert equal((sympy.sin(x) ** 2 + sympy.cos(x) ** 2, 1)).status is Status.UNKNOWN


def test_induction_needs_base_and_step() -> None:
    (n,) = symbols("n")
    assert induction(lambda k: k * (k + 1) / 2, (0, 0), lambda value, k: value + k + 1, n).proved
    assert not induction(lambda k: k * (k + 1) / 2 + 1, (0, 0), lambda value, k: value + k + 1, n).proved
    assert not induction(lambda k: k * (k + 1) / 2, (0, 0), lambda value, k: value + k, n).proved


def test_polynomials_on_the_unit_box() -> None:
    x, y = symbols("x y")
    half = Fraction(1, 2)
    square = (x - y) ** 2 + (x - 1) ** 2 * y
    assert not_negative(square.expand(), [x, y]).proved
    found = not_negative((square - Fraction(1, 50)).expand(), [x, y])
    assert found.status is Status.REFUTED
    assert found.witness is not None
    a, b = found.witness["x"], found.witness["y"]
    assert (a - b) ** 2 + (a - 1) ** 2 * b < Fraction(1, 50)
    assert not not_negative(x - half.numerator * x**2 * 3 / half.denominator, [x]).proved


@pytest.mark.parametrize("claim", QUICK)
def test_quick_claims_are_proved_with_their_guards(claim: str) -> None:
    verdict = check(PROOFS[claim])
    assert verdict.status is Status.PROVED, verdict.reason
    assert verdict.refuted
    assert verdict.model


def _altered(claim: Claim, clause: str, **changes: Any) -> Claim:
    clauses = tuple(replace(c, **changes) if c.name == clause else c for c in claim.clauses)
    return replace(claim, clauses=clauses)


@pytest.mark.parametrize(
    ("claim", "clause", "stated"),
    [
        ("acceptance-identity", "overlap", lambda p, r: sum(p * r)),
        ("expected-tokens", "geometric", lambda joint, alpha, gamma: 1 + alpha * gamma),
        ("walltime", "upper bound", lambda alpha, c, gamma: (1 + gamma * alpha) / (1 + c)),
        ("exact-linear-time", "law of the loop", lambda p, r, tries: r),
        ("diffusion-first-order", "resolvent", lambda affinity, weight: weight**2 / 2),
    ],
)
def test_breaking_a_statement_in_the_registry_turns_the_rung_red(
    claim: str, clause: str, stated: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _altered(claims()[claim], clause, stated=stated)
    monkeypatch.setattr(_statement, "claims", lambda: {claim: broken})
    assert check(PROOFS[claim]).status is not Status.PROVED


def _verdict(part: Part) -> Any:
    claim = claims()["acceptance-identity"]
    proof = Proof(claim.id, Rung.SYMBOLIC, lambda: prove(claim, (part,), "any N"), __name__)
    return check(proof)


TRIAL = Total(lambda p, r: r * min(1, p / r) if r > 0 else 0 * p)
RATE = Total(lambda p, r: min(p, r) + 0)


def test_a_part_without_a_refuted_mutant_does_not_count() -> None:
    assert _verdict(Part("overlap", termwise("p r"), RATE, TRIAL)).status is Status.UNKNOWN


def test_a_mutant_that_is_not_refuted_voids_the_proof() -> None:
    same = Part("overlap", termwise("p r"), RATE, TRIAL, {"larger of the two": RATE})
    assert _verdict(same).status is Status.UNKNOWN


def test_a_formula_that_is_not_the_registrys_is_noticed() -> None:
    other = Total(lambda p, r: max(p, r) + 0)
    verdict = _verdict(Part("overlap", termwise("p r"), other, TRIAL, {"larger of the two": other}))
    assert verdict.status is Status.UNKNOWN
    assert "differs from the registry" in verdict.reason


def test_what_is_used_as_0_must_be_0() -> None:
    known = Total(lambda p, r: p, lambda: Fraction(1))
    verdict = _verdict(Part("overlap", termwise("p r"), RATE, TRIAL, known=known))
    assert "what is used as 0 is not" in verdict.reason


def test_a_part_of_a_clause_is_not_the_clause() -> None:
    larger = Total(lambda p, r: max(p, r) + 0)
    verdict = _verdict(Part("overlap", termwise("p r"), RATE, TRIAL, {"larger of the two": larger}, covers="some"))
    assert verdict.status is Status.PROVED
    assert verdict.clauses == ()
    assert verdict.partial == ("overlap: some",)


def test_listing_the_proofs_loads_no_sympy() -> None:
    code = "import sys; from proofs_check.registry import proofs; proofs(); print('sympy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
