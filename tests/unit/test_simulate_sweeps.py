"""A sweep on one process, on two and on a Dask cluster: the same bytes, whoever is killed in the middle."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest
from pyarrow import parquet

from rdk_theory import cli, figures, tables
from simulations import _runner, _workers, calibration_size, command
from simulations._experiment import Options, experiments, generator
from simulations._parts import Parts
from simulations._runner import simulate
from simulations._workers import Workers

NAME = "calibration_size"
SETTINGS = 150


def sweep():
    """The first settings of a registered sweep, so that processes find it by its name, and an empty figure."""
    registered = experiments()[NAME]
    return replace(
        registered,
        parameters=lambda options: registered.parameters(options)[:SETTINGS],
        draw=lambda rows: figures.canvas()[0],
    )


def run(folder, workers, seed=5, experiment=None, **options):
    return simulate(experiment or sweep(), folder, seed, Options(quick=True), workers, **options)


def table(folder):
    return (folder / NAME / _runner.TABLE).read_bytes()


def counted(folder):
    """How many rows the parts hold of each setting: one is right for this experiment."""
    files = sorted((folder / NAME / _runner.PARTS).glob("part-*.parquet"))
    return Counter(key for file in files for key in parquet.read_table(file)["_key"].to_pylist())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder of one run in this process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with Workers(1) as workers:
        run(folder, workers)
    return folder


@pytest.fixture
def small_batches(monkeypatch):
    """Batches so small that some settings are complete while others wait."""
    monkeypatch.setattr(_workers, "BATCH_SECONDS", 0.02)


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of Dask on the loopback device, with nothing to look at."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as started:
        yield started


def after(monkeypatch, count, action):
    """Do something once, when so many parts have been written."""
    written, add = [], Parts.add

    def wrapped(self, rows):
        add(self, rows)
        written.append(len(rows))
        if len(written) == count:
            action()

    monkeypatch.setattr(Parts, "add", wrapped)
    return written


def test_the_rows_of_a_setting_do_not_depend_on_what_runs_beside_it():
    experiment, seed = sweep(), 5
    settings = experiment.parameters(Options(quick=True))
    together, alone = {}, {}
    with Workers(1) as workers:
        workers.run(experiment, dict(enumerate(settings)), seed, together.update)
        for index in reversed(range(0, SETTINGS, 37)):
            workers.run(experiment, {index: settings[index]}, seed, alone.update)
    assert all(together[index] == rows for index, rows in alone.items())
    draws = {generator(experiment, setting, seed).random() for setting in settings}
    assert len(draws) == SETTINGS


class TestProcesses:
    def test_two_processes_write_the_bytes_of_one(self, undisturbed, tmp_path):
        with Workers(2) as workers:
            run(tmp_path, workers)
            assert len(workers._pools[2]._processes) == 2
        assert table(tmp_path) == table(undisturbed)
        assert set(counted(tmp_path).values()) == {1}
        assert len(counted(tmp_path)) == SETTINGS

    def test_a_killed_process_loses_and_repeats_nothing(self, undisturbed, tmp_path, monkeypatch, small_batches):
        with Workers(2) as workers:
            pids = set()

            def kill():
                pids.update(workers._pools[2]._processes)
                os.kill(min(pids), signal.SIGKILL)

            written = after(monkeypatch, 3, kill)
            run(tmp_path, workers)
            assert pids.isdisjoint(workers._pools[2]._processes)
        assert sum(written) == SETTINGS
        assert set(counted(tmp_path).values()) == {1}
        assert table(tmp_path) == table(undisturbed)

    def test_processes_that_die_again_and_again_end_the_run(self, tmp_path, monkeypatch, capsys):
        start = Workers._start

        def stillborn(self, count):
            pool = start(self, count)
            for process in pool._processes.values():
                process.kill()
                process.join()
            return pool

        monkeypatch.setattr(Workers, "_start", stillborn)
        monkeypatch.setattr(command, "select", lambda names: [sweep()])
        assert cli.main(["simulate", NAME, "--quick", "--workers", "2", "--out", str(tmp_path)]) == 2
        assert "processes died 3 times in a row with 150 settings" in capsys.readouterr().err

    def test_one_process_a_core_is_the_default(self, monkeypatch):
        monkeypatch.setattr(_workers, "cores", lambda: 7)
        assert Workers().count == 7
        assert Workers(3).count == 3


KILLED = f"""
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from simulations import _workers
from simulations._experiment import Options, experiments
from simulations._parts import Parts
from simulations._runner import simulate

_workers.BATCH_SECONDS = 0.02

class Pool(_workers.ProcessPoolExecutor):
    def submit(self, function, *arguments):
        if function is _workers._batch:
            print(len(arguments[1]), flush=True)
        return super().submit(function, *arguments)

_workers.ProcessPoolExecutor = Pool
add, written = Parts.add, []

def add_and_die(self, rows):
    add(self, rows)
    written.append(rows)
    if len(written) == 6:
        os.kill(os.getpid(), signal.SIGKILL)

Parts.add = add_and_die
registered = experiments()["{NAME}"]
experiment = replace(registered, parameters=lambda options: registered.parameters(options)[:{SETTINGS}])
with _workers.Workers(2) as workers:
    pool = workers._start(2)
    print("pids", *pool._processes, flush=True)
    simulate(experiment, Path(sys.argv[1]), 5, Options(quick=True), workers)
