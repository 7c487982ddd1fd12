"""`rdk measure` on a capture that the test writes: right numbers, held-out documents, resumption, bad usage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rdk_theory import Vocabulary, _tensors, acceptance_rate, cli, restrict, tables
from rdk_theory.captures import CALIBRATION, TEST, Capture, open_capture
from rdk_theory.distributions import embed
from rdk_theory.measure import command, measurement
from rdk_theory.measure.samplers import (
    NAMES,
    Contexts,
    Fitted,
    Sampler,
    _from_covariance,
    _from_mean,
    _from_rows,
    covariance_factor,
    samplers,
)
from tests.capture_folder import write_capture

SIZE = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_capture(tmp_path_factory.mktemp("capture"), size=SIZE, documents=40, per_document=6, seed=0)


def test_tli_and_the_ceiling_are_what_they_are(folder: Path, tmp_path: Path) -> None:
    rows = command.measure(
        folder,
        tmp_path,
        [("count", 0.25)],
        kept=None,
        max_memory=1e9,
        work=1e9,
        seed=0,
        resume=True,
        names=["tli", "unpruned"],
    )
    capture = open_capture(folder)
    target, draft = capture.rows(np.flatnonzero(capture.split == TEST))
    vocab = Vocabulary(SIZE, np.sort(np.argsort(-capture.train_counts, kind="stable")[: SIZE // 4]))
    tli = next(r for r in rows if r["sampler"] == "tli")
    proposal = embed(restrict(draft, vocab), vocab)
    assert tli["kept"] == SIZE // 4
    assert tli["acceptance"] == pytest.approx(acceptance_rate(target, proposal).mean(), abs=1e-6)
    assert tli["ceiling"] == pytest.approx(target[:, vocab.kept].sum(axis=1).mean(), abs=1e-6)
    assert tli["gain"] == tli["gain_low"] == tli["gain_high"] == 0
    unpruned = next(r for r in rows if r["sampler"] == "unpruned")
    assert unpruned["acceptance"] == pytest.approx(acceptance_rate(target, draft).mean(), abs=1e-6)


def test_order_of_samplers_that_theory_demands(folder: Path, tmp_path: Path) -> None:
    """Union never above TLI, TLI never above its ceiling, the oracle never below a fixed weight with the same prior."""
    rows = command.measure(
        folder,
        tmp_path,
        [("mean", 0.25), ("variance", 0.1)],
        kept=None,
        max_memory=1e9,
        work=1e9,
        seed=0,
        resume=True,
        names=[name for name in NAMES if "calibrated" not in name],
    )
    for selection in ("mean", "variance"):
        by = {r["sampler"]: r for r in rows if r["selection"] == selection}
        assert by["union"]["acceptance"] <= by["tli"]["acceptance"] <= by["tli"]["ceiling"]
        assert by["oracle-weight"]["acceptance"] >= by["rank-one"]["acceptance"] - 1e-6
        assert by["oracle-weight"]["acceptance"] >= by["tli"]["acceptance"] - 1e-6
        for row in by.values():
            assert row["low"] <= row["acceptance"] <= row["high"]
            assert row["dominance_bound"] <= row["gain"] + 1e-9


def test_nothing_is_fitted_on_test_documents(folder: Path) -> None:
    """A sampler that learns its contexts by heart shows what it saw; leaking the test documents would be seen."""
    seen: list[np.ndarray] = []

    def fit(contexts: Contexts) -> Fitted:
        seen.append(contexts.targets)
        return Fitted(lambda c: np.zeros(c.targets.shape[0]))

    capture = open_capture(folder)
    spy = (Sampler("spy", fit), *(s for s in samplers(0.0) if s.name == "tli"))
    measurement.Measurement(capture, 1e9).measure("count", Vocabulary(SIZE, [3, 1, 2]), spy)
    calibration, _ = capture.rows(np.flatnonzero(capture.split == CALIBRATION))
    test, _ = capture.rows(np.flatnonzero(capture.split == TEST))
    (fitted_on,) = seen
    assert np.array_equal(fitted_on, calibration)

    def leaked(rows: np.ndarray) -> bool:
        return bool({row.tobytes() for row in rows} & {row.tobytes() for row in test})

    assert not leaked(fitted_on)
    leaky = measurement.Measurement(capture, 1e9)
    leaky._calibration = np.arange(len(capture))  # control: a measurement that ignores the split is found out
    leaky.measure("count", Vocabulary(SIZE, [3, 1, 2]), spy)
    assert leaked(seen[-1])
    assert not set(capture.documents[capture.split == TEST]) & set(capture.documents[capture.split == CALIBRATION])


def test_little_memory_thins_the_calibration_contexts(folder: Path) -> None:
    capture = open_capture(folder)
    whole = measurement.Measurement(capture, 1e9).targets().shape[0]
    few = measurement.Measurement(capture, 240.0 * SIZE).targets().shape[0]
    assert whole > few
    assert 0 < few <= 30
    with pytest.raises(ValueError, match="max_memory"):
        measurement.Measurement(capture, 10.0)


def test_every_row_has_the_columns_of_the_table(folder: Path, tmp_path: Path) -> None:
    rows = command.measure(
        folder, tmp_path, [("count", 0.25)], kept=None, max_memory=1e9, work=1e9, seed=0, resume=True
    )
    small = ("low-rank-eighth", "shortlist-sixteenth", "shortlist-eighth")  # a share of this head buys no direction
    assert [row["sampler"] for row in rows] == [*(name for name in NAMES if name not in small), measurement.OPTIMUM]
    assert tables.read(tmp_path / "measure.csv") == rows
    by = {str(row["sampler"]): row for row in rows}
    columns = {
        *("pair", "selection", "fraction", "kept", "sampler", "acceptance", "low", "high", "gain", "gain_low"),
        *("recovered", "recovered_low", "recovered_high", "repair", "restoration", "restoration_low"),
        *(
            "restoration_high",
            "gain_high",
            "dominance_bound",
            "certified",
            "worse",
            "weight",
            "fitted",
            "upper_bound",
            "ceiling",
        ),
        *("contexts", "documents", "calibration_contexts"),
    }
    assert all(set(row) == columns for row in rows)
    assert by["optimal"]["fitted"] <= by["optimal"]["upper_bound"]
    assert by["rank-one"]["fitted"] <= by["cooccurrence"]["fitted"] <= by["optimal"]["upper_bound"]
    assert by["tli"]["worse"] == by["oracle-weight"]["worse"] == 0
    assert 0 < by["rank-one-cold-mass"]["worse"] < 1


def test_an_interval_of_no_gain_covers_zero_and_is_not_certified(folder: Path) -> None:
    """TLI with noise of mean 0 in each context gains nothing; with a steady loss, or gain, that is seen."""
    rng = np.random.default_rng(3)

    def shifted(by: float) -> Sampler:
        def judge(c: Contexts) -> np.ndarray:
            tli = acceptance_rate(c.targets, embed(c.drafts, c.vocab))
            return tli + by + rng.choice([-0.05, 0.05], tli.shape)

        return Sampler(f"tli {by:+g}", lambda _: Fitted(judge, largest=0.2))

    capture = open_capture(folder)
    tli = tuple(s for s in samplers(0.0) if s.name == "tli")
    vocab = Vocabulary(SIZE, np.arange(12))
    rows = measurement.Measurement(capture, 1e9).measure(
        "count", vocab, (*tli, shifted(0.0), shifted(-0.05), shifted(0.1))
    )
    null, loss, win = rows[1:]
    assert null["gain_low"] < 0 < null["gain_high"]
    assert not null["certified"]
    assert loss["gain_high"] < 0
    assert loss["dominance_bound"] < 0
    assert win["gain_low"] > 0


def test_gains_are_paired(folder: Path) -> None:
    """The interval of a gain is far narrower than those of the two rates: they share contexts and resamples."""
    capture = open_capture(folder)
    vocab = Vocabulary(SIZE, np.arange(40))
    chosen = samplers(0.0, ["tli", "rank-one"])
    _, row = measurement.Measurement(capture, 1e9).measure("count", vocab, chosen)
    assert row["gain_high"] - row["gain_low"] < (row["high"] - row["low"]) / 2


def test_another_capture_is_measured_again(folder: Path, tmp_path: Path) -> None:
    """Control of resumption: equal settings on another capture, in the same folder of results, are another step."""
    other = write_capture(tmp_path / "other", size=SIZE, documents=40, per_document=6, seed=1)
    given = {"kept": None, "max_memory": 1e9, "work": 0.0, "seed": 0, "resume": True, "names": ["tli"]}
    first = command.measure(folder, tmp_path / "out", [("count", 0.25)], **given)
    second = command.measure(other, tmp_path / "out", [("count", 0.25)], **given)
    assert first[0]["acceptance"] != second[0]["acceptance"]


def test_the_covariance_is_that_of_the_targets() -> None:
    rng = np.random.default_rng(4)
    targets = rng.dirichlet(np.full(6, 0.3), 50) @ rng.dirichlet(np.full(30, 0.2), 6)  # of rank 5 once centred
    factor = covariance_factor(targets, 8, np.random.default_rng(0))
    assert np.abs(factor @ factor.T - np.cov(targets.T, bias=True)).max() < 1e-12
    few = covariance_factor(targets, 3, np.random.default_rng(0))
    assert few.shape == (30, 3)
    largest = np.linalg.eigvalsh(np.cov(targets.T, bias=True))[:-4:-1]
    assert np.abs((few**2).sum(axis=0) - largest).max() < 1e-12


def states_of(capture: Capture, vocab: Vocabulary, numbers: np.ndarray) -> Contexts:
    return measurement.Measurement(capture, 1e9)._contexts(vocab, numbers, *capture.rows(numbers))


@pytest.mark.parametrize("biased", [False, True])
def test_the_mass_of_the_cold_rows_is_estimated_from_the_head(
    folder: Path, tmp_path: Path, biased: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jensen's estimate is below the mass in every context; the whole covariance brings it near in most."""
    capture = open_capture(folder)
    if biased:  # the same logits, part of them as a bias
        bias = np.linspace(-1, 1, SIZE, dtype=np.float32)
        monkeypatch.setattr(type(capture), "draft_bias", property(lambda self: bias))
        monkeypatch.setattr(type(capture), "hidden", property(lambda self: open_logits(folder) - bias))
    vocab = Vocabulary(SIZE, np.arange(10))
    numbers = np.arange(len(capture))
    contexts = states_of(capture, vocab, numbers)
    assert contexts.states is not None
    assert contexts.states.shape == (len(capture), SIZE + biased)
    exact = _from_rows(contexts)
    jensen, cumulant = _from_mean(contexts)(contexts), _from_covariance(contexts, SIZE)(contexts)
    assert (jensen <= exact + 1e-6).all()
    assert np.abs(cumulant - exact).mean() < np.abs(jensen - exact).mean() / 3
    few = _from_covariance(contexts, 1)(contexts)
    assert (jensen <= few + 1e-12).all()
    assert (few <= cumulant + 1e-12).all()


