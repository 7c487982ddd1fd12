"""`rdk bench`: exponents, floors and targets, in one run on one machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from rdk_theory import runs, tables
from rdk_theory.cli import Command, UsageError, add_common

TABLE, TARGETS, COLUMNS, LARGE, FIGURE = "bench.csv", "targets.csv", "columns.csv", "large.csv", "bench"
DEVICE_GROUP = "rdk.bench"
"""Entry points of other packages that take over with an option; nothing here imports them."""
SUMMARY = ("task", "kernel", "exponent", "exponent_low", "exponent_high", "last_exponent", "floor_exponent")
AT_LARGEST = ("size", "µs a row", "over floor", "MB a row")


def bench(out: Path, seed: int, *, quick: bool, large: bool = False, scratch: Path | None = None) -> dict[str, Any]:
    """Measure, and write tables, the figure and a manifest to `out`.

    Returns
    -------
    Rows, targets, counted columns, and what was measured with the large file, as they are in the tables.
    """
    from rdk_theory.bench import curves, targets

    chosen = curves.plan(quick)
    if large:
        from rdk_theory.bench.large import KEPT, SIZE, bytes_needed, room

        room(scratch, bytes_needed(SIZE, KEPT))  # what cannot be is said now, not after minutes
    arguments = {"quick": quick, "large": large, "repeats": chosen.repeats}
    with runs.Run(out, "bench", arguments, seed, resume=False) as run:
        rows = curves.measure(chosen, seed)
        tables.write(out / TABLE, rows)
        read = targets.columns(seed, batches=4 if quick else 32)
        tables.write(out / COLUMNS, [x._asdict() for x in read])
        found = targets.targets(rows, read)
        run.record(TABLE, COLUMNS)
        result: dict[str, Any] = {"rows": rows, "columns": [x._asdict() for x in read]}
        if large:
            from rdk_theory.bench.large import measure

            measured = measure(seed, scratch, chosen.repeats)
            found += measured.targets
            result["large"] = measured.rows
            tables.write(out / LARGE, measured.rows)
            run.record(LARGE)
        result["targets"] = [x._asdict() for x in found]
        tables.write(out / TARGETS, result["targets"])
        run.record(TARGETS, *draw(out, rows))
    return result


def draw(out: Path, rows: Sequence[tables.Row]) -> tuple[Path, ...]:
    """The figure of a table, where matplotlib is there: without it the tables are complete."""
    import importlib.util

    from rdk_theory import figures
    from rdk_theory.bench.curves import draw as panels

    if importlib.util.find_spec("matplotlib") is None:
        return ()
    with figures.style():
        files: tuple[Path, ...] = figures.save(panels(rows), out.absolute() / FIGURE, "Cost by vocabulary size")
    return files


def failed(result: dict[str, Any]) -> list[str]:
    """Names of targets that are missed though they do not depend on the machine."""
    return [target["name"] for target in result["targets"] if not target["held"] and not target["timed"]]


def _text(result: dict[str, Any]) -> str:
    """The summary: one line for each curve, then the targets."""
    from rdk_theory.bench.curves import largest, number

    lines = [
        {
            **{name: row[name] for name in SUMMARY},
            "size": row["size"],
            "µs a row": 1e6 * number(row, "seconds"),
            "over floor": number(row, "ratio_to_floor"),
            "MB a row": number(row, "peak_bytes") / 1e6,
        }
        for row in largest(result["rows"])
    ]
    parts = [tables.to_text(lines, (*SUMMARY, *AT_LARGEST), digits=3)]
    if "large" in result:
        parts.append(tables.to_text(result["large"], digits=3))
    shown = [t for t in result["targets"] if t["timed"] or not t["held"] or not t["name"].startswith("counted")]
    parts.append(tables.to_text(shown, ("name", "value", "low", "high", "bound", "held"), digits=4))
    return "\n\n".join(parts)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--large",
        action="store_true",
        help="also a dense float16 kernel of 131,072 tokens, 32,768 kept, whole: in a temporary file of 8.9 GB",
    )
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where that file is made (default: the system's)")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="time the fused operations instead, on this device")
    for name, what in (("sizes", "vocabularies"), ("batches", "batches"), ("gammas", "chain lengths")):
        parser.add_argument(
            f"--{name}", type=int, nargs="+", metavar="INT", help=f"with --device: {what}, not the grid"
        )
    add_common(parser, out="out/bench", resume=False)


def _device(args: argparse.Namespace) -> int:
    """The benchmark of the operations on a device, which lives in another package."""
    found = metadata.entry_points(group=DEVICE_GROUP, name="device")
    if not found:
        raise UsageError("--device needs the package gpu, which is not installed")
    status: int = next(iter(found)).load()(args)
    return status


def _run(args: argparse.Namespace) -> int:
    if args.device is not None:
        return _device(args)
    if any(x is not None for x in (args.sizes, args.batches, args.gammas)):
        raise UsageError("--sizes, --batches and --gammas go with --device")
    result = bench(args.out, args.seed, quick=args.quick, large=args.large, scratch=args.scratch)
    print(json.dumps(result, indent=2) if args.json else _text(result))
    return int(bool(failed(result)))


COMMAND = Command("bench", "time and memory by vocabulary size: exponents, floors, targets", _arguments, _run)
