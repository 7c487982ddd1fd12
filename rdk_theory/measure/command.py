"""`rdk measure`: acceptance on a capture, by kept share, sampler and selection."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rdk_theory import runs, tables
from rdk_theory.cli import Command, UsageError, add_common
from rdk_theory.tables import Row

FRACTIONS = (0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.005)
QUICK = (0.5, 0.1, 0.02, 0.005)
SELECTIONS = ("count", "mean", "variance", "acceptance")
"""How kept tokens are chosen (`rdk_theory.measure.selection`)."""

SELECTION_HELP = (
    "keep the tokens highest by training count (default), by mean or variance of the target's probability, or those "
    "that a search finds for acceptance after redistribution"
)

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
    "recovered",
    "recovered_low",
    "recovered_high",
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
    fit_on: Path | None = None,
    draw: bool = False,
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
        As in `rdk_theory.measure.samplers.samplers`; and for the bound in the test contexts.
    seed
        Of the bootstrap.
    resume
        Whether what an earlier run completed is kept.
    names
        Which samplers. Default: all.
    rank
        As in `rdk_theory.measure.samplers.samplers`.
    fit_on
        Folder of another capture of the same vocabulary: kept sets and kernels are from its calibration contexts.
    draw
        Whether ``recovered.svg`` and ``.png`` are drawn, which needs matplotlib.
    """
    from rdk_theory.captures import open_capture
    from rdk_theory.measure.measurement import OPTIMUM, Measurement
    from rdk_theory.measure.samplers import NAMES, samplers
    from rdk_theory.measure.selection import kept_set

    names = list((*NAMES, OPTIMUM) if names is None else names)
    compared = samplers(work, [name for name in names if name != OPTIMUM], seed, rank)
    bounded = work if OPTIMUM in names else 0.0
    capture = open_capture(path)
    measurement = Measurement(capture, max_memory, seed, None if fit_on is None else open_capture(fit_on))
    arguments = {
        "capture": path,
        "fit_on": fit_on,
        "settings": [list(s) for s in settings],
        "max_memory": max_memory,
        "work": work,
    }
    identity = digests(path) | {f"fit_on {name}": value for name, value in digests(fit_on).items()}
    rows: list[Row] = []
    with runs.Run(out, "measure", arguments, seed, resume=resume) as run:
        for selection, fraction in runs.progress(settings, "kept sets"):
            part = out.absolute() / "parts" / f"{selection}-{fraction!r}.csv"

            def one(selection: str = selection, fraction: float = fraction, part: Path = part) -> None:
                vocab = kept_set(
                    measurement.fit_on, selection, fraction, measurement.targets, kept, measurement.calibration_contexts
                )
                share = fraction if selection != "file" else vocab.kept_size / vocab.size
                rows = measurement.measure(selection, vocab, compared, bounded)
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
        if draw:
            from rdk_theory.report import charts

            run.record(*(path.name for path in charts.save_recovered(rows, out)))
    return rows


def digests(path: Path | None) -> dict[str, str]:
    """SHA-256 of the files in the folder of a capture on which a measurement depends."""
    if path is None:
        return {}
    return {name: runs.sha256(path / name) for name in IDENTITY if (path / name).exists()}


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
        help=SELECTION_HELP,
    )
    parser.add_argument(
        "--kept", type=Path, metavar="FILE", help="kept ids (.npy, .json or .txt) in place of a selection"
    )
    parser.add_argument(
        "--samplers",
        type=lambda text: text.split(","),
        metavar="NAME,…",
        help="which to compare with TLI; context-free-optimum is a bound (default all; with --quick the fast ones)",
    )
    parser.add_argument(
        "--rank",
        type=int,
        default=8,
        metavar="R",
        help="directions of the cold rows' covariance that rank-one-cumulant keeps (default 8)",
    )
    parser.add_argument(
        "--fit-on",
        type=Path,
        metavar="CAPTURE",
        help="choose and fit on another capture's calibration documents: another domain, the same vocabulary",
    )
    parser.add_argument(
        "--work",
        type=float,
        metavar="X",
        help=f"largest contexts x kept x tokens of a fit for acceptance (default {WORK:g}; --quick {QUICK_WORK:g})",
    )
    parser.add_argument("--max-memory", type=float, default=2.0, metavar="GB", help="for calibration rows (default 2)")
    add_common(parser, out="out/measure")


def _draws() -> bool:
    """Whether figures can be drawn; where not, that is said, and the table is what there is."""
    if importlib.util.find_spec("matplotlib") is not None:
        return True
    print("no figure: matplotlib is missing (pip install 'rdk-theory[report]')", file=sys.stderr)
    return False


def _run(args: argparse.Namespace) -> int:
    if not args.max_memory > 0:
        raise UsageError(f"--max-memory must be positive, not {args.max_memory}")
    if args.work is not None and not args.work >= 0:
        raise UsageError(f"--work must be at least 0, not {args.work}")
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
        work=args.work if args.work is not None else QUICK_WORK if args.quick else WORK,
        seed=args.seed,
        resume=args.resume,
        names=args.samplers or (QUICK_SAMPLERS if args.quick else None),
        rank=args.rank,
        fit_on=args.fit_on,
        draw=_draws(),
    )
    print(json.dumps({"rows": rows}, indent=2) if args.json else tables.to_text(rows, COLUMNS))
    return 0


COMMAND = Command("measure", "acceptance of every sampler on captured logits, by kept share", _arguments, _run)
