"""`rdk generate`: text of a pair with kernels from files, timed beside transformers' own ways to make it.

Importing this file loads neither torch nor transformers nor tokenizers.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rdk_theory import tables
from rdk_theory.cli import Command, UsageError, add_common

ADAPTIVE = "adaptive"
TABLE = "generate.csv"
COLUMNS = (
    "method",
    "tokens",
    "target_calls",
    "block_efficiency",
    "acceptance_rate",
    "tokens_per_second",
    "low",
    "high",
    "speedup",
)
QUICK = {"count": 2, "max_new_tokens": 16, "repeats": 1}
"""What ``--quick`` leaves, at most."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="folder or hub id of the target")
    parser.add_argument("drafter", metavar="DRAFTER", help="folder or hub id of the drafter, unpruned")
    parser.add_argument(
        "--kernel",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="kernel that `rdk fit` wrote, or with --kept a file of stored columns; repeat it for several",
    )
    parser.add_argument(
        "--kept", type=Path, metavar="FILE", help="kept ids (.npy, .json or .txt) of kernels stored by columns"
    )
    text = parser.add_mutually_exclusive_group()
    text.add_argument(
        "--prompts", type=Path, metavar="FILE", help="a prompt a line, or a .json list of texts or of lists of ids"
    )
    text.add_argument(
        "--corpus",
        type=Path,
        metavar="PATH",
        help="prompts are the first tokens of its test documents (default: the Python standard library's source)",
    )
    parser.add_argument("--count", type=int, default=8, metavar="INT", help="most prompts (default 8)")
    parser.add_argument(
        "--prompt-tokens", type=int, default=32, metavar="INT", help="most tokens of a prompt (default 32)"
    )
    parser.add_argument("--max-new-tokens", type=int, default=64, metavar="INT", help="for each prompt (default 64)")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 is greedy decoding (default 1)")
    parser.add_argument("--top-k", type=int, metavar="INT", help="the target's likeliest tokens that stay")
    parser.add_argument("--top-p", type=float, metavar="P", help="the mass of the target's likeliest tokens that stay")
    parser.add_argument(
        "--verification", choices=("token", "block", "lazy"), default="token", help="of drafted chains (default token)"
    )
    parser.add_argument(
        "--length", type=_length, default=4, metavar="INT", help="drafted tokens a call, or 'adaptive' (default 4)"
    )
    parser.add_argument(
        "--longest", type=int, default=8, metavar="INT", help="most drafted tokens where adaptive (default 8)"
    )
    parser.add_argument(
        "--draft-cost",
        type=float,
        metavar="C",
        help="adaptive: a step of the drafter over one of the target (default: timed)",
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="INT", help="timed rounds (default 3)")
    parser.add_argument(
        "--implementation",
        choices=("auto", "kernel", "naive", "reference"),
        default="auto",
        help="fused operations, or the array code; auto: fused on a CUDA device",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where models run")
    add_common(parser, out="out/generate", resume=False)


def _length(text: str) -> int | str:
    if text == ADAPTIVE:
        return text
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1 or {ADAPTIVE!r}, not {text!r}")
    return value


def _run(args: argparse.Namespace) -> int:
    for name in ("count", "prompt_tokens", "max_new_tokens", "longest", "repeats"):
        if getattr(args, name) < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(args, name)}")
    options = {name: value for name, value in vars(args).items() if name not in ("out", "json", "quick")}
    if args.quick:
        options |= {name: min(options[name], most) for name, most in QUICK.items()}
    try:
        from gpu.generation.experiment import Options, run

        rows, notes = run(Options(**options), args.out)
    except ValueError as error:
        raise UsageError(str(error)) from error
    for note in notes:
        print(note, file=sys.stderr)
    print(json.dumps({"rows": rows}, indent=2) if args.json else tables.to_text(rows, COLUMNS))
    return 0


COMMAND = Command(
    "generate", "text of a pair with kernels from files, timed beside plain and assisted generation", _arguments, _run
)
