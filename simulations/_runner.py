"""Run the settings of an experiment, so that what is complete survives whatever ends the run, and draw its figure."""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import util
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rdk_theory import provenance, runs, tables
from rdk_theory.tables import Row
from simulations import gallery
from simulations._experiment import Experiment, Options, Setting, experiments
from simulations._parts import Parts
from simulations._workers import Workers

PARTS = "parts"
PARTIAL = "partial"
PARTIAL_FIGURES = ("partial.svg", "partial.png")
TABLE = "table.csv"
FIGURE = "figure"
FIGURES = ("figure.svg", "figure.png")
ABOUT = "about.json"
INDEX = "experiments.json"


def simulate(
    experiment: Experiment,
    out: Path,
    seed: int,
    options: Options,
    workers: Workers,
    *,
    resume: bool = True,
    plot_every: float = math.inf,
) -> dict[str, Any]:
    """Make table, figure and manifest below ``out/<id>`` unless they are there, and tell about them.

    Until the table is complete, ``partial.svg`` and ``partial.png`` show what there is so far, drawn again after each
    `plot_every` seconds.
    """
    folder = out / experiment.id
    settings = experiment.parameters(options)
    file = None if options.statistics is None else options.statistics.name
    arguments = {"experiment": experiment.id, "quick": options.quick, "statistics": file}
    with runs.Run(folder, "simulate", arguments, seed, resume=resume) as run:
        run.step(
            "table",
            [TABLE],
            lambda: _make_table(experiment, folder, settings, seed, workers, resume, plot_every),
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
    experiment: Experiment,
    folder: Path,
    settings: Sequence[Setting],
    seed: int,
    workers: Workers,
    resume: bool,
    plot_every: float,
) -> None:
    """Run the settings that have no rows yet, then join the rows of all in the order of the settings."""
    keyed = {_key(experiment, setting, seed): setting for setting in settings}
    about = {
        "experiment": experiment.id,
        "seed": seed,
        "code": provenance.code_digest(),
        "settings": len(keyed),
        "keys": hashlib.sha256(" ".join(sorted(keyed)).encode()).hexdigest(),
    }
    parts = Parts(folder / PARTS, about, resume=resume)
    todo = {key: setting for key, setting in keyed.items() if key not in parts.done}
    drawn = time.monotonic()
    with tqdm(
        total=len(keyed), initial=len(keyed) - len(todo), desc=experiment.id, delay=2, file=sys.stderr, leave=False
    ) as bar:

        def keep(rows: Mapping[str, Sequence[Row]]) -> None:
            nonlocal drawn
            parts.add(rows)
            bar.update(len(rows))
            if time.monotonic() - drawn >= plot_every and len(parts.done) < len(keyed) and util.find_spec("matplotlib"):
                _draw_partial(experiment, folder, parts, list(keyed))
                drawn = time.monotonic()

        workers.run(experiment, todo, seed, keep)
    tables.write(folder / TABLE, parts.read(keyed))
    for name in PARTIAL_FIGURES:
        (folder / name).unlink(missing_ok=True)
    parts.finish()


def _draw_partial(experiment: Experiment, folder: Path, parts: Parts, keys: Sequence[str]) -> None:
    """Draw what the settings that are complete say so far."""
    from rdk_theory import figures

    done = [key for key in keys if key in parts.done]
    with figures.style():
        title = f"{experiment.title}: {len(done)} of {len(keys)} settings"
        figures.save(experiment.draw(parts.read(done)), folder / PARTIAL, title)


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
    """List in ``experiments.json`` every experiment that is complete below `out`, and show them on one page."""
    found = [(out / name / ABOUT, experiment.group) for name, experiment in experiments().items()]
    listed = [
        {**json.loads(path.read_text(encoding="utf-8")), "group": group} for path, group in found if path.exists()
    ]
    runs.write_json(out / INDEX, {"experiments": listed})
    gallery.write(out, listed)
