"""The report's parts without a browser: findings read from tables, formulas, redrawn figures, the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rdk_theory import runs, tables
from rdk_theory.report import charts, command, findings, formulas, page
from rdk_theory.theorems.registry import claims
from tests.report_folder import PROOF, measurement, write_folder


def of(verdict: str, found: list[findings.Finding]) -> str:
    return " ".join(f.text for f in found if f.verdict == verdict)


def test_findings_name_the_loser_and_the_certified() -> None:
    found = findings.about_pair(measurement(), "the pair")
    assert "θ = q(C) falls below TLI in 7 of 7" in of("fails", found)
    assert "acceptance-fitted" in of("holds", found)
    assert "certified" in of("holds", found)
    assert "rank one, fitted θ" not in of("holds", found).split("certified")[1]


def test_findings_say_what_is_recovered_and_what_can_be() -> None:
    (text,) = {
        f.text.split(". It recovers ")[1] for f in findings.about_pair(measurement(), "p") if "recovers" in f.text
    }
    assert text == "60 % [55, 65] of what pruning cost; no context-free kernel more than 80 %."
    rows = measurement()
    for row in [row for row in rows if row["sampler"] == "oracle-weight"]:
        rows.append(row | {"sampler": "shortlist-eighth", "acceptance": 0.99, "recovered": 0.9})
    text = of("holds", findings.about_pair(rows, "the pair"))
    assert "It recovers 90 % [45, 55] of what pruning cost; acceptance-fitted, the best that does not know" in text
    nothing = [row | {"recovered": None} for row in rows]
    assert "recovers" not in of("holds", findings.about_pair(nothing, "the pair"))


def test_a_gain_whose_interval_holds_zero_is_open() -> None:
    rows = [row | {"gain_low": -0.001, "certified": False} for row in measurement()]
    found = findings.about_pair(rows, "the pair")
    assert "of the vocabulary kept" in of("open", found)
    assert "of the vocabulary kept" not in of("holds", found)


def test_a_claim_that_fails_is_said_to_fail() -> None:
    record = {"id": "lossless", "status": "refuted", "instances": 3, "rungs": []}
    (found,) = findings.about_claims([record])
    assert found.verdict == "fails"
    assert "lossless" in found.text


def test_a_proof_that_fails_is_said_to_fail() -> None:
    entry = {**PROOF["proofs"][0], "status": "unknown", "reason": "the solvers disagree"}
    (found,) = findings.about_proofs([{**PROOF, "proofs": [entry]}], 28)
    assert found.verdict == "fails"
    assert "acceptance-identity (R6)" in found.text


def test_proofs_are_counted_of_all_claims_and_a_part_is_no_proof() -> None:
    (found,) = findings.about_proofs([PROOF], 28)
    assert found.verdict == "holds"
    assert found.text.startswith("1 of 28 claims")
    part = {**PROOF["proofs"][0], "clauses": []}
    assert not findings.about_proofs([{**PROOF, "proofs": [part]}], 28)


def test_the_page_links_each_proof_and_a_failed_one_turns_its_claim(tmp_path: Path) -> None:
    text = write_folder(tmp_path).read_text(encoding="utf-8")
    assert (
        '<a href="proofs/proofs_check/coq/acceptance_identity.v">R6</a> overlap, extremes: one of two (in part)' in text
    )
    entry = {**PROOF["proofs"][0], "status": "refuted", "reason": "a witness"}
    runs.write_json(tmp_path / "proofs" / "proofs.json", {"claims": [{**PROOF, "proofs": [entry]}]})
    text = page.write(tmp_path, [], quick=True).read_text(encoding="utf-8")
    claim = text[text.index('<details id="acceptance-identity">') :][:200]
    assert '<span class="status refuted">refuted</span>' in claim
    assert "refuted: a witness" in text


@pytest.mark.parametrize("claim", claims().values(), ids=lambda c: c.id)
def test_every_statement_becomes_mathml(claim) -> None:
    texts = [claim.statement, *(c.statement for c in claim.clauses), *(h.statement for h in claim.hypotheses)]
    for text in texts:
        made = formulas.prose(text)
        assert "merror" not in made
        assert "\\" not in made, text
    for text in claim.remarks:
        assert "$" not in formulas.remark(text)


def test_prose_escapes_and_keeps_formulas() -> None:
    made = formulas.prose("a < b where $x_1 < 2$")
    assert made.startswith("a &lt; b where <math")
    assert "<msub>" in made


def test_charts_need_the_table_alone(tmp_path: Path) -> None:
    """Drawn from a table that was read back, twice, they are the same bytes."""
    from rdk_theory import figures

    tables.write(tmp_path / "measure.csv", measurement())
    drawn = []
    for turn in ("a", "b"):
        figures.save(charts.gain(tables.read(tmp_path / "measure.csv")), tmp_path / turn / "gain", "Gain")
        drawn.append((tmp_path / turn / "gain.svg").read_bytes())
    assert drawn[0] == drawn[1]


def test_page_is_self_contained(tmp_path: Path) -> None:
    text = write_folder(tmp_path).read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert "<script" not in text
    assert str(tmp_path) not in text


def test_parts_that_fail_fail_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "verify", lambda *_, **__: [_record("proved")])
    monkeypatch.setattr(command.cli, "main", lambda argv: 2)
    with pytest.raises(command.UsageError, match="ended with status 2"):
        command.report(tmp_path, quick=True, seed=0, resume=True, pairs=tmp_path / "pairs", minutes=1.0)
    assert json.loads((tmp_path / "manifest.json").read_text())["status"] == "stopped"
    # What was complete stays, and the same command goes on after it.
    monkeypatch.setattr(command, "verify", lambda *_, **__: pytest.fail("claims were checked again"))
    with pytest.raises(command.UsageError):
        command.report(tmp_path, quick=True, seed=0, resume=True, pairs=tmp_path / "pairs", minutes=1.0)


def _record(status: str) -> dict[str, object]:
    return {
        "id": "lossless", "title": "t", "section": "A", "status": status, "rung": "R1", "rungs": ["R0", "R1"],
        "sizes": "", "instances": 1, "seconds": 0.1, "outcomes": [],
    }  # fmt: skip