def open_logits(folder: Path) -> np.ndarray:
    return _tensors.TensorFile(folder / "shard-00000.safetensors").floats("draft_logits")


def test_calibrated_weights_are_no_worse_where_they_were_fitted(folder: Path) -> None:
    capture = open_capture(folder)
    vocab = Vocabulary(SIZE, np.arange(5))
    calibrated = ["rank-one-jensen", "rank-one-cumulant", "rank-one-cold-mass-calibrated"]
    rows = measurement.Measurement(capture, 1e9).measure(
        "count", vocab, samplers(0.0, ["rank-one", "oracle-weight", *calibrated], rank=SIZE)
    )
    by = {row["sampler"]: row for row in rows}
    for name in calibrated:
        assert by[name]["fitted"] >= by["rank-one"]["fitted"] - 1e-6
        assert by[name]["acceptance"] <= by["oracle-weight"]["acceptance"] + 1e-6


def test_a_drafter_without_a_head_has_no_estimate(folder: Path) -> None:
    """Of the three weights only that of the exact mass, which is read off the rows, applies."""
    contexts = states_of(open_capture(folder), Vocabulary(SIZE, np.arange(5)), np.arange(4))
    names = ["rank-one-jensen", "rank-one-cumulant", "rank-one-cold-mass-calibrated"]
    bare = replace(contexts, states=None, head=None)

    def applying(to: Contexts) -> list[str]:
        return [s.name for s in samplers(0.0, names) if s.applies(to)]

    assert applying(contexts) == ["tli", *names]
    assert applying(bare) == ["tli", names[-1]]


