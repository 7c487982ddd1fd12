"""`rdk fit` on a capture that the test writes: the kernel in the file is the one that the table tells of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rdk_theory import acceptance_rate, cli, restrict, runs, tables
from rdk_theory.captures import CALIBRATION, TEST, open_capture
from rdk_theory.distributions import embed
from rdk_theory.fit import command
from rdk_theory.fitting import upper_bound
from rdk_theory.kernels import BackedOff, Dense, Embedding, RankOne, load_kernel
from rdk_theory.measure import command as measure_command
from rdk_theory.measure.measurement import Measurement
from rdk_theory.statistics import holdout_bound
from tests.capture_folder import write_capture

SIZE = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_capture(tmp_path_factory.mktemp("capture"), size=SIZE, documents=60, per_document=6, seed=0)


def rdk(folder: Path, out: Path, *arguments: str) -> int:
    return cli.main(["fit", str(folder), "--fraction", "0.25", "--out", str(out), *arguments])


def judged(folder: Path, kernel: object, split: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Acceptance of a kernel and of TLI in the contexts of a split, and their documents: without the command."""
    capture = open_capture(folder)
    members = np.flatnonzero(capture.split == split)
    target, draft = capture.rows(members)
    given = restrict(draft, kernel.vocab)
    rates = acceptance_rate(target, kernel.redistribute(given)), acceptance_rate(target, embed(given, kernel.vocab))
    return *rates, capture.documents[members]


