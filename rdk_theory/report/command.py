"""`rdk report`: the main job, end to end, and one page about it."""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdk_theory import cli, runs, tables
from rdk_theory.cli import Command, UsageError, add_common
from rdk_theory.theorems.command import verify
from rdk_theory.theorems.registry import select

NEEDS = ("matplotlib", "jinja2", "latex2mathml", "tokenizers")
NEURAL_NEEDS = ("torch", "transformers")

FRACTIONS = "0.5,0.1,0.02,0.01,0.005"
"""Kept shares: fewer than the default of `rdk measure`, as each takes half a minute."""


@dataclass(frozen=True)
class Pair:
    """A default pair: how it is made and what the page says of it."""

    id: str
    title: str
    text: str
    train: tuple[str, ...]
    contexts: int


COUNTS = Pair(
    id="counts",
    title="Counts pair, 32,000 tokens",
    text=(
        "Target: interpolated Kneser–Ney trigram; drafter: bigram. Text: the source of the Python standard library; "
        "tokenizer: byte-level BPE trained on it. Kernels are fitted on calibration documents and measured on others."
    ),
    train=("--kind", "counts", "--vocab-size", "32000"),
    contexts=4000,
)
NEURAL = Pair(
    id="neural",
    title="Neural pair, 8,192 tokens",
    text=(
        "Two causal language models trained from scratch on the source of the Python standard library, the drafter "
        "distilled from the target. Kernels are fitted on calibration documents and measured on other documents."
    ),
    train=("--kind", "neural", "--vocab-size", "8192"),
    contexts=4000,
)


def report(out: Path, *, quick: bool, seed: int, resume: bool, pairs: Path, minutes: float) -> int:
    """Run every part below `out` and write ``out/index.html``; 0 if every claim held, else 1."""
    for module in NEEDS if quick else (*NEEDS, *NEURAL_NEEDS):
        importlib.import_module(module)  # what is missing is said now, not after minutes
    chosen = [COUNTS] if quick else [COUNTS, NEURAL]
    arguments = {"quick": quick, "minutes": minutes}
    with runs.Run(out, "report", arguments, seed, resume=resume) as run:
        run.step("claims", ["claims.json", "claims.csv"], lambda: _claims(out, seed, quick), {"quick": quick})
        _say("claims", out / "claims.csv")
        proved = _prove(out / "proofs", quick)
        _part(
            "simulate",
            "experiments" if quick else "all",
            "--out",
            str(out / "simulations"),
            *_flags(quick, seed, resume),
        )
        for pair in chosen:
            capture = _capture(pair, pairs, quick, seed, minutes)
            shares = () if quick else ("--fractions", FRACTIONS)
            _part("measure", str(capture), "--out", str(out / pair.id), *shares, *_flags(quick, seed, resume))
            run.step(
                f"figures-{pair.id}",
                [f"{pair.id}/{stem}{suffix}" for stem in ("acceptance", "gain") for suffix in (".svg", ".png")],
                functools.partial(_charts, out / pair.id),
                {"table": runs.sha256(out / pair.id / "measure.csv")},
            )
            run.record(*(f"{pair.id}/{name}" for name in ("measure.csv", "recovered.svg", "recovered.png")))
        from rdk_theory.report import page

        page.write(out, [{"id": p.id, "title": p.title, "text": p.text} for p in chosen], quick=quick)
        run.record("index.html", "simulations", "proofs")
    records = json.loads((out / "claims.json").read_text(encoding="utf-8"))["claims"]
    return 0 if proved and all(record["status"] == "proved" for record in records) else 1


def _claims(out: Path, seed: int, quick: bool) -> None:
    records = verify(select([]), seed, scale=0.25 if quick else 1.0)
    runs.write_json(out / "claims.json", {"claims": records})
    columns = ("id", "title", "section", "status", "rung", "instances", "seconds")
    tables.write(out / "claims.csv", [{key: record[key] or None for key in columns} for record in records])


def _prove(out: Path, quick: bool) -> bool:
    """Proofs by machine; what takes minutes is shown where an earlier run kept it, and R1 is among the claims."""
    kept = ("R1", "R2", "R3", "R4", "R5", "R6") if quick else ("R1", "R3")
    argv = ["prove", "--out", str(out), *(word for rung in kept for word in ("--kept", rung))]
    return _part(*argv, failed=(1,)) == 0


def _capture(pair: Pair, pairs: Path, quick: bool, seed: int, minutes: float) -> Path:
    """The capture of a default pair, made unless it is there: it does not depend on the code of the measurement."""
    base = pairs / f"{pair.id}-{seed}"
    budget = ("--minutes", f"{minutes:g}") if pair is NEURAL else ()
    _part("pair", "train", "--out", str(base / "models"), "--seed", str(seed), *pair.train, *budget)
    contexts = pair.contexts // 2 if quick else pair.contexts
    capture = base / f"capture-{contexts}"
    models = base / "models"
    _part(
        "pair", "capture", str(models / "target"), str(models / "drafter"), "--out", str(capture),
        "--contexts", str(contexts), "--seed", str(seed),
    )  # fmt: skip
    return capture


def _charts(where: Path) -> None:
    from rdk_theory import figures
    from rdk_theory.report import charts

    rows = tables.read(where / "measure.csv")
    figures.save(charts.acceptance(rows), where / "acceptance", "Acceptance by kept share")
    figures.save(charts.gain(rows), where / "gain", "Gain over TLI by kept share")


def _flags(quick: bool, seed: int, resume: bool) -> list[str]:
    return ["--seed", str(seed), *(["--quick"] if quick else []), "--resume" if resume else "--no-resume"]


def _part(*argv: str, failed: Sequence[int] = ()) -> int:
    """Another sub-command, its table on standard error; a status other than 0 and `failed` ends this command."""
    with redirect_stdout(sys.stderr):
        status = cli.main(argv)
    if status == cli.INTERRUPTED:
        raise KeyboardInterrupt
    if status and status not in failed:
        raise UsageError(f"'rdk {' '.join(argv[:2])}' ended with status {status}; its message stands above")
    return status


def _say(what: str, path: Path) -> None:
    print(f"{what}: {path}", file=sys.stderr)


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser, out="out/report")
    parser.add_argument(
        "--pairs",
        type=Path,
        default=Path(".cache/pairs"),
        metavar="DIR",
        help="where trained pairs are kept (default .cache/pairs)",
    )
    parser.add_argument("--minutes", type=float, default=4.0, help="training time of the neural pair (default 4)")


def _run(args: argparse.Namespace) -> int:
    if not 0 < args.minutes < float("inf"):
        raise UsageError(f"--minutes must be positive, not {args.minutes}")
    status = report(
        args.out, quick=args.quick, seed=args.seed, resume=args.resume, pairs=args.pairs, minutes=args.minutes
    )
    page = args.out / "index.html"
    if args.json:
        print(json.dumps(_summary(args.out, page)))
    else:
        print(f"The page is {page}")
    return status


def _summary(out: Path, page: Path) -> dict[str, Any]:
    records: Sequence[dict[str, Any]] = json.loads((out / "claims.json").read_text(encoding="utf-8"))["claims"]
    return {
        "page": str(page),
        "claims": {status: sum(r["status"] == status for r in records) for status in {r["status"] for r in records}},
    }


COMMAND = Command("report", "the main job: claims, simulations and a measured pair, on one page", _arguments, _run)
