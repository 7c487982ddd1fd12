"""Run an experiment setting by setting, so that what is complete survives an interrupt, and draw its figure."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any

from rdk_theory import provenance, runs, tables
from simulations._experiment import Experiment, Options, Setting, experiments, generator

TABLE = "table.csv"
FIGURE = "figure"
FIGURES = ("figure.svg", "figure.png")
ABOUT = "about.json"
INDEX = "experiments.json"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Workers:
    """Processes that run settings; a context manager. One worker means this process.

    What is timed always runs in a process of its own, one setting after the other, with one thread of linear algebra:
    threads of a busy machine wait for each other, and their number cannot be changed once numpy is loaded.
    """

    def __init__(self, count: int = 1) -> None:
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"workers must be a positive integer, not {count!r}")
        self.count = count
        self._pools: dict[bool, ProcessPoolExecutor] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def run(self, experiment: Experiment, work: Sequence[tuple[Setting, Path]], seed: int) -> None:
        """Compute the rows of each setting and write them to its path, whole or not at all."""
        if not experiment.timed and (self.count == 1 or len(work) < 2):
            for setting, path in runs.progress(work, experiment.id):
                _write_part(experiment, setting, seed, path)
            return
        with _one_thread() if experiment.timed else nullcontext():
            if experiment.timed not in self._pools:
                # Spawned, not forked: a fork would copy locks of threads that do not exist in the copy.
                context = multiprocessing.get_context("spawn")
                count = 1 if experiment.timed else self.count
                self._pools[experiment.timed] = ProcessPoolExecutor(
                    count, mp_context=context, initializer=_leave_interrupts_to_parent
                )
            pool = self._pools[experiment.timed]
            # Submitting starts the processes, which take over the environment.
            futures = [pool.submit(_write_part_by_name, experiment.id, s, seed, path) for s, path in work]
        try:
            done: Iterable[Future[None]] = runs.progress(as_completed(futures), experiment.id, total=len(futures))
            for future in done:
                future.result()
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started in this context use one thread of linear algebra."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_part_by_name(name: str, setting: Setting, seed: int, path: Path) -> None:
    """`_write_part` in another process, where functions travel by name."""
    _write_part(experiments()[name], setting, seed, path)


def _write_part(experiment: Experiment, setting: Setting, seed: int, path: Path) -> None:
    tables.write(path, experiment.run(setting, generator(experiment, setting, seed)))


def simulate(
    experiment: Experiment, out: Path, seed: int, options: Options, workers: Workers, *, resume: bool = True
) -> dict[str, Any]:
    """Make table, figure and manifest below ``out/<id>`` unless they are there, and tell about them."""
    folder = out / experiment.id
    settings = experiment.parameters(options)
    file = None if options.statistics is None else options.statistics.name
    arguments = {"experiment": experiment.id, "quick": options.quick, "statistics": file}
    with runs.Run(folder, "simulate", arguments, seed, resume=resume) as run:
        run.step(
            "table",
            [TABLE],
            lambda: _make_table(experiment, folder, settings, seed, workers, resume),
            {"settings": settings},
        )
        run.step(
            "figure",
            [*FIGURES, ABOUT],
            lambda: draw(experiment, folder),
            {"table": runs.sha256(folder / TABLE)},
        )
    return dict(json.loads((folder / ABOUT).read_text(encoding="utf-8")))


def _make_table(
    experiment: Experiment, folder: Path, settings: Sequence[Setting], seed: int, workers: Workers, resume: bool
) -> None:
    """Run the settings that have no part yet, then join all parts in the order of the settings."""
    parts = folder / "parts"
    if not resume:
        shutil.rmtree(parts, ignore_errors=True)
    paths = [parts / f"{_key(experiment, setting, seed)}.csv" for setting in settings]
    workers.run(experiment, [(s, p) for s, p in zip(settings, paths, strict=True) if not p.exists()], seed)
    tables.write(folder / TABLE, [row for path in paths for row in tables.read(path)])
    shutil.rmtree(parts)


def _key(experiment: Experiment, setting: Setting, seed: int) -> str:
    """Names all that the rows of a setting depend on."""
    depends = [experiment.id, setting, seed, provenance.code_digest()]
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:24]


def draw(experiment: Experiment, folder: Path) -> None:
    """Write the figure and what is said about it, from the table in `folder` alone."""
    from rdk_theory import figures

    rows = tables.read(folder / TABLE)
    with figures.style():
        figures.save(experiment.draw(rows), folder / FIGURE, experiment.title)
    about = {
        "id": experiment.id,
        "title": experiment.title,
        "claims": list(experiment.claims),
        "caption": experiment.caption(rows),
        "violations": experiment.check(rows),
        "rows": len(rows),
        "table": f"{experiment.id}/{TABLE}",
        "figure": f"{experiment.id}/{FIGURES[0]}",
    }
    runs.write_json(folder / ABOUT, about)


def redraw(experiment: Experiment, out: Path) -> dict[str, Any]:
    """Draw again from the table that is there; the manifest keeps how the table came about."""
    folder = out / experiment.id
    draw(experiment, folder)
    path = folder / runs.MANIFEST
    if path.exists():
        manifest = json.loads(path.read_text(encoding="utf-8"))
        digests = {name: runs.sha256(folder / name) for name in (*FIGURES, ABOUT)}
        manifest["outputs"].update(digests)
        if "figure" in manifest["steps"]:
            manifest["steps"]["figure"]["outputs"] = digests
        runs.write_json(path, manifest)
    return dict(json.loads((folder / ABOUT).read_text(encoding="utf-8")))


def write_index(out: Path) -> None:
    """List in ``experiments.json`` every experiment that is complete below `out`."""
    found = [out / name / ABOUT for name in experiments()]
    listed = [json.loads(path.read_text(encoding="utf-8")) for path in found if path.exists()]
    runs.write_json(out / INDEX, {"experiments": listed})
