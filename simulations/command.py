"""`rdk simulate`: experiments on synthetic ensembles, each a table and a figure."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from rdk_theory import tables
from rdk_theory.cli import Command, add_common
from simulations._experiment import Experiment, Options, select
from simulations._runner import Workers, redraw, simulate, write_index


def run(experiment: Experiment) -> int:
    """One experiment as a script of its own: ``python -m simulations.NAME [options]``."""
    from rdk_theory import cli

    return cli.main(["simulate", experiment.id, *sys.argv[1:]])


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments, or all (the default)")
    parser.add_argument("--list", action="store_true", help="list the experiments and the claims that they illustrate")
    parser.add_argument("--redraw", action="store_true", help="draw the figures again from the tables that are there")
    parser.add_argument("--workers", type=int, default=1, metavar="INT", help="processes (default 1)")
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
    if args.list:
        _print(
            args.json,
            [{"id": e.id, "title": e.title, "claims": list(e.claims)} for e in chosen],
            ("id", "title", "claims"),
        )
        return 0
    records = []
    with Workers(args.workers) as workers:
        for experiment in chosen:
            began = time.perf_counter()
            if args.redraw:
                record = redraw(experiment, args.out)
            else:
                options = Options(args.quick, args.statistics)
                record = simulate(experiment, args.out, args.seed, options, workers, resume=args.resume)
            records.append({**record, "seconds": round(time.perf_counter() - began, 2)})
            write_index(args.out)
    shown = [{**record, "held": not record["violations"]} for record in records]
    _print(args.json, shown, ("id", "rows", "held", "seconds", "table", "figure"))
    for record in records:
        for line in record["violations"]:
            print(f"{record['id']}: {line}", file=sys.stderr)
    return int(any(record["violations"] for record in records))


def _print(as_json: bool, records: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """The records on standard output: whole as JSON, or some columns as text."""
    if as_json:
        print(json.dumps({"experiments": records}, indent=2, ensure_ascii=False))
        return
    texts = [{k: ", ".join(v) if isinstance(v := r[k], list) else v for k in columns} for r in records]
    print(tables.to_text(texts, columns))


COMMAND = Command("simulate", "run experiments on synthetic ensembles and draw them", _arguments, _run)
