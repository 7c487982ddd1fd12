"""`rdk bench`: what it writes and prints, the exponents it fits, and that its checks can fail."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from rdk_theory import Vocabulary, cli, tables
from rdk_theory.bench import _kernels, _tasks, _timing, command, curves, large, targets
from rdk_theory.kernels import Embedding, StoredColumns
from rdk_theory.tolerances import EXACT


def test_a_quick_run_prints_json_and_writes_tables_a_figure_and_a_manifest(tmp_path):
    """In a process of its own: enforced shapes would triple the time of small functions."""
    folder = tmp_path / "out"
    command_line = [sys.executable, "-m", "rdk_theory", "bench", "--quick", "--json", "--out", str(folder)]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    plan = curves.plan(quick=True)
    assert len(result["rows"]) == sum(len(curve.sizes) for curve in plan.curves)
    assert result["rows"] == tables.read(folder / command.TABLE)
    assert result["targets"] == tables.read(folder / command.TARGETS)
    assert result["columns"] == tables.read(folder / command.COLUMNS)
    for row in result["rows"]:
        assert 0 < row["floor"] <= row["floor"] * row["ratio_to_floor"] == pytest.approx(row["seconds"])
        assert row["seconds"] <= row["median"] <= row["high"]
        assert row["exponent_low"] <= row["exponent"] <= row["exponent_high"]
        assert row["peak_bytes"] > 0
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert set(manifest["outputs"]) >= {"bench.csv", "targets.csv", "columns.csv", "bench.svg", "bench.png"}
    assert {t["name"] for t in result["targets"] if not t["timed"] and not t["held"]} == set()
    assert command.failed(result) == []
    text = command._text(result)
    assert "floor_exponent" in text
    assert "peak bytes a row, lazy columns" in text


def rows_of(kernel="columns", exponent=1.0, peak=1e5, counted=1.0):
    """A table of one curve with known numbers, and the curves of the embedding that it is compared with."""

    def curve(task, name, seconds):
        return [
            {
                "task": task, "kernel": name, "size": size, "seconds": seconds, "exponent": exponent,
                "exponent_low": exponent - 0.1, "exponent_high": exponent + 0.1, "counted_exponent": counted,
                "peak_bytes": peak,
            }
            for size in (1 << 16, 1 << 17, 1 << 18)
        ]  # fmt: skip

    rest = curve("verify lazily", "columns", 1.1) if kernel != "columns" else []
    return [
        *curve("verify lazily", kernel, 1.1),
        *rest,
        *curve("verify whole", "embedding", 1.0),
        *curve("verify lazily", "embedding", 1.0),
    ]


def columns_of(mean, error=0.01):
    return targets.Columns("sparse", 4, 1000, mean, mean - 1.96 * error, mean + 1.96 * error, 0.6, 0)


@pytest.mark.parametrize(
    ("rows", "read", "missed"),
    [
        (rows_of(), columns_of(2.0), []),
        (rows_of(), columns_of(2.04), []),
        (rows_of(exponent=1.06), columns_of(1.9), ["exponent, verify lazily, columns"]),
        (rows_of(counted=1.06), columns_of(1.9), ["counted exponent, verify lazily, columns"]),
        (rows_of(peak=1e6), columns_of(1.9), ["peak bytes a row, lazy columns, N = 131072"]),
        (rows_of(), columns_of(2.06), ["mean columns, sparse, 4 tries"]),
        (rows_of("dense", 2.0, counted=2.0), columns_of(1.9), ["exponent, verify lazily, embedding"]),
    ],
)
def test_targets_are_missed_where_they_should_be(rows, read, missed):
    found = targets.targets(rows, [read])
    lost = [t.name for t in found if not t.held]
    assert set(missed) <= set(lost)
    assert bool(missed) == bool(lost)
    ratio = next(t for t in found if t.name.startswith("lazy dense float16 over TLI by verify_token"))
    assert ratio.value == pytest.approx(1.1)


def test_a_missed_time_is_reported_and_a_missed_count_fails(monkeypatch, tmp_path, capsys):
    def outcome(timed):
        target = targets.Target("x", 2.0, None, None, "at most 1", False, timed)
        monkeypatch.setattr(command, "bench", lambda *args, **options: {"rows": [], "targets": [target._asdict()]})
        return cli.main(["bench", "--json", "--out", str(tmp_path)])

    assert (outcome(timed=True), outcome(timed=False)) == (0, 1)
    capsys.readouterr()


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_exponents_are_found_with_their_interval(slope):
    sizes = [1 << power for power in range(12, 19)]
    exact = _timing.exponent(sizes, [3e-9 * size**slope for size in sizes])
    assert exact.slope == pytest.approx(slope)
    assert exact.high - exact.low < 1e-6
    rng = np.random.default_rng(3)
    noisy = [3e-9 * size**slope * np.exp(rng.normal(0, 0.1)) for size in sizes]
    found = _timing.exponent(sizes, noisy)
    assert found.low < slope < found.high
    assert 0.02 < found.high - found.low < 0.4
    with pytest.raises(ValueError, match="must be at least three"):
        _timing.exponent([1, 2], [1.0, 2.0])


def test_intervals_of_exponents_cover_as_often_as_they_say():
    """4,000 fits of true power laws: cover 95 % of the time, within five standard errors; half as wide ones do not."""
    rng = np.random.default_rng(4)
    sizes, trials, inside, narrow = [1 << power for power in range(12, 19)], 4000, 0, 0
    for _ in range(trials):
        found = _timing.exponent(sizes, np.exp(np.log(sizes) + rng.normal(0, 0.2, len(sizes))).tolist())
        inside += found.low < 1 < found.high
        narrow += abs(found.slope - 1) < (found.high - found.low) / 4
    error = 5 * np.sqrt(0.05 * 0.95 / trials)
    assert abs(inside / trials - 0.95) < error
    assert abs(narrow / trials - 0.95) > error


def test_peak_counts_what_is_held_at_once():
    array = np.zeros(100_000)
    assert 8e5 <= _timing.peak(lambda: array + 1) < 9e5
    assert 16e5 <= _timing.peak(lambda: (array + 1) * (array + 2)) < 25e5


def test_peaks_are_those_of_one_batch_for_each_of_its_rows():
    """A batch of eight proposals of 5,000 numbers in float32 is held, whatever a call goes through beside it."""
    plan = curves.Plan((curves.Curve("verify whole", "embedding", (5000, 6000, 7000)),), 1, 3)
    for row in curves.measure(plan, 0):
        assert row["peak_bytes"] >= 4 * row["size"]


def test_counts_are_those_of_the_kernels():
    rng = np.random.default_rng(5)
    vocab = Vocabulary(256, rng.permutation(256)[:64])
    for name, make in _kernels.KERNELS.items():
        kernel = make(vocab, rng)
        cost = kernel.operations
        task = _tasks.redistribution(kernel, rng)
        assert (task.multiplications, task.additions) == (cost.multiplications, cost.additions)
        assert task.bytes <= cost.bytes(4)
        lazy, whole = _tasks.lazy(kernel, rng), _tasks.plain(kernel, rng)
        assert lazy.rows == whole.rows == _tasks.ROWS * _tasks.DRAWS
        assert lazy.bytes >= 4 * (256 + 64), name
    # Two columns of 64 entries in float16, and the rows themselves.
    dense = _tasks.lazy(_kernels.RepeatedColumns(vocab, rng), rng)
    assert abs(dense.bytes - (4 * (256 + 64) + 2 * 64 * 2)) <= 8
    assert _tasks.lazy(Embedding(vocab), rng).multiplications == 0


def test_columns_that_repeat_are_the_kernel_that_the_file_holds(tmp_path):
    """The stand-in for large vocabularies, and the large file, written with the same random numbers."""
    vocab = Vocabulary(3 * _kernels.TILE // 2, np.arange(40))
    large.write(tmp_path / "m", vocab, np.random.default_rng(6))
    stored = StoredColumns(tmp_path / "m", vocab, check=True)
    repeated = _kernels.RepeatedColumns(vocab, np.random.default_rng(6))
    rng = np.random.default_rng(7)
    draft = rng.dirichlet(np.ones(40), size=5)
    token, place, uniform = rng.integers(0, vocab.size, 5), rng.integers(0, 40, 5), rng.random(5)
    assert np.array_equal(stored.probability(draft, token), repeated.probability(draft, token))
    assert np.array_equal(stored.draw(place, uniform), repeated.draw(place, uniform))
    assert np.abs(stored.row(place) - repeated.row(place)).max() <= EXACT
    for rows in (draft, draft[:1]):
        assert np.array_equal(stored.redistribute(rows), repeated.redistribute(rows))
    assert np.abs(draft @ stored.row(np.arange(40)) - stored.redistribute(draft)).max() <= EXACT


def test_the_large_file_is_measured_and_removed(tmp_path):
    found = large.measure(0, tmp_path, 2, size=8192, kept=1024)
    assert list(tmp_path.iterdir()) == []
    assert [row["name"] for row in found.rows][1] == "redistribute, dense float16"
    assert all(0 < row["seconds"] <= row["median"] and row["floor"] > 0 for row in found.rows)
    assert len(found.targets) == 5
    assert large.bytes_needed(8192, 1024) == 2 * 8192 * 1024 + 8 * 1024 * 65
    # K ≥ N/4 at full size: 8.9 GB.
    assert 8.8e9 < large.bytes_needed(large.SIZE, large.KEPT) < 8.9e9


def test_a_full_disk_or_a_missing_folder_is_bad_usage(tmp_path, monkeypatch, capsys):
    def measure(plan, seed):
        raise AssertionError("measured before it was known whether the file fits")

    monkeypatch.setattr(curves, "measure", measure)
    arguments = ["bench", "--large", "--out", str(tmp_path / "out"), "--scratch"]
    assert cli.main([*arguments, str(tmp_path / "nowhere")]) == 2
    assert "nowhere is no folder" in capsys.readouterr().err
    free = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr(large.shutil, "disk_usage", lambda place: free)
    assert cli.main([*arguments, str(tmp_path)]) == 2
    assert "the file takes 8.9 GB, more than is free" in capsys.readouterr().err
