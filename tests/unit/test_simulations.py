"""Experiments: the same table whatever the workers and interrupts, figures from the table alone, theory held to it."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rdk_theory import cli, runs, tables
from rdk_theory.theorems.registry import claims
from simulations import _experiment, _runner, _workers, block_verification, command
from simulations._experiment import Options, experiments, generator, select
from simulations._rows import bars, number, outside
from simulations._runner import redraw, simulate, write_index
from simulations._workers import Workers

NAMES = sorted(e.id for e in select(["experiments"]))


def small(setting):
    """The setting with fewer samples, which costs no property of the table."""
    fewer = {
        "chains": 60,
        "trees": 3,
        "longest": 3,
        "replicates": 2,
        "sizes": [100, 3000],
        "contexts": 40,
        "repeats": 2,
        "instances": 1,
    }
    return {key: fewer.get(key, value) for key, value in setting.items()}


def shrunk(name):
    """A registered experiment with small settings."""
    experiment = experiments()[name]
    return replace(experiment, parameters=lambda options: [small(s) for s in experiment.parameters(options)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Each experiment run once, small: the folder of all."""
    folder = tmp_path_factory.mktemp("simulations")
    with Workers(1) as workers:
        for name in NAMES:
            simulate(shrunk(name), folder, 3, Options(quick=True), workers)
    write_index(folder)
    return folder


def table(folder, name):
    return (folder / name / _runner.TABLE).read_bytes()


class TestEveryExperiment:
    @pytest.mark.parametrize("name", NAMES)
    def test_its_table_agrees_with_theory(self, made, name):
        assert experiments()[name].check(tables.read(made / name / _runner.TABLE)) == []

    @pytest.mark.parametrize("name", NAMES)
    def test_it_names_claims_that_exist(self, name):
        assert experiments()[name].claims
        assert set(experiments()[name].claims) <= set(claims())

    @pytest.mark.parametrize("name", NAMES)
    def test_settings_are_json_and_distinct(self, name):
        for quick in (True, False):
            settings = experiments()[name].parameters(Options(quick=quick))
            texts = [json.dumps(s, allow_nan=False) for s in settings]
            assert len(set(texts)) == len(texts) > 0
            assert [json.loads(text) for text in texts] == settings

    @pytest.mark.parametrize("name", NAMES)
    def test_the_figure_is_redrawn_from_the_table_alone(self, made, name, tmp_path):
        (tmp_path / name).mkdir()
        (tmp_path / name / _runner.TABLE).write_bytes(table(made, name))
        redraw(experiments()[name], tmp_path)
        for file in (*_runner.FIGURES, _runner.ABOUT):
            assert (tmp_path / name / file).read_bytes() == (made / name / file).read_bytes()

    @pytest.mark.parametrize("name", NAMES)
    def test_some_settings_can_be_drawn_while_others_run(self, made, name):
        from rdk_theory import figures

        experiment, rows = shrunk(name), tables.read(made / name / _runner.TABLE)
        share = len(rows) // len(experiment.parameters(Options(quick=True)))
        with figures.style():
            experiment.draw(rows[:share]).canvas.draw()
            experiment.draw(rows[-share:]).canvas.draw()

    @pytest.mark.parametrize("name", NAMES)
    def test_labels_stay_inside_the_figure(self, made, name):
        from rdk_theory import figures

        with figures.style():
            figure = experiments()[name].draw(tables.read(made / name / _runner.TABLE))
            figure.canvas.draw()
            box = figure.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.get_figwidth()
        assert box.y1 <= figure.get_figheight()
        for axes in figure.axes:
            assert axes.get_xlabel()
            assert axes.get_ylabel()
            assert len(axes.get_legend_handles_labels()[1]) > 0

    def test_the_index_lists_all(self, made):
        listed = json.loads((made / _runner.INDEX).read_text(encoding="utf-8"))["experiments"]
        assert [item["id"] for item in listed] == NAMES
        for item in listed:
            assert item["violations"] == []
            assert item["caption"]
            assert (made / item["table"]).exists()
            assert (made / item["figure"]).exists()

    def test_the_manifest_names_seed_outputs_and_no_folder(self, made):
        for name in NAMES:
            text = (made / name / runs.MANIFEST).read_text(encoding="utf-8")
            manifest = json.loads(text)
            assert manifest["seed"] == 3
            assert set(manifest["outputs"]) == {_runner.TABLE, *_runner.FIGURES, _runner.ABOUT}
            assert str(made) not in text
            assert not list((made / name).glob("partial.*"))