"""


class TestKill:
    """SIGKILL of the whole run."""

    def test_what_is_not_in_flight_survives(self, undisturbed, tmp_path, monkeypatch):
        process = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=False
        )
        assert process.returncode == -signal.SIGKILL
        lines = process.stdout.splitlines()
        (pids,) = (line.split()[1:] for line in lines if line.startswith("pids"))
        sent = [int(line) for line in lines if line.isdigit()]

        saved = counted(tmp_path)
        assert 0 < len(saved) < SETTINGS
        assert set(saved.values()) == {1}
        # All that was sent is kept but for what two slots held, computed or waiting beside them.
        in_flight = _workers.AHEAD * 2
        assert len(saved) >= sum(sent) - sum(sorted(sent)[-in_flight:])

        calls = []

        def remembered(setting, rng):
            calls.append(setting)
            return calibration_size.run(setting, rng)

        with Workers(1) as workers:
            run(tmp_path, workers, experiment=replace(sweep(), run=remembered))
        assert len(calls) == SETTINGS - len(saved)
        assert table(tmp_path) == table(undisturbed)
        assert set(counted(tmp_path).values()) == {1}
        self.wait_for_the_end_of(pids)

    def wait_for_the_end_of(self, pids):
        """Its processes end with it: nobody would take their results."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            alive = [pid for pid in pids if _is_running(pid)]
            if not alive:
                return
            time.sleep(0.02)
        pytest.fail(f"processes {alive} outlive the run")


def _is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestCluster:
    def test_it_writes_the_bytes_of_one_process(self, undisturbed, tmp_path, cluster, monkeypatch):
        monkeypatch.setattr(command, "select", lambda names: [sweep()])
        arguments = ["--quick", "--seed", "5", "--out", str(tmp_path), "--scheduler", cluster.scheduler_address]
        assert cli.main(["simulate", NAME, *arguments]) == 0
        assert table(tmp_path) == table(undisturbed)
        assert set(counted(tmp_path).values()) == {1}

    def test_a_killed_worker_loses_and_repeats_nothing(
        self, undisturbed, tmp_path, cluster, monkeypatch, small_batches
    ):
        victim = cluster.workers[0].pid
        written = after(monkeypatch, 3, lambda: os.kill(victim, signal.SIGKILL))
        with Workers(scheduler=cluster.scheduler_address) as workers:
            run(tmp_path, workers)
        assert not _is_running(victim)
        assert sum(written) == SETTINGS
        assert set(counted(tmp_path).values()) == {1}
        assert table(tmp_path) == table(undisturbed)

    def test_other_code_is_refused(self, tmp_path, cluster, monkeypatch):
        monkeypatch.setattr(_workers.provenance, "code_digest", lambda: "another")
        refused = pytest.raises(ValueError, match="has another version of the code")
        with Workers(scheduler=cluster.scheduler_address) as workers, refused:
            run(tmp_path, workers)
        assert counted(tmp_path) == {}

    def test_a_worker_without_the_distribution_is_refused(self, tmp_path, cluster, monkeypatch):
        monkeypatch.setattr(_workers, "DISTRIBUTION", "no-such-distribution")
        refused = pytest.raises(ValueError, match="lacks no-such-distribution")
        with Workers(scheduler=cluster.scheduler_address) as workers, refused:
            run(tmp_path, workers)

    def test_a_worker_is_no_scheduler(self, cluster):
        (address, *_) = cluster.scheduler_info["workers"]
        with pytest.raises(ValueError, match="no Dask scheduler but a Worker"), Workers(scheduler=address):
            pass


class TestWhileItRuns:
    def test_what_is_complete_is_drawn_and_the_drawing_goes_with_the_run(self, tmp_path, monkeypatch, small_batches):
        seen = []

        def look():
            seen.extend(file.name for file in (tmp_path / NAME).glob("partial.*"))

        after(monkeypatch, 4, look)
        with Workers(1) as workers:
            run(tmp_path, workers, plot_every=0.05)
        assert sorted(seen) == sorted(_runner.PARTIAL_FIGURES)
        assert not list((tmp_path / NAME).glob("partial.*"))

    def test_the_bar_tells_the_time_left(self, tmp_path, monkeypatch, capsys, small_batches):
        bar = _runner.tqdm
        monkeypatch.setattr(_runner, "tqdm", lambda **options: bar(**{**options, "delay": 0, "mininterval": 0}))
        with Workers(1) as workers:
            run(tmp_path, workers)
        assert re.search(rf"\d+/{SETTINGS} \[00:\d\d<00:\d\d, ", capsys.readouterr().err)

    def test_a_finished_sweep_makes_its_table_again_without_a_setting(self, undisturbed, tmp_path):
        def never(setting, rng):
            raise AssertionError("called again")

        before = table(undisturbed)
        (undisturbed / NAME / _runner.TABLE).unlink()
        with Workers(1) as workers:
            run(undisturbed, workers, experiment=replace(sweep(), run=never))
        assert table(undisturbed) == before
        assert tables.read(undisturbed / NAME / _runner.TABLE)