def test_a_rank_is_another_setting(folder: Path, tmp_path: Path) -> None:
    """Control of resumption: what was measured with another rank is measured again."""
    given = {"kept": None, "max_memory": 1e9, "work": 0.0, "seed": 0, "resume": True, "names": ["rank-one-cumulant"]}
    first = command.measure(folder, tmp_path, [("count", 0.1)], **given, rank=1)
    second = command.measure(folder, tmp_path, [("count", 0.1)], **given, rank=SIZE)
    assert first[1]["acceptance"] != second[1]["acceptance"]


def test_an_interrupt_loses_no_complete_setting(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [("count", 0.5), ("count", 0.1)]
    given = {"kept": None, "max_memory": 1e9, "work": 1e9, "seed": 0, "resume": True, "names": ["rank-one", "optimal"]}
    whole = command.measure(folder, tmp_path / "whole", settings, **given)
    real, calls = measurement.Measurement.measure, []

    def interrupted(self: measurement.Measurement, *args: object) -> list[tables.Row]:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(measurement.Measurement, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command.measure(folder, tmp_path / "part", settings, **given)
    again = command.measure(folder, tmp_path / "part", settings, **given)
    assert len(calls) == 3  # the first setting was not repeated
    assert again == whole
    assert (tmp_path / "part" / "measure.csv").read_bytes() == (tmp_path / "whole" / "measure.csv").read_bytes()


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = tmp_path / "kept.txt"
    ids.write_text("5\n1\n7\n", encoding="utf-8")
    assert (
        cli.main(["measure", str(folder), "--kept", str(ids), "--out", str(tmp_path / "out"), "--json", "--quick"]) == 0
    )
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["kept"] for row in rows} == {3}
    assert {row["selection"] for row in rows} == {"file"}


def test_results_beside_the_working_folder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--fractions", "0.5,0.25", "--select", "all", "--samplers", "rank-one"]
    assert cli.main(["measure", str(folder), "--out", "results", *given]) == 0
    rows = tables.read("results/measure.csv")
    assert [(r["selection"], r["fraction"], r["sampler"]) for r in rows] == [
        (selection, fraction, sampler)
        for selection in ("count", "mean", "variance", "acceptance")
        for fraction in (0.5, 0.25)
        for sampler in ("tli", "rank-one")
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fractions", "0"], "--fractions"),
        (["--fractions", "1.5"], "--fractions"),
        (["--fractions", "a"], "--fractions"),
        (["--select", "luck"], "--select"),
        (["--max-memory", "0"], "--max-memory"),
        (["--kept", "nowhere.txt"], "nowhere.txt"),
        (["--seed", "-1"], "seed"),
        (["--rank", "0"], "--rank"),
        (["--work", "-1"], "--work"),
        (["--work", "nan"], "--work"),
        (["--fit-on", "nowhere"], "nowhere"),
        (["--samplers", "tli,luck"], "luck"),
    ],
)
def test_bad_usage(
    folder: Path, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["measure", str(folder), "--out", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_is_no_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["measure", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert str(tmp_path) in capsys.readouterr().err
