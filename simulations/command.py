"""`rdk simulate`: experiments on synthetic ensembles, each a table and a figure."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rdk_theory import tables
from rdk_theory.cli import Command, add_common
from simulations._experiment import Experiment, Options, select
from simulations._runner import redraw, simulate, write_index
from simulations._workers import Workers


def run(experiment: Experiment) -> int:
    """One experiment as a script of its own: ``python -m simulations.NAME [options]``."""
    from rdk_theory import cli

    return cli.main(["simulate", experiment.id, *sys.argv[1:]])


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="experiments, the groups experiments or claims, or all (the default)"
    )
    parser.add_argument(
        "--list", action="store_true", help="tell of each experiment what it shows, its settings and claims"
    )
    parser.add_argument("--redraw", action="store_true", help="draw the figures again from the tables that are there")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="INT", help="processes (default one a core)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that computes, as tcp://HOST:8786")
    parser.add_argument(
        "--plot-every",
        type=_seconds,
        default=60.0,
        metavar="SECONDS",
        help="while settings run, draw what is complete in partial.png (default 60; 0 for never)",
    )
    parser.add_argument(
        "--statistics",
        type=Path,
        metavar="FILE",
        help="npz file with the mean and variance over contexts of a real target's next-token law, for "
        "flat_kernel_limit (default: a synthetic stand-in)",
    )
    add_common(parser, out="out/simulations")


def _run(args: argparse.Namespace) -> int:
    chosen = select(args.names)
    options = Options(args.quick, args.statistics)
    if args.list:
        _list(chosen, options, args.json)
        return 0
    records = []
    scheduler = None if args.redraw else args.scheduler
    with Workers(args.workers, scheduler) as workers:
        for experiment in chosen:
            began = time.perf_counter()
            if args.redraw:
                record = redraw(experiment, args.out)
            else:
                record = simulate(
                    experiment, args.out, args.seed, options, workers, resume=args.resume, plot_every=args.plot_every
                )
            records.append({**record, "seconds": round(time.perf_counter() - began, 2)})
            write_index(args.out)
    shown = [{**record, "held": not record["violations"]} for record in records]
    _print(args.json, shown, ("id", "rows", "held", "seconds", "table", "figure"))
    for record in records:
        for line in record["violations"]:
            print(f"{record['id']}: {line}", file=sys.stderr)
    return int(any(record["violations"] for record in records))


def _list(chosen: Sequence[Experiment], options: Options, as_json: bool) -> None:
    """What there is, on standard output."""
    if as_json:
        records = [
            {"id": e.id, "title": e.title, "settings": len(e.parameters(options)), "claims": e.claims, "shows": e.shows}
            for e in chosen
        ]
        print(json.dumps({"experiments": records}, indent=2, ensure_ascii=False))
        return
    for experiment in chosen:
        print(f"{experiment.id}: {experiment.title}")
        print(f"    settings  {len(experiment.parameters(options)):,}")
        print(f"    claims    {', '.join(experiment.claims)}")
        print(f"    shows     {experiment.shows}")


def _print(as_json: bool, records: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """The records on standard output: whole as JSON, or some columns as text."""
    if as_json:
        print(json.dumps({"experiments": records}, indent=2, ensure_ascii=False))
        return
    print(tables.to_text([{name: record[name] for name in columns} for record in records], columns))


def _seconds(text: str) -> float:
    """A number of seconds; infinitely many for 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, not {text!r}")
    return value or math.inf


COMMAND = Command("simulate", "run experiments on synthetic ensembles and draw them", _arguments, _run)