class TestDeterminism:
    NAMES = [name for name in NAMES if not experiments()[name].timed]

    def test_two_workers_write_what_one_writes(self, made, tmp_path):
        with Workers(2) as workers:
            for name in self.NAMES:
                settings = dict(enumerate(shrunk(name).parameters(Options(quick=True))))
                found = {}
                workers.run(shrunk(name), dict(reversed(settings.items())), 3, found.update)
                tables.write(tmp_path / f"{name}.csv", [row for key in settings for row in found[key]])
                assert (tmp_path / f"{name}.csv").read_bytes() == table(made, name), name

    def test_another_seed_writes_another_table(self, made, tmp_path):
        with Workers(1) as workers:
            simulate(shrunk("block_verification"), tmp_path, 4, Options(quick=True), workers)
        assert table(tmp_path, "block_verification") != table(made, "block_verification")

    def test_a_setting_has_a_stream_of_its_own(self):
        first, second = experiments()["block_verification"], experiments()["draft_length"]
        draws = {
            generator(experiment, setting, seed).random()
            for experiment in (first, second)
            for setting in ({"a": 1}, {"a": 2})
            for seed in (0, 1)
        }
        assert len(draws) == 8
        assert generator(first, {"a": 1, "b": 2}, 0).random() == generator(first, {"b": 2, "a": 1}, 0).random()


class TestResume:
    def interrupted(self, folder, error, fail_at=2):
        """Run block_verification so that its setting number `fail_at` raises; the number of calls."""
        calls = []

        def run(setting, rng):
            calls.append(setting)
            if len(calls) == fail_at:
                raise error
            return block_verification.run(setting, rng)

        with pytest.raises(type(error)), Workers(1) as workers:
            simulate(replace(shrunk("block_verification"), run=run), folder, 3, Options(quick=True), workers)
        return len(calls)

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("broken")])
    def test_what_was_complete_is_not_computed_again(self, made, tmp_path, error):
        assert self.interrupted(tmp_path, error) == 2
        folder = tmp_path / "block_verification"
        assert not (folder / _runner.TABLE).exists()
        assert len(list((folder / "parts").glob("part-*"))) == 1
        calls = []

        def run(setting, rng):
            calls.append(setting)
            return block_verification.run(setting, rng)

        with Workers(1) as workers:
            simulate(replace(shrunk("block_verification"), run=run), tmp_path, 3, Options(quick=True), workers)
        assert len(calls) == 2
        assert table(tmp_path, "block_verification") == table(made, "block_verification")

    def test_starting_afresh_computes_all(self, tmp_path):
        self.interrupted(tmp_path, KeyboardInterrupt())
        assert self.interrupted(tmp_path, KeyboardInterrupt(), fail_at=2) == 2  # one part is there, one more is made
        calls = []

        def run(setting, rng):
            calls.append(setting)
            return block_verification.run(setting, rng)

        experiment = replace(shrunk("block_verification"), run=run)
        with Workers(1) as workers:
            simulate(experiment, tmp_path, 3, Options(quick=True), workers, resume=False)
        assert len(calls) == 3

    def test_a_complete_experiment_is_left_alone(self, made):
        def run(setting, rng):
            raise AssertionError("called again")

        with Workers(1) as workers:
            about = simulate(replace(shrunk("block_verification"), run=run), made, 3, Options(quick=True), workers)
        assert about["id"] == "block_verification"

    def test_a_failure_in_a_worker_is_raised_and_the_rest_kept(self):
        experiment = shrunk("block_verification")
        settings = experiment.parameters(Options(quick=True))
        work, found = dict(enumerate([*settings, {"error": 0.5}])), {}
        with Workers(2) as workers, pytest.raises(KeyError, match="longest"):
            workers.run(experiment, work, 3, found.update)
        assert found
        assert 3 not in found
        for rows in found.values():
            assert rows == tables.plain(rows)

    def test_redrawing_keeps_how_the_table_came_about(self, tmp_path):
        with Workers(1) as workers:
            simulate(shrunk("block_verification"), tmp_path, 3, Options(quick=True), workers)
        path = tmp_path / "block_verification" / runs.MANIFEST
        before = json.loads(path.read_text(encoding="utf-8"))
        (tmp_path / "block_verification" / "figure.png").unlink()
        changed = replace(experiments()["block_verification"], title="Another title")
        assert redraw(changed, tmp_path)["title"] == "Another title"
        after = json.loads(path.read_text(encoding="utf-8"))
        assert after["steps"]["table"] == before["steps"]["table"]
        for name, digest in after["outputs"].items():
            assert digest == runs.sha256(path.parent / name)


