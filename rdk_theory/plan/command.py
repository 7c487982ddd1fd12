"""`rdk plan`: the kept size, kernel, draft length and verification that should decode fastest, and by how much."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rdk_theory import runs, tables
from rdk_theory.cli import Command, UsageError, add_common
from rdk_theory.measure.command import FRACTIONS, QUICK, QUICK_WORK, SELECTION_HELP, SELECTIONS, WORK, _fractions

if TYPE_CHECKING:
    from rdk_theory.plan.costs import CostModel

TABLE, ANSWER, FIGURE = "plan.csv", "plan.json", "plan"
COLUMNS = (
    "kept",
    "kernel",
    "draft",
    "verification",
    "acceptance",
    "tokens",
    "cost",
    "speedup",
    "low",
    "high",
    "behind",
    "behind_low",
    "behind_high",
    "best",
)


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a finite number of at least 0, not {text!r}")
    return value


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "capture", type=Path, help="folder that `rdk pair capture` wrote, or the measure.csv of `rdk measure`"
    )
    cost = parser.add_argument_group(
        "cost of a draft step, in units of one target step (one of --draft-cost, --target-bytes, --cost)"
    )
    cost.add_argument("--draft-cost", type=_amount, metavar="C", help="the drafter without its head")
    cost.add_argument("--head-cost", type=_amount, metavar="C", help="its whole head; a pruned one costs in proportion")
    cost.add_argument("--target-bytes", type=_amount, metavar="B", help="bytes that a target step reads")
    cost.add_argument("--drafter-bytes", type=_amount, metavar="B", help="bytes of the drafter without its head")
    cost.add_argument("--width", type=int, metavar="D", help="width of the drafter's head (default the capture's)")
    cost.add_argument("--dtype", default="float16", metavar="TYPE", help="of the head, for bytes (default float16)")
    cost.add_argument("--cost", type=Path, metavar="FILE", help="JSON: draft, head; position, width, kernels")
    cost.add_argument(
        "--position-cost", type=_amount, default=0.0, metavar="C", help="what each drafted token adds to a target call"
    )
    parser.add_argument("--fractions", type=_fractions, metavar="F,F,…", help="kept shares (default 0.5 to 0.005)")
    parser.add_argument(
        "--select",
        choices=SELECTIONS,
        default="count",
        help=SELECTION_HELP,
    )
    parser.add_argument("--kernels", type=lambda text: text.split(","), metavar="NAME,…", help="which (default all)")
    parser.add_argument("--rank", type=int, default=8, metavar="R", help="of the cold rows' covariance (default 8)")
    parser.add_argument("--longest", type=int, default=8, metavar="G", help="longest draft that is tried (default 8)")
    parser.add_argument("--vocabulary", type=int, metavar="N", help="size of the vocabulary, for a measure.csv")
    parser.add_argument(
        "--work",
        type=_amount,
        metavar="X",
        help=f"largest contexts x kept x tokens of a fit for acceptance (default {WORK:g}; --quick {QUICK_WORK:g})",
    )
    parser.add_argument("--max-memory", type=float, default=2.0, metavar="GB", help="for calibration rows (default 2)")
    add_common(parser, out="out/plan")


def _run(args: argparse.Namespace) -> int:
    from rdk_theory.plan import sources
    from rdk_theory.plan.assumptions import lines
    from rdk_theory.plan.choice import choose
    from rdk_theory.plan.sentence import sentence

    _check(args)
    table = args.capture.suffix == ".csv"
    if table != (args.vocabulary is not None):
        raise UsageError("--vocabulary is needed for a measure.csv, and only for one")
    request = sources.Request(
        path=args.capture,
        fractions=args.fractions,
        selection=args.select,
        kernels=args.kernels or sources.KERNELS,
        rank=args.rank,
        longest=args.longest,
        work=args.work if args.work is not None else QUICK_WORK if args.quick else WORK,
        max_memory=args.max_memory * 1e9,
        seed=args.seed,
    )
    arguments = {name: value for name, value in vars(args).items() if name not in ("out", "json", "resume", "seed")}
    with runs.Run(args.out, "plan", arguments, args.seed, resume=args.resume) as run:
        if table:
            found = sources.from_table(request, args.vocabulary, lambda size, width: _costs(args, size, width))
        else:
            fractions = args.fractions or (QUICK if args.quick else FRACTIONS)
            found = sources.from_capture(request, fractions, lambda size, width: _costs(args, size, width), run)
        choice = choose(found.settings, sources.LEVEL)
        text = sentence(choice.rows, found.sizes[1], sources.LEVEL)
        assumed = lines(choice, found, args.longest)
        answer = {"plan": text, "assumed": assumed, "settings": choice.settings, "optimism": choice.optimism}
        tables.write(args.out / TABLE, choice.rows)
        runs.write_json(args.out / ANSWER, answer)
        run.record(TABLE, ANSWER, *_drawn(args.out))
    if args.json:
        print(json.dumps({**answer, "rows": choice.rows}, indent=2, ensure_ascii=False))
    else:
        print(tables.to_text(choice.rows, COLUMNS), "", text, "", *assumed, sep="\n")
    return 0


def _drawn(out: Path) -> list[str]:
    """Draw the figure from the table, and name its files."""
    if importlib.util.find_spec("matplotlib") is None:
        print("rdk plan: no figure, which needs matplotlib: pip install 'rdk-theory[report]'", file=sys.stderr)
        return []
    from rdk_theory import figures
    from rdk_theory.plan.figure import speed

    return [path.name for path in figures.save(speed(tables.read(out / TABLE)), out / FIGURE, "Predicted speed-up")]


def _costs(args: argparse.Namespace, draft_size: int, width: int | None) -> CostModel:
    """The cost model that the options give; `width` is what the capture knows."""
    from rdk_theory.plan.costs import CostModel

    width = width if args.width is None else args.width
    if args.cost is not None:
        found = CostModel.from_file(args.cost)
        return found if found.width is not None else replace(found, width=width)
    if args.target_bytes is None:
        return CostModel(args.draft_cost, args.head_cost, args.position_cost, width)
    if width is None:
        raise UsageError("--width is needed to tell the bytes of the head: the capture has no head")
    return CostModel.from_bytes(
        args.target_bytes, args.drafter_bytes, width, draft_size, args.dtype, args.position_cost
    )


def _check(args: argparse.Namespace) -> None:
    """What the parser cannot see."""
    for option, value, least in (
        ("--rank", args.rank, 1),
        ("--longest", args.longest, 1),
        ("--width", args.width, 1),
        ("--vocabulary", args.vocabulary, 2),
    ):
        if value is not None and value < least:
            raise UsageError(f"{option} must be at least {least}, not {value}")
    if args.longest > 64:
        raise UsageError(f"--longest must be at most 64, not {args.longest}")
    if not args.max_memory > 0:
        raise UsageError(f"--max-memory must be positive, not {args.max_memory}")
    ways = {
        "--draft-cost with --head-cost": (args.draft_cost, args.head_cost),
        "--target-bytes with --drafter-bytes": (args.target_bytes, args.drafter_bytes),
        "--cost": (args.cost,),
    }
    given = {way: values for way, values in ways.items() if any(value is not None for value in values)}
    if len(given) != 1 or any(value is None for values in given.values() for value in values):
        raise UsageError(f"the cost of a draft step must be given in one way: {', or '.join(ways)}")
    if args.cost is not None and (args.position_cost or args.width is not None):
        raise UsageError("--position-cost and --width stand in the file that --cost names, as position and width")


COMMAND = Command(
    "plan", "the kept size, kernel, draft length and verification that should be fastest", _arguments, _run
)
