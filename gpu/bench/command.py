"""`rdk bench --device`: the run, its tables, its figure, and what is printed."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rdk_theory import runs, tables
from rdk_theory.cli import UsageError

TABLE, GOALS, FORMS, FIGURE = "device.csv", "goals.csv", "forms.csv", "device"
COLUMNS = (
    "operation", "form", "implementation", "size", "batch", "gamma", "dtype", "ms", "low ms", "high ms", "how", "GB/s",
    "share", "ratio_to_none", "launches",
)  # fmt: skip
NOTES = {
    "cpu": "Naive forms in torch on the CPU, wall clock, a buffer of 64 MiB overwritten before each repeat; kernels "
    "were compared under Triton's interpreter, which is no timing.",
    "cuda": "Kernels on the GPU; the second-level cache is emptied before each repeat.",
}
QUICK_SECONDS = 0.05


def run(arguments: argparse.Namespace) -> int:
    """`rdk bench` with the option ``--device``: exit status 1 if anything was incorrect.

    Raises
    ------
    UsageError
        If the device is not there, or an option does not go with one.
    """
    if arguments.large or arguments.scratch is not None:
        raise UsageError("--large and --scratch belong to the benchmark without --device")
    result = bench(
        arguments.out, arguments.device, arguments.seed, quick=arguments.quick,
        sizes=arguments.sizes, batches=arguments.batches, gammas=arguments.gammas,
    )  # fmt: skip
    print(json.dumps(result, indent=2) if arguments.json else text(result))
    return int(bool(incorrect(result["rows"])))


def bench(
    out: Path,
    device: str,
    seed: int,
    *,
    quick: bool = False,
    sizes: Sequence[int] | None = None,
    batches: Sequence[int] | None = None,
    gammas: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Measure, and write the tables, the figure and a manifest to `out`.

    Returns
    -------
    Rows, forms of redistribution and goals as they are in the tables, and a note on what was timed.

    Raises
    ------
    UsageError
        If the device is ``"cuda"`` and there is none.
    ValueError
        As `gpu.bench.grid.grid`.
    """
    import torch

    from gpu.bench import goals
    from gpu.bench.forms import forms
    from gpu.bench.grid import grid
    from gpu.bench.measure import BUDGET, measure
    from gpu.bench.timing import SECONDS

    points = grid(device, quick=quick, sizes=sizes, batches=batches, gammas=gammas)
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda needs a CUDA device, and torch sees none; --device cpu times the naive forms")
    chosen = {"device": device, "quick": quick, "sizes": sizes, "batches": batches, "gammas": gammas}
    with runs.Run(out, "bench", chosen, seed, resume=False) as manifest, torch.no_grad():
        budget = BUDGET[quick] if device == "cpu" else None
        rows = measure(points, device, seed, QUICK_SECONDS if quick else SECONDS, budget)
        tables.write(out / TABLE, rows)
        found = [goal._asdict() for goal in goals.goals(rows, device)]
        tables.write(out / GOALS, found)
        manifest.record(TABLE, GOALS, *redraw(out))
        compared = forms(rows, device)
        if compared:
            tables.write(out / FORMS, compared)
            manifest.record(FORMS)
    note = f"{NOTES[device]} A copy: {rows[0]['copy_bandwidth']:.4g} bytes/s."
    return {"note": note, "rows": rows, "forms": compared, "goals": found}


def redraw(out: Path) -> tuple[Path, ...]:
    """The figure of the table in a folder, where matplotlib is there and something was measured."""
    from gpu.bench.figure import draw
    from gpu.bench.rows import MEASURED
    from rdk_theory import figures

    rows = tables.read(out / TABLE)
    if importlib.util.find_spec("matplotlib") is None or not any(row["status"] == MEASURED for row in rows):
        return ()
    with figures.style():
        title = "Time of the operations by vocabulary size"
        files: tuple[Path, ...] = figures.save(draw(rows), out.absolute() / FIGURE, title)
    return files


def incorrect(rows: Sequence[tables.Row]) -> list[tables.Row]:
    """Rows of what was found to compute something else."""
    return [row for row in rows if "incorrect" in (row["status"], str(row["why"]).partition(":")[0])]


def text(result: dict[str, Any]) -> str:
    """What was measured, what was not and why, and the goals."""
    measured = [row for row in result["rows"] if row["status"] == "measured"]
    parts = [result["note"]]
    if measured:
        lines = [
            row
            | {name: 1e3 * row[end] for name, end in (("ms", "median"), ("low ms", "low"), ("high ms", "high"))}
            | {"GB/s": row["bandwidth"] / 1e9}
            for row in measured
        ]
        parts.append(tables.to_text(lines, COLUMNS, digits=3))
    missing: dict[tuple[Any, ...], list[Any]] = {}
    for row in result["rows"]:
        if row["status"] != "measured":
            where = "" if row["operation"] is None else f"{row['operation']}, {row['form']}"
            missing.setdefault((row["implementation"], row["status"], row["why"]), []).append(where)
    if missing:
        lines = [
            {"implementation": name, "status": status, "why": why, "points": len(where), "first": where[0]}
            for (name, status, why), where in missing.items()
        ]
        parts.append(tables.to_text(lines))
    if result["forms"]:
        microseconds = [
            {"size": row["size"]}
            | {f"{name}, µs a row": None if row[name] is None else 1e6 * row[name] for name in list(row)[1:4]}
            | {"dense_over_first_order": row["dense_over_first_order"]}
            for row in result["forms"]
        ]
        parts.append(tables.to_text(microseconds, digits=4))
    parts.append(tables.to_text(result["goals"], ("name", "bound", "value", "at", "verdict"), digits=4))
    return "\n\n".join(parts)
