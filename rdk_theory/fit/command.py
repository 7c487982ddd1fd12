"""`rdk fit`: one kernel from a capture, in a file, with what it gains on held-out documents."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rdk_theory import runs, tables
from rdk_theory.cli import Command, UsageError, add_common
from rdk_theory.measure.command import QUICK_WORK, SELECTION_HELP, SELECTIONS, digests
from rdk_theory.tables import Row

KERNELS = ("rank-one", "cooccurrence", "optimal")
LEVEL = 0.95
"""Of the certificate, where none is asked for."""

FEWEST = 64
"""Calibration contexts that ``--quick`` leaves at least."""

FILE, TABLE = "kernel.safetensors", "fit.csv"
COLUMNS = (
    "kernel",
    "fraction",
    "kept",
    "tli",
    "acceptance",
    "low",
    "high",
    "gain",
    "gain_low",
    "gain_high",
    "upper_bound",
    "gap",
    "certified",
    "written",
)


def fit(
    path: Path,
    out: Path,
    kernel: str,
    *,
    selection: str,
    fraction: float,
    kept: Path | None,
    level: float | None,
    max_memory: float,
    work: float | None,
    seed: int,
    resume: bool,
) -> Row:
    """Fit, measure, and write ``kernel.safetensors`` and ``fit.csv``; the row of the table.

    Parameters
    ----------
    path, out
        Folders of the capture and of the results.
    kernel
        One of `KERNELS`.
    selection, fraction
        Which tokens are kept, and their share.
    kept
        File of token ids, for the selection ``"file"``.
    level
        Where given, the embedding is written unless a gain is certified at this level.
    max_memory
        Bytes for calibration rows.
    work
        Where given, fewer calibration contexts are used, so that the product of contexts, kept tokens and tokens is
        no larger; but `FEWEST`.
    seed
        Of the bootstrap.
    resume
        Whether what an equal earlier run completed is kept.
    """
    from rdk_theory.captures import open_capture
    from rdk_theory.fit.fitting import fit_and_measure
    from rdk_theory.kernels import save_kernel
    from rdk_theory.measure.measurement import Measurement
    from rdk_theory.measure.selection import kept_set

    capture = open_capture(path)
    target = out.absolute()
    arguments = {
        "capture": path,
        "kernel": kernel,
        "selection": selection,
        "fraction": fraction,
        "kept": kept,
        "level": level,
        "max_memory": max_memory,
        "work": work,
    }

    def one() -> None:
        whole = Measurement(capture, max_memory, seed)
        vocab = kept_set(capture, selection, fraction, whole.targets, kept, whole.calibration_contexts)
        memory = max_memory
        if work is not None:
            contexts = max(FEWEST, int(work // (vocab.kept_size * vocab.size)))
            memory = min(memory, 4.0 * sum(capture.vocab_sizes) * contexts)
        measurement = whole if memory == max_memory else Measurement(capture, memory, seed)
        fitted, outcome, row = fit_and_measure(measurement, kernel, selection, vocab, level or LEVEL)
        written = fitted if level is None else outcome.kernel
        save_kernel(target / FILE, written)
        share = fraction if selection != "file" else vocab.kept_size / vocab.size
        name = kernel if written is fitted else "embedding"
        tables.write(target / TABLE, [{**row, "fraction": share, "written": name}])

    parameters = {name: value for name, value in arguments.items() if name != "capture"}
    parameters |= digests(path)
    if kept is not None:
        parameters["kept"] = runs.sha256(kept)
    with runs.Run(out, "fit", arguments, seed, resume=resume) as run:
        run.step("fit", [FILE, TABLE], one, parameters)
    return tables.read(out / TABLE)[0]


def _between(text: str, *, closed: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (0 < value < 1 or (closed and value == 1)):
        raise argparse.ArgumentTypeError(f"must be a number in (0, 1{']' if closed else ')'}, not {text!r}")
    return value


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("capture", type=Path, help="folder that `rdk pair capture` wrote")
    parser.add_argument("--kernel", choices=KERNELS, default="optimal", help="what is fitted (default optimal)")
    parser.add_argument(
        "--fraction",
        type=lambda text: _between(text, closed=True),
        default=0.1,
        metavar="F",
        help="kept share of the target's tokens (default 0.1)",
    )
    parser.add_argument(
        "--select",
        choices=SELECTIONS,
        default="count",
        help=SELECTION_HELP,
    )
    parser.add_argument(
        "--kept", type=Path, metavar="FILE", help="kept ids (.npy, .json or .txt) in place of a selection"
    )
    parser.add_argument(
        "--safe",
        type=lambda text: _between(text, closed=False),
        metavar="LEVEL",
        help="write TLI's kernel unless held-out documents certify a gain at this level, 0.95 for instance",
    )
    parser.add_argument("--max-memory", type=float, default=2.0, metavar="GB", help="for calibration rows (default 2)")
    add_common(parser, out="out/fit")


def _run(args: argparse.Namespace) -> int:
    if not args.max_memory > 0:
        raise UsageError(f"--max-memory must be positive, not {args.max_memory}")
    row = fit(
        args.capture,
        args.out,
        args.kernel,
        selection="file" if args.kept is not None else args.select,
        fraction=1.0 if args.kept is not None else args.fraction,
        kept=args.kept,
        level=args.safe,
        max_memory=args.max_memory * 1e9,
        work=QUICK_WORK if args.quick else None,
        seed=args.seed,
        resume=args.resume,
    )
    if row["written"] != row["kernel"]:
        print(f"no gain is certified at level {args.safe}: {FILE} is the kernel of TLI", file=sys.stderr)
    print(json.dumps({"rows": [row]}, indent=2) if args.json else tables.to_text([row], COLUMNS))
    return 0


COMMAND = Command(
    "fit", "a kernel from captured logits, in a file, with its gain on held-out documents", _arguments, _run
)