@pytest.mark.parametrize("name", command.KERNELS)
def test_the_kernel_in_the_file_is_the_one_in_the_table(folder: Path, tmp_path: Path, name: str) -> None:
    assert rdk(folder, tmp_path, "--kernel", name) == 0
    (row,) = tables.read(tmp_path / "fit.csv")
    kernel = load_kernel(tmp_path / "kernel.safetensors")
    assert (row["kernel"], row["written"], row["kept"], row["fraction"]) == (name, name, SIZE // 4, 0.25)
    assert kernel.vocab.kept_size == SIZE // 4
    rates, tli, documents = judged(folder, kernel, TEST)
    assert row["acceptance"] == pytest.approx(rates.mean(), abs=1e-6)
    assert row["tli"] == pytest.approx(tli.mean(), abs=1e-6)
    assert row["gain"] == pytest.approx((rates - tli).mean(), abs=1e-6)
    assert row["tli_low"] < row["tli"] < row["tli_high"]
    assert row["gain_low"] < row["gain"] < row["gain_high"]
    # What the fit says of its own contexts is so in the calibration documents, and not in the test documents.
    fitted, _, others = judged(folder, kernel, CALIBRATION)
    assert row["fitted"] == pytest.approx(fitted.mean(), abs=1e-5)
    assert abs(row["fitted"] - rates.mean()) > 1e-3
    assert not set(others.tolist()) & set(documents.tolist())
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["outputs"] == {name: runs.sha256(tmp_path / name) for name in ("fit.csv", "kernel.safetensors")}
    assert manifest["arguments"]["kernel"] == name


def test_only_the_optimal_kernel_has_an_upper_bound(folder: Path, tmp_path: Path) -> None:
    rows = {}
    for name in command.KERNELS:
        rdk(folder, tmp_path / name, "--kernel", name)
        (rows[name],) = tables.read(tmp_path / name / "fit.csv")
    assert all(rows[name]["upper_bound"] is None and rows[name]["gap"] is None for name in ("rank-one", "cooccurrence"))
    best = rows["optimal"]
    assert best["gap"] == pytest.approx(best["upper_bound"] - best["fitted"])
    assert 0 <= best["gap"] <= 0.05
    assert max(row["fitted"] for row in rows.values()) <= best["upper_bound"]
    assert 0 < best["weight"] <= 1
    assert best["steps"] > 0
    assert 0 < rows["rank-one"]["weight"] < 1
    # The bound is one on the kernel in the file: duals of its own proposals cannot give less than it accepts.
    kernel = load_kernel(tmp_path / "optimal" / "kernel.safetensors")
    capture = open_capture(folder)
    target, draft = capture.rows(np.flatnonzero(capture.split == CALIBRATION))
    given = restrict(draft, kernel.vocab)
    duals = (kernel.redistribute(given) < target).astype(np.float32)
    assert upper_bound(target, given, duals) >= best["fitted"] - 1e-6


def test_it_measures_what_measure_measures(folder: Path, tmp_path: Path) -> None:
    given = {"kept": None, "max_memory": 1e9, "work": 1e9, "seed": 5, "resume": True, "names": list(command.KERNELS)}
    measured = measure_command.measure(folder, tmp_path / "measured", [("count", 0.25)], **given)
    for name in command.KERNELS:
        rdk(folder, tmp_path / name, "--kernel", name, "--seed", "5")
        (row,) = tables.read(tmp_path / name / "fit.csv")
        (other,) = (each for each in measured if each["sampler"] == name)
        same = (
            "acceptance",
            "low",
            "high",
            "gain",
            "gain_low",
            "gain_high",
            "weight",
            "fitted",
            "worse",
        )
        assert (row["upper_bound"] or 0) <= (other["upper_bound"] or 0)  # a fit goes on for the sake of its bound
        assert {key: row[key] for key in same} == pytest.approx({key: other[key] for key in same}, abs=1e-7)


def test_safe_writes_tli_unless_a_gain_is_certified(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = {}
    for level in ("0.5", "0.999999999"):
        rdk(folder, tmp_path / level, "--kernel", "rank-one", "--safe", level)
        (row,) = tables.read(tmp_path / level / "fit.csv")
        outcomes[level] = row["certified"]
        kernel = load_kernel(tmp_path / level / "kernel.safetensors")
        assert type(kernel) is (RankOne if row["certified"] else Embedding)
        assert row["written"] == ("rank-one" if row["certified"] else "embedding")
        assert row["level"] == float(level)
        assert row["certified"] == (row["dominance_bound"] > 0)
        assert ("no gain is certified" in capsys.readouterr().err) == (not row["certified"])
    assert outcomes == {"0.5": True, "0.999999999": False}
    # Control: without --safe the same kernel is written, and the table says that it was not certified.
    rdk(folder, tmp_path / "bold", "--kernel", "rank-one")
    assert type(load_kernel(tmp_path / "bold" / "kernel.safetensors")) is RankOne


def test_the_certificate_is_from_held_out_documents(folder: Path, tmp_path: Path) -> None:
    rdk(folder, tmp_path, "--kernel", "optimal", "--safe", "0.9")
    (row,) = tables.read(tmp_path / "fit.csv")
    rdk(folder, tmp_path / "bold", "--kernel", "optimal")
    kernel = load_kernel(tmp_path / "bold" / "kernel.safetensors")
    assert isinstance(kernel, Dense)
    staying = kernel.row(np.arange(kernel.vocab.kept_size))[np.arange(kernel.vocab.kept_size), kernel.vocab.kept]
    largest = min(1.0, 1 - staying.min() + 1e-5)
    bounds = {}
    for split in (TEST, CALIBRATION):
        rates, tli, documents = judged(folder, kernel, split)
        gains = rates.astype(np.float64) - tli.astype(np.float64)
        bounds[split] = holdout_bound(gains, documents, 0.1, largest).lower
    assert row["dominance_bound"] == pytest.approx(bounds[TEST], abs=1e-6)
    # Control: a certificate from the documents of the fit would say more than is so.
    assert bounds[CALIBRATION] > bounds[TEST] + 0.01


def test_quick_uses_fewer_contexts(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "QUICK_WORK", 100.0 * SIZE * SIZE // 4)
    rdk(folder, tmp_path / "whole")
    rdk(folder, tmp_path / "quick", "--quick")
    whole, quick = (tables.read(tmp_path / part / "fit.csv")[0] for part in ("whole", "quick"))
    assert whole["calibration_contexts"] == 180
    assert command.FEWEST <= quick["calibration_contexts"] <= 100
    assert quick["contexts"] == whole["contexts"] == 180


def test_it_goes_on_where_it_stopped_and_starts_afresh_for_other_settings(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = Measurement.measure

    def counted(self: Measurement, *args: object) -> list[tables.Row]:
        calls.append(args)
        return real(self, *args)

    monkeypatch.setattr(Measurement, "measure", counted)
    for arguments, expected in (
        (["--kernel", "rank-one"], 1),
        (["--kernel", "rank-one"], 1),
        (["--kernel", "rank-one", "--safe", "0.9"], 2),
        (["--kernel", "cooccurrence"], 3),
        (["--kernel", "cooccurrence", "--no-resume"], 4),
    ):
        assert rdk(folder, tmp_path, *arguments) == 0
        assert len(calls) == expected
    (tmp_path / "kernel.safetensors").write_bytes(b"damaged")
    assert rdk(folder, tmp_path, "--kernel", "cooccurrence") == 0
    assert len(calls) == 5


def test_json_and_a_file_of_kept_tokens(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = tmp_path / "kept.txt"
    ids.write_text("5\n1\n7\n", encoding="utf-8")
    given = ["--kept", str(ids), "--kernel", "rank-one", "--json"]
    assert cli.main(["fit", str(folder), "--out", str(tmp_path / "out"), *given]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["selection"], row["kept"], row["fraction"]) == ("file", 3, 3 / SIZE)
    assert sorted(load_kernel(tmp_path / "out" / "kernel.safetensors").vocab.kept.tolist()) == [1, 5, 7]


@pytest.mark.parametrize("selection", ["variance", "acceptance"])
def test_selections_that_need_rows(
    folder: Path, tmp_path: Path, selection: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rdk(folder, tmp_path, "--kernel", "rank-one", "--select", selection) == 0
    (row,) = tables.read(tmp_path / "fit.csv")
    assert row["selection"] == selection
    assert 0 < row["recovered_low"] < row["recovered"] < row["recovered_high"]
    assert "certified" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fraction", "0"], "--fraction"),
        (["--fraction", "1.5"], "--fraction"),
        (["--fraction", "a"], "--fraction"),
        (["--fraction", "nan"], "--fraction"),
        (["--safe", "1"], "--safe"),
        (["--safe", "0"], "--safe"),
        (["--kernel", "luck"], "--kernel"),
        (["--select", "luck"], "--select"),
        (["--max-memory", "0"], "--max-memory"),
        (["--kept", "nowhere.txt"], "nowhere.txt"),
        (["--seed", "-1"], "seed"),
        (["--kernel", "rank-one", "--fraction", "1"], "no token is cold"),
    ],
)
def test_bad_usage(
    folder: Path, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fit", str(folder), "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "kernel.safetensors").exists()


def test_a_folder_that_is_no_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fit", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_what_is_too_large_to_be_dense_is_fitted_in_batches(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rdk_theory.fit import fitting

    assert rdk(folder, tmp_path / "dense") == 0
    monkeypatch.setattr(fitting, "LARGEST", 100)
    assert rdk(folder, tmp_path / "sparse") == 0
    (dense,), (sparse,) = (tables.read(tmp_path / name / "fit.csv") for name in ("dense", "sparse"))
    kernels = [load_kernel(tmp_path / name / "kernel.safetensors") for name in ("dense", "sparse")]
    assert [type(kernel) for kernel in kernels] == [Dense, BackedOff]
    assert sparse["acceptance"] == pytest.approx(dense["acceptance"], abs=0.02)
    assert sparse["acceptance"] > sparse["tli"]
    assert 0 < sparse["weight"] <= 1
    assert 0 <= sparse["gap"] <= 0.05  # as of the dense one: what validation gave up is part of it
