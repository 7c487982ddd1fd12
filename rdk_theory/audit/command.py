"""`rdk audit`: is a speculative sampler lossless?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rdk_theory import runs, tables
from rdk_theory.cli import Command, UsageError, add_common

ZOO = "zoo"
"""In place of a target: the audit's own controls."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        nargs="?",
        help="module:function, the name of a built-in target (--list), or `zoo`: the audit of the audit",
    )
    parser.add_argument("--list", action="store_true", help="name the built-in targets")
    parser.add_argument(
        "--smallest",
        type=_share,
        metavar="TV",
        help="least total variation looked for (default 0.02; 0.05 with --quick)",
    )
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="stop after so long; what is not judged is unfinished"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit XML")
    parser.add_argument("--checks", action="store_true", help="print every check with its error rates")
    parser.add_argument("--runs", type=_positive, default=1, metavar="N", help="zoo: seeds tried (default 1)")
    add_common(parser, resume=False)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, not {text!r}")
    return value


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, not {text!r}")
    return int(text)


def _run(args: argparse.Namespace) -> int:
    from rdk_theory.audit.adapters import built_in, resolve
    from rdk_theory.audit.causes import likely_causes
    from rdk_theory.audit.records import COLUMNS, as_json, junit, rows
    from rdk_theory.audit.verdict import audit
    from rdk_theory.audit.wording import sentences

    if args.seconds is not None and not args.seconds > 0:
        raise UsageError(f"--seconds must be positive, not {args.seconds}")
    if args.list:
        print("\n".join(built_in()))
        return 0
    if args.target is None:
        raise UsageError("name a target: module:function, or one of --list")
    if args.target == ZOO:
        return _zoo(args)
    if ":" in args.target:
        # A module in the folder where the command is typed is there to be audited, as with `python -m`.
        sys.path.insert(0, str(Path.cwd()))
    adapter = resolve(args.target)
    found = audit(adapter, seed=args.seed, smallest=args.smallest, quick=args.quick, seconds=args.seconds)
    causes = likely_causes(adapter, {check.experiment for check in found.failed}, args.seed) if found.failed else []
    words = sentences(found, causes)
    if args.junit:
        with runs.atomic_path(args.junit) as path:
            path.write_text(junit(found, words), encoding="utf-8")
    if args.json:
        print(json.dumps(as_json(found, words), indent=2))
    else:
        if args.checks:
            print(tables.to_text(rows(found), COLUMNS), end="\n\n")
        print(f"verdict: {found.verdict}", *words, sep="\n")
    return int(found.verdict != "lossless")


def _zoo(args: argparse.Namespace) -> int:
    from rdk_theory.audit.power import COLUMNS, summary, zoo

    lines = zoo(range(args.seed, args.seed + args.runs), quick=args.quick, smallest=args.smallest)
    wrong = [line for line in lines if line["right"] != line["runs"]]
    print(
        json.dumps({"rows": lines}, indent=2) if args.json else f"{tables.to_text(lines, COLUMNS)}\n\n{summary(lines)}"
    )
    return int(bool(wrong))


COMMAND = Command("audit", "is a speculative sampler lossless? yours, an engine's, or ours", _arguments, _run)
