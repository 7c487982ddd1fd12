"""Captures, tables, costs and options from which nothing can be planned: one line, and exit status 2."""

import json

import numpy as np
import pytest

from rdk_theory import cli
from rdk_theory.plan.chains import along_runs, reached
from rdk_theory.plan.choice import choose
from rdk_theory.plan.costs import CostModel
from rdk_theory.plan.observations import planned
from tests.capture_folder import write_capture

SHARES = ["--draft-cost", "0.1", "--head-cost", "0.4"]
BYTES = ["--target-bytes", "1e9", "--drafter-bytes", "1e8"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_capture(tmp_path_factory.mktemp("capture"), size=24, documents=6, per_document=3, seed=0)


def refused(folder, out, message, capsys, *arguments):
    assert cli.main(["plan", str(folder), "--out", str(out), *arguments]) == 2
    found = capsys.readouterr()
    assert message in found.err
    assert "Traceback" not in found.err
    assert not found.out
    assert not (out / "plan.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "must be given in one way"),
        (["--draft-cost", "0.1"], "must be given in one way"),
        ([*SHARES, *BYTES], "must be given in one way"),
        (["--draft-cost", "-1", "--head-cost", "1"], "--draft-cost: must be a finite"),
        (["--draft-cost", "0.1", "--head-cost", "nan"], "--head-cost: must be a finite"),
        ([*SHARES, "--position-cost", "inf"], "--position-cost: must be a finite"),
        (["--target-bytes", "0", "--drafter-bytes", "1"], "target must be positive"),
        ([*BYTES, "--dtype", "int3"], "dtype must be one of"),
        ([*SHARES, "--width", "0"], "--width must be at least 1"),
        ([*SHARES, "--longest", "0"], "--longest must be at least 1"),
        ([*SHARES, "--longest", "65"], "--longest must be at most 64"),
        ([*SHARES, "--rank", "0"], "--rank must be at least 1"),
        ([*SHARES, "--kernels", "luck"], "no kernel 'luck'"),
        ([*SHARES, "--kernels", "oracle-weight"], "no kernel 'oracle-weight'"),
        ([*SHARES, "--fractions", "0"], "--fractions"),
        ([*SHARES, "--max-memory", "0"], "--max-memory"),
        ([*SHARES, "--work", "-1"], "--work"),
        ([*SHARES, "--vocabulary", "24"], "--vocabulary"),
        (["--cost", "nowhere.json"], "nowhere.json"),
        (["--cost", "nowhere.json", "--width", "3"], "stand in the file"),
    ],
)
def test_options(folder, tmp_path, capsys, arguments, message):
    refused(folder, tmp_path / "out", message, capsys, *arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "must hold an object"),
        ('{"draft": 0.1}', "lacks the key 'head'"),
        ('{"draft": 0.1, "head": 0.2, "haed": 1}', "has the key 'haed'"),
        ('{"draft": "0.1", "head": 0.2}', "draft must be a finite number"),
        ('{"draft": true, "head": 0.2}', "draft must be a finite number"),
        ('{"draft": 0.1, "head": Infinity}', "head must be a finite number"),
        ('{"draft": 0.1, "head": 0.2, "width": 1.5}', "width must be a positive integer"),
        ('{"draft": 0.1, "head": 0.2, "kernels": [1]}', "kernels must map"),
        ('{"draft": 0.1, "head": 0.2, "kernels": {"tli": {"tree": 1}}}', "'tree'"),
        ('{"draft": 0.1, "head": 0.2, "kernels": {"tli": {"block": -1}}}', "must be a finite number"),
        ('{"draft": 0.1, "head": 0.2, "kernels": {"luck": {"block": 1}}}', "kernels names 'luck'"),
    ],
)
def test_cost_files(folder, tmp_path, capsys, content, message):
    path = tmp_path / "cost.json"
    path.write_text(content, encoding="utf-8")
    refused(folder, tmp_path / "out", message, capsys, "--cost", str(path))


HEAD = "selection,fraction,kept,sampler,acceptance,low,high\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must begin with a line of distinct column names"),
        ("a,b\n1,2\n", "has no row of the kernels"),
        ("sampler,kept\ntli,3\n", "has no column 'selection'"),
        (HEAD + "mean,0.5,12,tli,0.5,0.4,0.6\n", "selected by count"),
        (HEAD + "count,0.5,12,tli,1.5,0.4,0.6\n", "acceptance is 1.5 in row 0"),
        (HEAD + "count,0.5,12,tli,0.5,,0.6\n", "low is None in row 0"),
        (HEAD + "count,0.5,0,tli,0.5,0.4,0.6\n", "kept is 0 in row 0"),
        (HEAD + "count,0.5,25,tli,0.5,0.4,0.6\n", "kept is 25 in row 0"),
        (HEAD + "count,much,12,tli,0.5,0.4,0.6\n", "fraction is 'much' in row 0"),
        (HEAD + "count,0.5,12,tli,0.5,0.55,0.6\n", "low, acceptance and high"),
    ],
)
def test_tables(tmp_path, capsys, content, message):
    path = tmp_path / "measure.csv"
    path.write_text(content, encoding="utf-8")
    refused(path, tmp_path / "out", message, capsys, *SHARES, "--vocabulary", "24")


def test_a_table_without_the_size_of_its_vocabulary_or_the_width_that_bytes_need(tmp_path, capsys):
    path = tmp_path / "measure.csv"
    path.write_text(HEAD + "count,0.5,12,tli,0.5,0.4,0.6\n", encoding="utf-8")
    refused(path, tmp_path / "out", "--vocabulary is needed", capsys, *SHARES)
    refused(path, tmp_path / "out", "--width is needed", capsys, *BYTES, "--vocabulary", "24")
    refused(path, tmp_path / "out", "--vocabulary must be at least 2", capsys, *SHARES, "--vocabulary", "1")
    # Control: with both it is planned.
    given = [*BYTES, "--vocabulary", "24", "--width", "8", "--json"]
    assert cli.main(["plan", str(path), "--out", str(tmp_path / "out"), *given]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["kept"] == 12


def test_a_folder_that_is_no_capture(tmp_path, capsys):
    refused(tmp_path, tmp_path / "out", str(tmp_path), capsys, *SHARES)


def test_functions():
    logs = np.zeros((4, 3))
    for call, message in (
        (lambda: reached(logs, "tree"), "verification must be one of"),
        (lambda: reached(logs + np.inf, "token"), r"logs of shape \(4, 3\) is NaN or \+inf at index \(0, 0\)"),
        (lambda: reached(logs * np.nan, "block"), "NaN"),
        (lambda: reached([0.0], "token"), "logs must be a numpy array"),
        (lambda: along_runs(logs, [], 0, "token", 2), "gamma must be from 1"),
        (lambda: choose([], 0.95), "settings is empty"),
        (lambda: planned(["union"], 0.0, 0, 1), "no kernel 'union'"),
        (lambda: CostModel.from_bytes(1.0, 1.0, 0, 5, "int8"), "width must be a positive integer"),
        (lambda: CostModel(0.1, 0.1).step("tli", "tree", 5, (9, 9)), "verification must be one of"),
        (lambda: CostModel(0.1, 0.1).step("tli", "token", 10, (9, 9)), "kept must be"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
