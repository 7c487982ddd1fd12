"""Every clause of every claim, on instances that Hypothesis chooses; and the list of claims."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdk_theory.report.formulas import mathml
from rdk_theory.theorems import Status, check_exhaustive, check_random
from rdk_theory.theorems._check import describe, violation
from rdk_theory.theorems.registry import claims, select
from tests.claim_source import HypothesisSource

SECTIONS = {
    "A": "acceptance-identity lossless maximal-coupling lipschitz draft-modes",
    "B": "restriction-is-renormalisation tli-beats-union support-ceiling",
    "C": (
        "gain-identity pointwise-dominance no-free-dominance local-dominance cold-restoration finite-weight "
        "perfect-drafter optimal-mixing overshoot optimal-kernel holdout-dominance"
    ),
    "D": ("softmax-first-order flat-kernel-limit diffusion-first-order rank-one exact-linear-time linear-cost"),
    "E": "jensen-cold-mass cumulant-cold-mass",
    "F": "expected-tokens walltime block-verification",
}
THEORY = Path(__file__).resolve().parents[3] / "shared" / "THEORY.md"

CLAIMS = list(claims().values())
CLAUSES = [(claim, clause) for claim in CLAIMS for clause in claim.clauses]
each_claim = pytest.mark.parametrize("claim", CLAIMS, ids=[claim.id for claim in CLAIMS])
each_clause = pytest.mark.parametrize(
    ("claim", "clause"), CLAUSES, ids=[f"{claim.id}: {clause.name}" for claim, clause in CLAUSES]
)


@each_clause
@settings(max_examples=15)
@given(data=st.data())
def test_clause_holds_on_chosen_instances(claim, clause, data):
    exact = clause.exact and data.draw(st.booleans(), label="rational")
    instance = clause.build(HypothesisSource(data, exact))
    for hypothesis in claim.hypotheses:
        assert hypothesis.clause != clause.name or hypothesis.holds(**instance), hypothesis.name
    tolerance = 0.0 if exact else clause.tolerance
    assert not violation(clause, instance, tolerance), describe(clause, instance)


@each_claim
def test_claim_is_proved_with_its_guards(claim):
    """Random and exhaustive instances, controls rejected, hypotheses needed, tight clauses attained."""
    outcomes = [check_random(claim, seed=1, scale=0.25), check_exhaustive(claim)]
    assert outcomes[0].status is Status.PROVED, outcomes[0].reason
    rational = any(clause.exact for clause in claim.clauses)
    assert outcomes[1].status is (Status.PROVED if rational else Status.SKIPPED), outcomes[1].reason


@each_claim
def test_claim_is_told_in_formulas_that_the_report_can_draw(claim):
    for statement in (claim.statement, *(clause.statement for clause in claim.clauses)):
        text = re.sub(r"<[^>]*>", "", mathml(statement))
        assert "\\" not in text, statement


@pytest.mark.parametrize("section", SECTIONS)
def test_section_has_exactly_its_claims(section):
    assert {claim.id for claim in CLAIMS if claim.section == section} == set(SECTIONS[section].split())


def test_no_claim_stands_outside_the_sections():
    assert {claim.section for claim in CLAIMS} <= set(SECTIONS)


def test_the_list_is_that_of_the_theory():
    if not THEORY.exists():
        pytest.skip("needs ../shared/THEORY.md")
    parts = re.split(r"^## ([A-Z])\. .*$", THEORY.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for section, text in zip(parts[1::2], parts[2::2], strict=True):
        if section in SECTIONS:
            assert set(re.findall(r"^- `([a-z-]+)`", text, flags=re.MULTILINE)) == set(SECTIONS[section].split())


def test_claims_come_by_section_and_can_be_chosen():
    assert [(c.section, c.id) for c in CLAIMS] == sorted((c.section, c.id) for c in CLAIMS)
    assert select([]) == CLAIMS
    assert [c.id for c in select(["walltime", "lossless"])] == ["walltime", "lossless"]
    with pytest.raises(ValueError, match="no claim 'lossles'"):
        select(["lossles"])


@each_claim
def test_clauses_have_names_of_their_own(claim):
    names = [clause.name for clause in claim.clauses]
    assert len(set(names)) == len(names)
    assert {h.clause for h in claim.hypotheses} <= set(names)
    for clause in claim.clauses:
        controls = [control.name for control in clause.controls]
        assert len(set(controls)) == len(controls)
