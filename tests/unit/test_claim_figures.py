"""The figure of each claim: its points agree with the claim, and a broken claim is seen in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rdk_theory import figures
from rdk_theory.theorems._claim import Kind
from rdk_theory.theorems.registry import claims
from simulations import claims as drawn
from simulations import gallery
from simulations._experiment import experiments, generator, select

QUICK = ("tli-beats-union", "walltime", "pointwise-dominance")


def rows(claim, instances=12):
    """All points of a claim."""
    found = []
    for clause in claim.clauses:
        found += drawn.points(claim, clause, instances, np.random.default_rng([7, *clause.name.encode()]))
    return found


def test_every_claim_has_a_figure() -> None:
    assert [e.claims for e in select(["claims"])] == [(claim,) for claim in claims()]
    assert {e.id for e in select(["experiments"])} == {n for n, e in experiments().items() if e.group == "experiments"}


@pytest.mark.parametrize("claim", QUICK)
def test_points_agree_with_the_claim_and_hypotheses_are_needed(claim: str) -> None:
    found = rows(claims()[claim])
    assert drawn.check(found) == []
    assert {row["series"] for row in found} >= {drawn.HELD, drawn.MUTANT}


def test_a_broken_clause_is_seen() -> None:
    claim = claims()["tli-beats-union"]
    wrong = replace(claim.clauses[0], kind=Kind.UPPER, attained=None)
    (line,) = drawn.check(rows(replace(claim, clauses=(wrong,)), 40))
    assert line.startswith(wrong.name)


def test_a_hypothesis_that_excludes_nothing_is_seen() -> None:
    claim = claims()["pointwise-dominance"]
    hypothesis = claim.hypotheses[0]
    needless = replace(hypothesis, dropped=claim.clause(hypothesis.clause).attained)
    found = drawn.points(
        replace(claim, hypotheses=(needless,)), claim.clause(hypothesis.clause), 5, np.random.default_rng(0)
    )
    assert any("nothing is violated" in line for line in drawn.check(found))


def test_the_same_seed_gives_the_same_points() -> None:
    experiment = select(["claim-walltime"])[0]
    setting = {**experiment.parameters(drawn.Options(quick=True))[0], "instances": 5}
    first, second = (experiment.run(setting, generator(experiment, setting, 3)) for _ in range(2))
    assert first == second


def test_a_clause_without_spread_is_drawn() -> None:
    row = {"clause": "one", "kind": "identity", "tolerance": 1e-12, "series": "held", "name": None, "count": 1}
    with figures.style():
        figure = drawn.draw([{**row, "stated": 1.0, "measured": 1.0 + 1e-15}])
    (low, high) = figure.axes[0].get_xlim()
    assert high - low > 0.1


def test_the_gallery_escapes_and_says_what_failed(tmp_path) -> None:
    item = {
        "id": "x",
        "group": "claims",
        "title": "a < b",
        "caption": "c & d",
        "claims": ["lossless"],
        "violations": ["it <fails>"],
        "table": "x/table.csv",
        "figure": "x/figure.svg",
    }
    gallery.write(tmp_path, [item])
    text = (tmp_path / gallery.PAGE).read_text(encoding="utf-8")
    for expected in ("a &lt; b", "c &amp; d", "it &lt;fails&gt;", 'href="x/table.csv"'):
        assert expected in text
    assert "Experiments</h2>" not in text
