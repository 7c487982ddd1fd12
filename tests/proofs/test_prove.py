"""`rdk prove`: claims proved by two solvers, its guards, its cache, and bad usage."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from proofs_check import _cache
from proofs_check.command import prove
from rdk_theory import cli

QUICK = ("acceptance-identity", "lipschitz", "rank-one")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    _cache.use(tmp_path_factory.mktemp("proofs"))


def test_quick_claims_are_proved_by_both_solvers_and_their_mutants_refuted() -> None:
    for record in prove(QUICK, ["R3"], processes=1):
        assert record["status"] == "proved", record
        (proof,) = record["proofs"]
        assert proof["refuted"], "no mutant was tried"
        assert proof["model"], "the hypotheses were not shown to be satisfiable"


def test_a_second_run_comes_from_the_cache() -> None:
    first = prove(["rank-one"], ["R3"], processes=1)[0]["proofs"][0]
    second = prove(["rank-one"], ["R3"], processes=1)[0]["proofs"][0]
    assert not first["cached"]
    assert second["cached"]
    assert {k: v for k, v in first.items() if k != "cached"} == {k: v for k, v in second.items() if k != "cached"}


def test_json_has_the_fields_of_the_design(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["prove", "rank-one", "--rung", "R3", "--json", "--out", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "proofs.json").read_text(encoding="utf-8"))
    (record,) = printed["claims"]
    assert {"id", "title", "status", "rung", "rungs", "sizes", "seconds"} <= set(record)
    assert (record["id"], record["status"], record["rung"]) == ("rank-one", "proved", "R3")


def test_a_rung_that_is_only_kept_is_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert not prove(["rank-one"], ["R1"], kept_only=["R1"])[0]["proofs"]
    assert cli.main(["prove", "rank-one", "--rung", "R1"]) == 0
    (proof,) = prove(["rank-one"], ["R1"], kept_only=["R1"])[0]["proofs"]
    assert proof["cached"]
    assert proof["status"] == "proved"


def test_the_page_and_the_sources_stand_beside_the_records(tmp_path: Path) -> None:
    assert cli.main(["prove", "rank-one", "--rung", "R1", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "proofs.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(\./(\S+)\)", text)
    assert links
    assert all((tmp_path / link).is_file() for link in links)
    assert "| [rank-one](#rank-one) |" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-claim"],
        ["--rung", "R9"],
        ["--processes", "0"],
        ["--kept", "R0"],
        ["lossless", "--rung", "R2"],
        ["--fresh", "--kept", "R1"],
    ],
)
def test_bad_usage(arguments: list[str]) -> None:
    assert cli.main(["prove", *arguments]) == 2
