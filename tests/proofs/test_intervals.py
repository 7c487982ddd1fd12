"""Rung R5: what is positive on a whole interval is proved, what is not is refuted, what touches 0 is neither."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from proofs_check import _cache
from proofs_check._workers import check
from proofs_check.intervals import cumulant_cold_mass, diffusion_first_order, flat_kernel_limit, jensen_cold_mass
from proofs_check.intervals import softmax_first_order as softmax
from proofs_check.intervals._facts import Fact, Tie, differs, interval_proof
from proofs_check.intervals._functions import hoeffding, jensen
from proofs_check.intervals._positive import _coefficient, ball, phi, positive, value_at
from rdk_theory.theorems._check import Status
from rdk_theory.theorems.registry import claims

pytest.importorskip("flint", reason="needs python-flint: pip install 'rdk-theory[proofs]'")

MODULES = (cumulant_cold_mass, diffusion_first_order, flat_kernel_limit, jensen_cold_mass, softmax)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.PROOF.claim)
def test_every_proof_holds_with_its_guards(module: Any) -> None:
    verdict = check(module.PROOF)
    assert verdict.status is Status.PROVED, verdict.reason
    assert verdict.refuted
    assert verdict.notes


@pytest.mark.parametrize(("over", "status"), [(8, Status.PROVED), (9, Status.REFUTED)])
def test_a_constant_that_is_too_small_is_refuted(over: int, status: Status) -> None:
    fact = hoeffding(over)
    assert positive(fact.function, fact.low, fact.high).status is status


def test_a_margin_is_below_the_function_and_not_far() -> None:
    bound = positive(lambda x: x.exp() - 1 - x, 0, 1)
    assert (bound.status, bound.order) == (Status.PROVED, 2)
    # (e^x − 1 − x)/x² rises from 1/2.
    assert 0.3 < bound.margin <= 0.5


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x - 1) * (x - 1),
        lambda x: x * (3 * x - 1) * (3 * x - 1),
        lambda x: (x.exp() - 2) ** 2,
        lambda x: x - x,
    ],
    ids=["at 1", "at a third, and at 0", "at log 2", "everywhere"],
)
def test_a_function_that_touches_zero_is_not_proved(function: Any) -> None:
    bound = positive(function, 0, 3)
    assert bound.status is Status.UNKNOWN
    assert bound.where


@pytest.mark.parametrize(
    ("low", "high", "function"),
    [
        (0, 3, lambda x: (x - 1) * (x - 1) - x.exp() / 10**6),
        (0, 1, lambda x: x * x - 2 * x**3),
        (0, 1, lambda x: -x),
        (Fraction(1, 2), 4, lambda x: x.log()),
    ],
    ids=["a dip", "after a start upwards", "from the start", "not from 0"],
)
def test_a_violation_anywhere_is_refuted(low: Any, high: Any, function: Any) -> None:
    bound = positive(function, low, high)
    assert bound.status is Status.REFUTED
    assert "on" in bound.where


def test_it_decides_up_to_the_end_and_no_further() -> None:
    assert positive(lambda x: 1 - x / 2, 0, Fraction(199, 100)).status is Status.PROVED
    assert positive(lambda x: 1 - x / 2, 0, 2).status is Status.UNKNOWN
    assert positive(lambda x: 1 - x / 2, 0, Fraction(201, 100)).status is Status.REFUTED


@pytest.mark.parametrize("at", [Fraction(1, 1000), Fraction(1), Fraction(9)])
def test_balls_hold_the_value(at: Fraction) -> None:
    x = float(at)
    ratio = math.expm1(x) / x
    for function, value in ((phi, ratio), (jensen, math.log(ratio) + 1 / ratio - 1)):
        found = value_at(function, at)
        assert float(found.rad()) < 1e-20
        assert abs(float(found.mid()) - value) < 1e-12 * max(1, value)


def test_coefficients_over_a_box_hold_those_at_its_points() -> None:
    """The integrals that bound the coefficients of φ where it holds 0, against the quotient where it does not."""
    for order in range(4):
        box = _coefficient(phi, ball(Fraction(0), Fraction(1, 2)), order)
        for at in (Fraction(1, 100), Fraction(1, 4), Fraction(1, 2)):
            assert box.contains(_coefficient(phi, ball(at, at), order))


TIE = Tie("Hoeffding", "stated", lambda s: {"spread": s}, lambda x: x * x / 8)


def test_a_registry_that_says_something_else_is_noticed() -> None:
    claim = claims()["jensen-cold-mass"]
    assert not differs(claim, TIE)
    assert "Hoeffding" in differs(claim, replace(TIE, formula=lambda x: x * x / 9))


@pytest.mark.parametrize(
    ("module", "name", "wrong"),
    [
        (jensen_cold_mass, "rdk_theory.theorems.jensen_cold_mass.jensen_gap", lambda s: s * s / 8),
        (cumulant_cold_mass, "rdk_theory.theorems.cumulant_cold_mass.cumulant_error", lambda s: (s**3 / 62,) * 2),
        (flat_kernel_limit, "rdk_theory.kernels.SoftmaxCovariance.entry_ceiling", 1.0),
        (diffusion_first_order, "rdk_theory.theorems.diffusion_first_order.heat", lambda affinity, weight: affinity),
    ],
    ids=lambda x: x.PROOF.claim if hasattr(x, "PROOF") else "",
)
def test_a_changed_package_turns_the_proof_red(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, wrong: Any
) -> None:
    monkeypatch.setattr(name, wrong)
    assert check(module.PROOF).status is Status.REFUTED


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({}, Status.PROVED, ""),
        ({"facts": (hoeffding(9),)}, Status.REFUTED, "J(s) < s^2/9"),
        ({"facts": (Fact("touches", lambda x: (x - 1) ** 2, 2),)}, Status.UNKNOWN, "touches"),
        ({"mutants": (hoeffding(7),)}, Status.UNKNOWN, "mutant"),
        ({"mutants": ()}, Status.UNKNOWN, "no mutated statement"),
        ({"model": ""}, Status.UNKNOWN, "no model"),
        ({"clauses": ("no such",)}, Status.UNKNOWN, "names the clauses"),
        ({"ties": (replace(TIE, formula=jensen),)}, Status.REFUTED, "stated is"),
    ],
)
def test_a_proof_with_a_hole_is_not_proved(changes: dict[str, Any], status: Status, reason: str) -> None:
    parts: dict[str, Any] = {
        "facts": (hoeffding(8),), "clauses": ("Hoeffding",), "mutants": (hoeffding(9),), "ties": (TIE,), "sizes": "all",
        "model": "s = 1",
    }  # fmt: skip
    verdict = check(interval_proof("jensen-cold-mass", __name__, **{**parts, **changes}))
    assert verdict.status is status
    assert reason in verdict.reason


def test_the_modules_load_no_prover() -> None:
    code = f"import sys; {'; '.join(f'import {m.__name__}' for m in MODULES)}; sys.exit('flint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=_cache.ROOT).returncode == 0
