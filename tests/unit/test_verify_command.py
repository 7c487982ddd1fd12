"""`rdk verify`: its table, its JSON, its exit statuses; and the registry behind it."""

import json
import sys
import types
from dataclasses import replace

import pytest

from rdk_theory.cli import main
from rdk_theory.theorems import command, registry
from rdk_theory.theorems.registry import claims, select

FIELDS = {
    "id": str,
    "title": str,
    "section": str,
    "status": str,
    "rung": str,
    "rungs": list,
    "sizes": str,
    "instances": int,
    "seconds": float,
    "outcomes": list,
}


@pytest.fixture
def broken(monkeypatch):
    """`rdk verify` sees one claim whose first clause states something else."""
    claim = claims()["acceptance-identity"]
    wrong = replace(claim.clauses[0], stated=lambda p, r: p @ r)
    broken = replace(claim, clauses=(wrong, *claim.clauses[1:]))
    monkeypatch.setattr(command, "select", lambda ids: [broken, claims()["lipschitz"]])


def verify(capsys, *arguments):
    """Exit status and the records printed."""
    status = main(["verify", "--json", "--quick", *arguments])
    return status, json.loads(capsys.readouterr().out)["claims"]


def test_json_has_the_fields_of_the_design(capsys):
    status, records = verify(capsys, "draft-modes", "acceptance-identity")
    assert status == 0
    assert [r["id"] for r in records] == ["draft-modes", "acceptance-identity"]
    for record in records:
        assert {name: type(value) for name, value in record.items()} == FIELDS
        assert (record["status"], record["rung"], record["rungs"]) == ("proved", "R1", ["R0", "R1"])
        assert record["instances"] == sum(o["instances"] for o in record["outcomes"])
        assert [o["rung"] for o in record["outcomes"]] == ["R0", "R1"]
        assert record["sizes"].startswith("R0: ")


def test_a_broken_claim_is_told_and_exits_with_1(broken, capsys):
    status, records = verify(capsys)
    assert status == 1
    assert [r["status"] for r in records] == ["refuted", "proved"]
    assert (records[0]["rung"], records[0]["rungs"]) == ("", [])
    assert records[0]["outcomes"][0]["reason"].startswith("overlap: measured")


def test_the_table_names_each_claim_and_why_it_failed(broken, capsys):
    assert main(["verify", "--quick"]) == 1
    out = capsys.readouterr().out
    header, _, first, second = out.splitlines()[:4]
    assert header.split() == ["id", "title", "status", "rung", "instances", "seconds"]
    assert first.split()[0] == "acceptance-identity"
    assert "refuted" in first
    assert "proved" in second
    assert "acceptance-identity R0 refuted: overlap: measured" in out


def test_an_unknown_claim_is_bad_usage(capsys):
    assert main(["verify", "no-such-claim"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no claim 'no-such-claim'" in captured.err


def test_a_seed_gives_the_same_records(capsys):
    def timeless(records):
        return [
            {k: [{**o, "seconds": 0} for o in v] if k == "outcomes" else v for k, v in r.items() if k != "seconds"}
            for r in records
        ]

    first, second = (verify(capsys, "lipschitz", "--seed", "7") for _ in range(2))
    assert timeless(first[1]) == timeless(second[1])


def test_a_record_is_proved_only_if_no_rung_failed():
    claim = claims()["acceptance-identity"]
    good, bad = (replace_status(s) for s in ("proved", "unknown"))
    assert command.record(claim, [good, good])["status"] == "proved"
    assert command.record(claim, [good, bad])["status"] == "unknown"
    assert command.record(claim, [good, replace_status("skipped")])["status"] == "proved"
    assert command.record(claim, [replace_status("skipped")])["status"] == "skipped"


def replace_status(status):
    from rdk_theory.theorems import Outcome, Status

    return Outcome("acceptance-identity", "R0", Status(status), 1, "", 0.0)


def package_of(monkeypatch, folder, **modules):
    """The registry reads a package made of these modules."""
    package = types.ModuleType("claims_of_a_test")
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setattr(registry, "_package", package)
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.delitem(sys.modules, f"{package.__name__}.{name}", raising=False)


def test_a_file_with_a_claim_is_enough_and_must_bear_its_name(monkeypatch, tmp_path):
    source = "from rdk_theory.theorems.lipschitz import CLAIM"
    helper = "CLAIM = 'no claim'"
    package_of(monkeypatch, tmp_path, lipschitz=source, _helper=helper)
    assert list(registry.claims.__wrapped__()) == ["lipschitz"]
    package_of(monkeypatch, tmp_path, other=source)
    with pytest.raises(RuntimeError, match=r"claim lipschitz must stand in lipschitz\.py, not other\.py"):
        registry.claims.__wrapped__()
    for name in ("lipschitz", "other", "_helper"):
        sys.modules.pop(f"claims_of_a_test.{name}", None)


def test_every_claim_is_known_by_its_id():
    assert [claim.id for claim in select(list(claims()))] == list(claims())