def test_one_thread_is_for_the_processes_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with _workers._one_thread():
        assert [os.environ[name] for name in _workers.THREADS] == ["1", "1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


class TestCommand:
    def test_it_runs_and_tells_where_the_results_are(self, tmp_path, capsys):
        assert cli.main(["simulate", "draft_length", "--quick", "--out", str(tmp_path), "--json"]) == 0
        (record,) = json.loads(capsys.readouterr().out)["experiments"]
        assert record["held"] is True
        assert (tmp_path / record["table"]).exists()
        assert cli.main(["simulate", "draft_length", "--redraw", "--out", str(tmp_path)]) == 0
        assert "draft_length/table.csv" in capsys.readouterr().out

    def test_it_lists_experiments_with_their_claims(self, capsys):
        assert cli.main(["simulate", "--list"]) == 0
        text = capsys.readouterr().out
        assert all(name in text for name in NAMES)
        assert all(experiment.shows in text for experiment in experiments().values())
        assert cli.main(["simulate", "draft_length", "--list", "--json"]) == 0
        (listed,) = json.loads(capsys.readouterr().out)["experiments"]
        assert listed["claims"] == ["expected-tokens", "walltime"]
        assert listed["settings"] == len(experiments()["draft_length"].parameters(Options()))

    def test_what_contradicts_theory_fails_the_command(self, tmp_path, capsys, monkeypatch):
        wrong = replace(shrunk("draft_length"), check=lambda rows: ["row 3 is off"])
        monkeypatch.setattr(command, "select", lambda names: [wrong])
        assert cli.main(["simulate", "draft_length", "--quick", "--out", str(tmp_path)]) == 1
        assert "draft_length: row 3 is off" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nonsense"], "no experiment 'nonsense'; there are"),
            (["draft_length", "--workers", "0"], "workers must be a positive integer, not 0"),
            (["draft_length", "--workers", "two"], "invalid int value"),
            (["draft_length", "--redraw"], "table.csv: No such file"),
            (["draft_length", "--workers", "2", "--scheduler", "tcp://127.0.0.1:8786"], "not allowed with argument"),
            (["draft_length", "--plot-every", "-1"], "must be a number of seconds, 0 or more, not '-1'"),
            (["draft_length", "--plot-every", "nan"], "must be a number of seconds, 0 or more, not 'nan'"),
            (["draft_length", "--seed", "-1"], "--seed"),
            (["--no-such-option"], "unrecognized arguments"),
        ],
    )
    def test_bad_usage_is_one_clear_line(self, tmp_path, capsys, arguments, message):
        assert cli.main(["simulate", *arguments, "--out", str(tmp_path)]) == 2
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.out == ""
        assert list(tmp_path.iterdir()) == []

    def test_a_table_that_is_not_the_experiments_is_refused(self, tmp_path, capsys):
        tables.write(tmp_path / "draft_length" / _runner.TABLE, [{"other": 1}])
        assert cli.main(["simulate", "draft_length", "--redraw", "--out", str(tmp_path)]) == 2
        assert "column" in capsys.readouterr().err

    def test_an_experiment_is_a_script_too(self, made, tmp_path):
        tables.write(tmp_path / "draft_length" / _runner.TABLE, tables.read(made / "draft_length" / _runner.TABLE))
        line = [sys.executable, "-m", "simulations.draft_length", "--redraw", "--out", str(tmp_path)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert (tmp_path / "draft_length" / "figure.svg").exists()


class TestParts:
    def test_all_means_all_once(self):
        assert [e.id for e in select(["draft_length", "all"])] == [e.id for e in experiments().values()]
        assert [e.id for e in select(["draft_length", "draft_length"])] == ["draft_length"]
        assert [e.id for e in select([])] == [e.id for e in experiments().values()]

    def test_an_experiment_in_the_wrong_file_is_an_error(self, monkeypatch):
        misplaced = replace(experiments()["draft_length"], id="elsewhere")
        monkeypatch.setattr("simulations.draft_length.EXPERIMENT", misplaced)
        with pytest.raises(RuntimeError, match=r"must stand in elsewhere\.py"):
            _experiment.experiments.__wrapped__()

    def test_noise_is_told_from_a_difference(self):
        rows = [{"n": 1, "theory": 0.5, **bars(0.5 + gap, 0.01, 100_000)} for gap in (0.0, 0.0601, 0.0603)]
        assert outside(rows, "theory", ["n"]) == ["measured is 0.0603 away from theory at n 1"]

    def test_an_alarm_is_rare_for_few_events_too(self):
        for mean in (0.01, 1.0, 10.0, 50.0, 1000.0):
            count = np.arange(int(mean + 60 * np.sqrt(mean) + 200))
            rows = [{"theory": mean, **bars(k, np.sqrt(k), 1)} for k in count]
            lines = outside(rows, "theory", [])
            alarmed = [abs(row["measured"] - mean) > row["alarm"] for row in rows]
            assert len(lines) == sum(alarmed) > 0
            assert stats.poisson.pmf(count, mean)[alarmed].sum() < 2e-8

    def test_a_cell_that_is_no_number_is_an_error(self):
        with pytest.raises(ValueError, match="column 'x'"):
            number({"x": "text"}, "x")
