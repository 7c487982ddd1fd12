"""`rdk measure`: acceptance on a capture, by kept share, sampler and selection."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rdk_theory import runs, tables
from rdk_theory.cli import Command, UsageError, add_common
from rdk_theory.measure.selection import SELECTIONS
from rdk_theory.tables import Row

FRACTIONS = (0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.005)
QUICK = (0.5, 0.1, 0.02, 0.005)
WORK, QUICK_WORK = 1.4e10, 1e9
"""Largest product of contexts, kept tokens and tokens for which a kernel is fitted for acceptance: minutes; seconds."""
QUICK_SAMPLERS = (
    "union",
    "tli",
    "rank-one",
    "rank-one-cold-mass",
    "cooccurrence",
    "optimal",
    "oracle-weight",
    "unpruned",
)
"""Those whose fit takes a second or two at 32,000 tokens, and those that `QUICK_WORK` allows."""

IDENTITY = ("capture.json", "counts.safetensors")
"""Files of a capture on which its rows and its kept sets depend; the first holds the digests of the shards."""

TABLE = "measure.csv"
COLUMNS = (
    "selection",
    "fraction",
    "sampler",
    "acceptance",
    "low",
    "high",
    "gain",
    "gain_low",
    "gain_high",
    "certified",
)


def measure(
    path: Path,
    out: Path,
    settings: Sequence[tuple[str, float]],
    *,
    kept: Path | None,
    max_memory: float,
    work: float,
    seed: int,
    resume: bool,
    names: Sequence[str] | None = None,
    rank: int = 8,
) -> list[Row]:
    """Measure each (selection, fraction) and write ``measure.csv``; a setting that is complete is not repeated.

    Parameters
    ----------
    path, out
        Folders of the capture and of the results.
    settings
        Selections and kept shares.
    kept
        File of token ids, for the selection ``"file"``.
    max_memory
        Bytes for calibration rows.
    work
        As in `rdk_theory.measure.samplers.samplers`.
    seed
        Of the bootstrap.
    resume
        Whether what an earlier run completed is kept.
    names
        Which samplers. Default: all.
    rank
        As in `rdk_theory.measure.samplers.samplers`.
    """
    from rdk_theory.captures import open_capture
    from rdk_theory.measure.measurement import Measurement
    from rdk_theory.measure.samplers import NAMES, samplers
    from rdk_theory.measure.selection import kept_set

    names = list(NAMES if names is None else names)
    compared = samplers(work, names, seed, rank)
    capture = open_capture(path)
    measurement = Measurement(capture, max_memory, seed)
    arguments = {"capture": path, "settings": [list(s) for s in settings], "max_memory": max_memory}
    identity = {name: runs.sha256(path / name) for name in IDENTITY if (path / name).exists()}
    rows: list[Row] = []
    with runs.Run(out, "measure", arguments, seed, resume=resume) as run:
        for selection, fraction in runs.progress(settings, "kept sets"):
            part = out.absolute() / "parts" / f"{selection}-{fraction!r}.csv"

            def one(selection: str = selection, fraction: float = fraction, part: Path = part) -> None:
                vocab = kept_set(capture, selection, fraction, measurement.targets, kept)
                share = fraction if selection != "file" else vocab.kept_size / vocab.size
                rows = measurement.measure(selection, vocab, compared)
                tables.write(part, [{"fraction": share, **row} for row in rows])

            parameters = {"max_memory": max_memory, "work": work, "samplers": names, **identity}
            if "rank-one-cumulant" in names:
                parameters["rank"] = rank
            if selection == "file" and kept:
                parameters["kept"] = runs.sha256(kept)
            run.step(f"{selection} {fraction!r}", [part], one, parameters)
            rows += tables.read(part)
        tables.write(out / TABLE, rows)
        run.record(TABLE)
    return rows


def _fractions(text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or not all(0 < value <= 1 for value in values):
        raise argparse.ArgumentTypeError(f"must be numbers in (0, 1] with commas between, not {text!r}")
    return sorted(set(values), reverse=True)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("capture", type=Path, help="folder that `rdk pair capture` wrote")
    parser.add_argument("--fractions", type=_fractions, metavar="F,F,…", help="kept shares (default 0.5 to 0.005)")
    parser.add_argument(
        "--select",
        choices=[*SELECTIONS, "all"],
        default="count",
        help="keep the tokens highest by training count (default), or by mean or variance of the target's probability",
    )
    parser.add_argument(
        "--kept", type=Path, metavar="FILE", help="kept ids (.npy, .json or .txt) in place of a selection"
    )
    parser.add_argument(
        "--samplers",
        type=lambda text: text.split(","),
        metavar="NAME,…",
        help="which to compare with TLI (default all; --quick leaves out softmax-covariance and calibrated weights)",
    )
    parser.add_argument(
        "--rank",
        type=int,
        default=8,
        metavar="R",
        help="directions of the cold rows' covariance that rank-one-cumulant keeps (default 8)",
    )
    parser.add_argument("--max-memory", type=float, default=2.0, metavar="GB", help="for calibration rows (default 2)")
    add_common(parser, out="out/measure")


def _run(args: argparse.Namespace) -> int:
    if not args.max_memory > 0:
        raise UsageError(f"--max-memory must be positive, not {args.max_memory}")
    if args.rank < 1:
        raise UsageError(f"--rank must be positive, not {args.rank}")
    fractions = args.fractions or (QUICK if args.quick else FRACTIONS)
    if args.kept is not None:
        settings = [("file", 1.0)]
    else:
        selections = SELECTIONS if args.select == "all" else (args.select,)
        settings = [(selection, fraction) for selection in selections for fraction in fractions]
    rows = measure(
        args.capture,
        args.out,
        settings,
        kept=args.kept,
        max_memory=args.max_memory * 1e9,
        work=QUICK_WORK if args.quick else WORK,
        seed=args.seed,
        resume=args.resume,
        names=args.samplers or (QUICK_SAMPLERS if args.quick else None),
        rank=args.rank,
    )
    print(json.dumps({"rows": rows}, indent=2) if args.json else tables.to_text(rows, COLUMNS))
    return 0


COMMAND = Command("measure", "acceptance of every sampler on captured logits, by kept share", _arguments, _run)
