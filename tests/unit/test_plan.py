"""`rdk plan` on captures that the test writes: the planted optimum, the words, the figure, resumption."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from rdk_theory import _tensors, acceptance_rate, cli, runs, tables
from rdk_theory.captures import TEST, open_capture
from rdk_theory.captures.header import write_header
from rdk_theory.fitting.kept_sets import kept_size
from rdk_theory.measure.command import QUICK
from rdk_theory.plan import command
from rdk_theory.plan.chains import along_runs
from rdk_theory.plan.figure import speed
from rdk_theory.plan.observations import KERNELS, Observer
from rdk_theory.plan.sentence import WITH, sentence
from rdk_theory.speed import best_draft_length, speedup
from rdk_theory.tables import Row
from tests.capture_folder import write_capture

SIZE = 48
COST = ["--draft-cost", "0.1", "--head-cost", "0.4"]
THREE = ["--fractions", "0.5,0.25,0.125", "--kernels", "tli,rank-one,unpruned"]
NAMED = {words: kernel for kernel, words in WITH.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_capture(tmp_path_factory.mktemp("capture"), size=SIZE, documents=40, per_document=6, seed=0)


def with_logits(folder: Path, target: np.ndarray, draft: np.ndarray, *ids: np.ndarray) -> Path:
    """The capture in `folder` with other logits, and other tokens and positions where they are given."""
    shard = folder / "shard-00000.safetensors"
    file = _tensors.TensorFile(shard)
    old = {name: file.integers(name) for name in ("token_ids", "positions", "document_ids")}
    old |= dict(zip(old, ids, strict=False))
    logits = {"target_logits": target, "draft_logits": draft, "hidden": draft}
    tensors = {name: np.asarray(x, dtype=np.float32) for name, x in logits.items()}
    split = file.integers("split").astype(np.int8)
    _tensors.write(shard, {**tensors, **old, "split": split})
    header = {"kind": "rows", "target_size": target.shape[1], "draft_size": draft.shape[1]}
    write_header(folder, {**header, "shards": [{"name": shard.name, "sha256": runs.sha256(shard)}]}, complete=True)
    return folder


def plan(folder: Path, out: Path, *arguments: str) -> list[Row]:
    assert cli.main(["plan", str(folder), "--out", str(out), *arguments]) == 0
    return tables.read(out / "plan.csv")


def test_the_planted_optimum_is_found(tmp_path: Path) -> None:
    """Twelve tokens carry the text and the drafter knows them well, but not that the others do not matter."""
    capture = write_capture(tmp_path / "capture", size=SIZE, documents=40, per_document=6, seed=1)
    rng = np.random.default_rng(2)
    count, useful = 240, SIZE // 4
    target = rng.normal(size=(count, SIZE))
    target[:, useful:] -= 12.0  # hardly ever
    draft = target + 0.1 * rng.normal(size=(count, SIZE))
    draft[:, useful:] += 12.0  # as often as the others, so that unpruned drafts are wasted
    with_logits(capture, target, draft)
    rows = plan(capture, tmp_path / "out", *COST, *THREE, "--longest", "5")
    best = rows[0]
    assert (best["kept"], best["best"]) == (useful, True)
    assert best["acceptance"] > 0.9
    # The draft length is the one that its acceptance and its cost make best, if a block gains no more than a hundredth.
    assert abs(best_draft_length(best["acceptance"], 0.1 + 0.4 / 4, 5) - best["draft"]) <= 1
    whole = next(row for row in rows if row["kernel"] == "unpruned")
    assert whole["behind_low"] > 0.5
    assert {row["kept"] for row in rows} == {SIZE, SIZE // 2, SIZE // 4, SIZE // 8}
    assert {row["kernel"] for row in rows} == {"tli", "rank-one", "unpruned"}
    # Control: with a free head and a drafter that is right on all tokens, none should be pruned.
    rows = plan(
        with_logits(capture, target, target),
        tmp_path / "free",
        *("--draft-cost", "0.1", "--head-cost", "0", "--fractions", "0.125", "--kernels", "tli,unpruned"),
    )
    assert (rows[0]["kernel"], rows[0]["best"], rows[0]["draft"]) == ("unpruned", True, 8)
    assert json.loads((tmp_path / "free" / "plan.json").read_text(encoding="utf-8"))["plan"].startswith("Do not prune")


def test_a_drafter_that_costs_a_target_is_not_used(folder: Path, tmp_path: Path) -> None:
    rows = plan(
        folder,
        tmp_path,
        "--draft-cost",
        "1",
        "--head-cost",
        "0.1",
        *("--kernels", "tli", "--quick", "--select", "acceptance"),
    )
    assert {row["kept"] for row in rows} == {kept_size(fraction, SIZE) for fraction in QUICK}
    assert not any(row["best"] for row in rows)
    assert rows[0]["speedup"] < 1
    assert json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["plan"].startswith("Do not draft")


def test_the_words_the_table_and_json_are_one(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = plan(folder, tmp_path, *COST, "--fractions", "0.25,0.1", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["rows"] == rows
    assert {row["kernel"] for row in rows} == set(KERNELS)
    assert [row["speedup"] for row in rows] == sorted((row["speedup"] for row in rows), reverse=True)
    assert [row["best"] for row in rows] == [True] + [False] * (len(rows) - 1)
    for row in rows:
        assert row["low"] <= row["speedup"] <= row["high"]
        assert row["speedup"] == pytest.approx(row["tokens"] / (1 + row["draft"] * row["cost"]))
        assert row["behind"] == pytest.approx(rows[0]["speedup"] - row["speedup"])
        if row["verification"] == "token":
            assert row["speedup"] == pytest.approx(speedup(row["acceptance"], row["draft"], row["cost"]))
    assert 0.5 < sum(row["best_share"] for row in rows) <= 1
    assert answer["plan"] == sentence(rows, SIZE, 0.95)
    kept, words, draft, times, low, high = re.match(
        r"Keep ([\d,]+) of 48 tokens (.*?), draft (\d+) a call, .*?: ([\d.]+) times .*interval ([\d.]+) to ([\d.]+)\)",
        answer["plan"],
    ).groups()
    best = rows[0]
    assert (int(kept), NAMED[words], int(draft)) == (best["kept"], best["kernel"], best["draft"])
    assert (times, low, high) == tuple(f"{best[key]:.3f}" for key in ("speedup", "low", "high"))
    assert any("independently at each token" in line for line in answer["assumed"])
    # The table for a terminal says the same, and the figure was drawn.
    plan(folder, tmp_path, *COST, "--fractions", "0.25,0.1")
    shown = capsys.readouterr().out
    assert answer["plan"] in shown
    assert all(line in shown for line in answer["assumed"])
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert {"plan.csv", "plan.json", "plan.png", "plan.svg"} < set(manifest["outputs"])


def row(kept: int, kernel: str, gain: float, behind_low: float | None, *, best: bool = False) -> Row:
    ends = {"behind": 2.0 - gain, "behind_low": behind_low, "behind_high": behind_low and behind_low + 0.2}
    speeds = {"speedup": gain, "low": gain - 0.1, "high": gain + 0.1}
    return {"kept": kept, "kernel": kernel, "draft": 3, "verification": "block", **speeds, **ends, "best": best}


def test_each_answer_has_its_sentence() -> None:
    tli, whole = row(80, "tli", 1.9, -0.05), row(800, "unpruned", 1.5, 0.3)
    best = row(40, "optimal", 2.0, 0.0, best=True)
    text = sentence([best, tli, whole], 800, 0.9)
    assert text.startswith("Keep 40 of 800 tokens with the kernel fitted for acceptance, draft 3 a call, verified as a")
    assert "2.000 times as fast as plain decoding (90 % interval 1.900 to 2.100)." in text
    assert (
        "Unpruned, drafting 3 a call, verified as a block: 1.500 times, slower by 0.500 (0.300 to 0.500), dist" in text
    )
    assert "Runner-up: 80 of 800 tokens without redistribution (TLI), drafting 3 a call" in text
    assert "slower by 0.100 (-0.050 to 0.150), not distinguishable from the best." in text
    assert "no gain" not in text
    assert "That is the runner-up" in sentence([best, whole, tli], 800, 0.9)
    assert sentence([row(800, "unpruned", 2.0, 0.0, best=True), tli], 800, 0.9).startswith("Do not prune: draft 3 a")
    poor = row(40, "rank-one", 0.9, 0.0)
    assert sentence([poor], 800, 0.9).startswith("Do not draft: of the settings tried none")
    barely = {**best, "low": 0.95}
    assert "which may be no gain" in sentence([barely], 800, 0.9)
    unsure = sentence([best, row(80, "tli", 1.9, None)], 800, 0.9)
    assert "whether that is more than chance, acceptance rates alone do not tell" in unsure


def test_the_figure_shows_the_table(folder: Path, tmp_path: Path) -> None:
    rows = [row(k, name, 1 + k / 100, 0.1) for name in ("tli", "optimal") for k in (10, 20, 40)]
    rows = [{**rows[-1], "best": True}, *rows[:-1], row(800, "unpruned", 1.2, 0.1)]
    (axes,) = speed(rows).axes
    labels = axes.get_legend_handles_labels()[1]
    assert {"TLI", "acceptance-fitted", "unpruned drafter", "plain decoding", "best"} == set(labels)
    ring = next(line for line in axes.lines if line.get_label() == "best")
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (40, 1.4)
    assert "best" not in speed([{**each, "best": False} for each in rows]).axes[0].get_legend_handles_labels()[1]


def test_other_costs_need_no_new_observations(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = Observer.observe

    def counted(self: Observer, *args: object) -> object:
        calls.append(args)
        return real(self, *args)

    monkeypatch.setattr(Observer, "observe", counted)
    monkeypatch.setattr(command, "_drawn", lambda out: [])
    given = ["--fractions", "0.25,0.125", "--kernels", "tli,unpruned"]
    for arguments, expected in (
        ([*COST], 2),
        ([*COST], 2),
        (["--draft-cost", "0.3", "--head-cost", "0.4"], 2),
        ([*COST, "--longest", "3"], 4),
        ([*COST, "--longest", "3", "--no-resume"], 6),
    ):
        plan(folder, tmp_path, *given, *arguments)
        assert len(calls) == expected


def test_a_table_gives_what_the_capture_gives_token_by_token(folder: Path, tmp_path: Path) -> None:
    assert cli.main(["measure", str(folder), "--quick", "--out", str(tmp_path / "measured")]) == 0
    table = tmp_path / "measured" / "measure.csv"
    rows = plan(table, tmp_path / "plan", *COST, "--vocabulary", str(SIZE))
    measured = {(r["kept"], r["sampler"]): r for r in tables.read(table)}
    assert {row["kernel"] for row in rows} == {"tli", "rank-one", "cooccurrence", "optimal", "unpruned"}
    for each in rows:
        source = measured.get((each["kept"], each["kernel"]), measured[24, "unpruned"])
        cost = 0.1 + 0.4 * each["kept"] / SIZE
        gamma = best_draft_length(source["acceptance"], cost, 8) or 1
        assert (each["draft"], each["verification"], each["behind_low"]) == (gamma, "token", None)
        for end, rate in (("speedup", "acceptance"), ("low", "low"), ("high", "high")):
            assert each[end] == pytest.approx(speedup(source[rate], gamma, cost))


def test_consecutive_contexts_are_followed(tmp_path: Path) -> None:
    """Laws that depend on the last token, and a text of the target: the tokens a call are those along that text."""
    rng = np.random.default_rng(3)
    documents, each = 50, 30
    capture = write_capture(tmp_path / "capture", size=SIZE, documents=documents, per_document=each, seed=0)
    target = 3 * rng.normal(size=(SIZE, SIZE))
    draft = target + rng.normal(size=(SIZE, SIZE)) * rng.choice([0.1, 3.0], size=(SIZE, 1))
    p, q = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (target, draft))
    text = np.zeros((documents, each + 1), dtype=np.int64)
    for t in range(each):
        text[:, t + 1] = (rng.random((documents, 1)) > p[text[:, t]].cumsum(axis=1)[:, :-1]).sum(axis=1)
    before, after = text[:, :-1].ravel(), text[:, 1:].ravel()
    with_logits(capture, target[before], draft[before], after)
    given = ["--fractions", "0.5", "--kernels", "unpruned", "--longest", "4"]
    rows = plan(capture, tmp_path / "out", *COST, *given)
    whole = next(row for row in rows if row["kernel"] == "unpruned")
    assert any(
        "followed through the text" in s for s in json.loads((tmp_path / "out/plan.json").read_text())["assumed"]
    )
    test = np.flatnonzero(open_capture(capture).split == TEST)
    assert whole["acceptance"] == pytest.approx(acceptance_rate(p[before], q[before])[test].mean(), abs=1e-5)
    logs = (np.log(q) - np.log(p))[before, after][test][:, None]
    runs_ = np.split(np.arange(test.size), documents // 2)
    starts, tokens = along_runs(logs, runs_, whole["draft"], whole["verification"], 4)
    counted = np.zeros(test.size, dtype=bool)
    for run in runs_:
        counted[run[4 : each - 3]] = True
    at_text, own = float(np.exp(np.minimum(logs[counted], 0)).mean()), whole["acceptance"]
    level = speedup(own, whole["draft"], 0) / speedup(at_text, whole["draft"], 0)
    assert whole["tokens"] == pytest.approx(tokens.sum() / starts.sum() * level, rel=1e-5)
    assert whole["text_gap"] == pytest.approx(
        at_text / acceptance_rate(p[before], q[before])[test][counted].mean() - 1, abs=1e-5
    )
    # Control: the same contexts with gaps between them are not followed.
    shard = capture / "shard-00000.safetensors"
    positions = 2 * _tensors.TensorFile(shard).integers("positions")
    with_logits(capture, target[before], draft[before], after, positions)
    plan(capture, tmp_path / "gaps", *COST, *given)
    assert any("independently" in s for s in json.loads((tmp_path / "gaps/plan.json").read_text())["assumed"])
