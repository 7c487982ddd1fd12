"""`rdk bench --device`: goals, the command, the figure, and what it says where it cannot measure."""

import argparse
import json

import pytest
import torch

from gpu.bench import __main__ as with_tests
from gpu.bench import command, figure, forms, goals, measure
from gpu.bench import grid as grids
from gpu.bench import rows as rows_module
from gpu.bench.grid import FORMS, Point, grid
from gpu.bench.inputs import bytes_needed
from rdk_theory import cli, tables
from tests.unit.device_bench_cases import small_buffers  # noqa: F401
from tests.unit.verify_calls import quick  # noqa: F401

pytestmark = pytest.mark.usefixtures("small_buffers")


def device_rows(**changed):
    """A table as a GPU might give it, all goals held; `changed` replaces numbers of the rank-one kernel."""
    points = [Point("verify token", form, size, 64, 4, "bfloat16") for form in FORMS for size in (32_000, 128_256)]
    run = rows_module.Run("cuda", 0, 0.0)
    for point in points:
        times = {"kernel": 1e-4, "torch": 1.6e-4, "flashinfer": 2e-4, "flashinfer, laws given": 1e-5}
        for name, median in times.items():
            numbers = {"low": median, "median": median, "high": median, "bytes": int(median * 0.9e12), "launches": 1}
            if name == "kernel" and point.form == "rank one" and point.size == 32_000:
                numbers |= changed
            run.add(point, name, rows_module.MEASURED, how="graph", **numbers)
    return rows_module.finished(run.rows, 1e12)


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, set()),
        ({"median": 1.06e-4, "bytes": int(1e8)}, {"verification with rank one, over none"}),
        ({"bytes": int(0.8e8)}, {"share of copy bandwidth, rank one, batch ≥ 64"}),
        ({"launches": 2}, {"launches a verification"}),
        (
            {"median": 1.1e-4, "bytes": int(1e8)},
            {"verification with rank one, over none", "time of the best other implementation, over the kernel's"},
        ),
    ],
)
def test_goals_are_missed_where_they_should_be(changed, missed):
    found = goals.goals(device_rows(**changed), "cuda")
    assert {goal.name for goal in found if goal.verdict == goals.MISSED} == missed
    assert {goal.verdict for goal in found if goal.name not in missed} == {goals.HELD}
    assert all(goal.at is not None and "rank one, N = 32000" in goal.at for goal in found if goal.name in missed)


def test_dense_redistribution_is_set_against_its_other_forms_for_one_position():
    run = rows_module.Run("cuda", 0, 0.0)
    for operation, form, gamma, median in (
        ("redistribute", "dense half", 1, 64e-4),
        ("redistribute", "first order", 1, 64e-6),
        ("verify token", "dense half", 4, 256 * 3e-6),
        ("verify token", "none", 4, 256 * 1e-6),
    ):
        point = Point(operation, form, 32_000, 64, gamma, "bfloat16")
        for name in ("kernel", "naive"):
            run.add(point, name, rows_module.MEASURED, median=median * (1 if name == "kernel" else 5))
    (row,) = forms.forms(run.rows, "cuda")
    assert row["size"] == 32_000
    assert row["dense"] == pytest.approx(1e-4)
    assert row["dense_over_first_order"] == pytest.approx(100)
    assert row["lazy"] == pytest.approx(2e-6)
    (row,) = forms.forms(run.rows, "cpu")
    assert (row["lazy"], row["dense"]) == (None, pytest.approx(5e-4))
    assert forms.forms([row for row in run.rows if row["form"] == "none"], "cuda") == []


def test_goals_are_open_where_no_gpu_decided_them():
    assert {goal.verdict for goal in goals.goals(device_rows(), "cpu")} == {goals.UNKNOWN}
    assert {goal.verdict for goal in goals.goals([], "cuda")} == {goals.UNKNOWN}


@pytest.mark.usefixtures("quick")
def test_a_run_on_the_cpu_from_the_command_line(monkeypatch, tmp_path, capsys):
    few = {"redistribute": ("first order",), "verify token": ("none", "rank one")}
    monkeypatch.setattr(grids, "OPERATIONS", few)
    line = ["bench", "--device", "cpu", "--quick", "--out", str(tmp_path)]
    chosen = ["--sizes", "300", "--batches", "2", "--gammas", "1"]
    assert cli.main([*line, *chosen, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    rows = tables.read(tmp_path / command.TABLE)
    assert result["rows"] == rows
    assert result["forms"] == tables.read(tmp_path / command.FORMS)
    assert result["goals"] == tables.read(tmp_path / command.GOALS)
    measured = [row for row in rows if row["status"] == "measured"]
    assert len(measured) == 3 + 2
    for row in measured:
        assert row["low"] <= row["median"] <= row["high"]
        assert row["share"] == pytest.approx(row["bytes"] / row["median"] / row["copy_bandwidth"])
        assert row["how"] == "wall clock"
    assert {row["why"] for row in rows if row["implementation"] == "kernel"} == {measure.INTERPRETED}
    assert {row["implementation"] for row in rows if row["operation"] is None} == {"flashinfer", "vllm", "sglang"}
    ratios = [row["ratio_to_none"] for row in measured if row["form"] == "rank one"]
    assert len(ratios) == 2
    assert min(ratios) > 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert set(manifest["outputs"]) == {"device.csv", "goals.csv", "forms.csv", "device.svg", "device.png"}
    # The figure is a function of the table.
    before = (tmp_path / "device.png").read_bytes()
    (tmp_path / "device.png").unlink()
    command.redraw(tmp_path)
    assert (tmp_path / "device.png").read_bytes() == before
    shown = command.text(result)
    assert "not measured (needs a GPU)" in shown
    assert "flashinfer is not installed" in shown


def test_a_figure_needs_a_measured_row(tmp_path):
    rows = device_rows()
    with pytest.raises(ValueError, match="hold none that was measured"):
        figure.draw([row | {"status": "failed"} for row in rows])
    tables.write(tmp_path / command.TABLE, [row | {"status": "failed"} for row in rows])
    assert command.redraw(tmp_path) == ()


def test_points_that_do_not_fit_are_rows(monkeypatch):
    monkeypatch.setattr(measure, "free_memory", lambda device: 10**5)
    rows = measure.measure(grid("cpu", sizes=[300], batches=[1], gammas=[1]), "cpu", 0, 0.0)
    own = [row for row in rows if row["operation"] is not None]
    assert {row["status"] for row in own} == {"does not fit"}
    assert "GB, more than 80% of what is free" in own[0]["why"]
    # 262,144 tokens, 65,536 kept: 34 GB in half precision, twice where rows are drawn from, too.
    one = Point("verify token", "dense half", 262_144, 64, 4, "bfloat16")
    assert 34e9 < bytes_needed(one) < 38e9
    assert bytes_needed(one._replace(operation="propose")) > 68e9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "cuda"], "needs a CUDA device"),
        (["--device", "cpu", "--sizes", "8"], "sizes must be integers of at least 16"),
        (["--device", "cpu", "--batches", "0"], "batches must be integers of at least 1"),
        (["--device", "cpu", "--large"], "--large and --scratch belong to the benchmark without --device"),
        (["--sizes", "64"], "--sizes, --batches and --gammas go with --device"),
        (["--device", "tpu"], "invalid choice: 'tpu'"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(options, message, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cli.main(["bench", "--out", str(tmp_path / "out"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1 or "usage:" in error
    assert not (tmp_path / "out").exists()


def test_with_no_gpu_the_run_with_tests_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert with_tests.main([]) == 2
    assert "needs a CUDA device" in capsys.readouterr().err


def test_nothing_is_timed_after_a_failed_test(monkeypatch):
    commands = []

    def run(line, **options):
        commands.append(line)
        return argparse.Namespace(returncode=int("pytest" in line and failing))

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(with_tests.subprocess, "run", run)
    failing = True
    assert with_tests.main(["--quick"]) == 1
    assert len(commands) == 1
    assert sum("test_ops" in name for name in commands[0]) >= 6
    failing = False
    assert with_tests.main(["--quick"]) == 0
    assert commands[-1][2:] == ["rdk_theory", "bench", "--device", "cuda", "--quick"]
