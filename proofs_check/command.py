"""`rdk prove`: prove claims by machine, each by as many roads as it has."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rdk_theory import runs, tables
from rdk_theory.cli import Command, UsageError

CORES = 2


def prove(
    ids: Sequence[str],
    rungs: Sequence[str] = (),
    *,
    kept_only: Sequence[str] = (),
    fresh: bool = False,
    processes: int = CORES,
) -> list[dict[str, Any]]:
    """Prove claims, all where none is named: one record each, in the form that ``--json`` prints.

    Proofs of the rungs `kept_only` are not run: they count where an earlier run kept their verdict.
    """
    from proofs_check import _cache, _workers
    from proofs_check.registry import proofs
    from rdk_theory.theorems.registry import select

    chosen = select(list(ids))
    names = {claim.id for claim in chosen}
    wanted = [p for p in proofs() if p.claim in names and (not rungs or str(p.rung) in rungs)]
    found: dict[str, dict[str, Any]] = {}
    left = []
    for proof in wanted:
        kept = None if fresh else _cache.load(proof)
        if kept is not None:
            found[proof.name] = _entry(proof, *kept, cached=True)
        elif str(proof.rung) not in kept_only:
            left.append(proof)
    # SMT takes longest, so that it is not last to begin.
    left.sort(key=lambda p: str(p.rung) != "R3")
    for proof, verdict, seconds in runs.progress(
        _workers.run(left, _cache.folder(), processes), "proofs", total=len(left)
    ):
        _cache.save(proof, verdict, seconds)
        found[proof.name] = _entry(proof, verdict, seconds, cached=False)
    order = [found[proof.name] for proof in wanted if proof.name in found]
    return [_record(claim, [e for e in order if e["claim"] == claim.id]) for claim in chosen]


def _entry(proof: Any, verdict: Any, seconds: float, *, cached: bool) -> dict[str, Any]:
    return {
        "claim": proof.claim,
        "rung": str(proof.rung),
        "seconds": round(seconds, 3),
        "cached": cached,
        "source": proof.source,
        **asdict(verdict),
        "status": str(verdict.status),
    }


def _record(claim: Any, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One claim: proved only if no proof of it failed and at least one succeeded."""
    proved = [e for e in entries if e["status"] == "proved" and e["clauses"]]
    states = [e["status"] for e in entries]
    # What is proved in part only is not proved, and not refuted either.
    rest = "proved" if proved else "skipped" if "skipped" in states else "unknown"
    status = next((s for s in ("refuted", "unknown") if s in states), rest)
    return {
        "id": claim.id,
        "title": claim.title,
        "section": claim.section,
        "status": status,
        "rung": max((e["rung"] for e in proved), default=""),
        "rungs": sorted({e["rung"] for e in proved}),
        "partial": sorted({e["rung"] for e in entries if e["status"] == "proved" and not e["clauses"]}),
        "skipped": sorted({e["rung"] for e in entries if e["status"] == "skipped"}),
        "sizes": "; ".join(f"{e['rung']}: {e['sizes']}" for e in proved),
        "seconds": round(sum(e["seconds"] for e in entries), 3),
        "clauses": {
            clause.name: max((e["rung"] for e in proved if clause.name in e["clauses"]), default="")
            for clause in claim.clauses
        },
        "proofs": [{k: v for k, v in e.items() if k != "claim"} for e in entries],
    }


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help="ids of claims (default: all)")
    parser.add_argument("--rung", action="append", default=[], metavar="R", help="only this rung, R1 to R6; may repeat")
    parser.add_argument(
        "--kept",
        action="append",
        default=[],
        metavar="R",
        help="take this rung from verdicts of earlier runs alone, and do not run it; may repeat",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="also write proofs.json, proofs.md and the sources of the proofs there"
    )
    parser.add_argument("--fresh", action="store_true", help="run all proofs again, whatever the cache holds")
    parser.add_argument("--processes", type=int, default=CORES, metavar="INT", help=f"at once (default {CORES})")
    parser.add_argument(
        "--strict",
        action="store_true",
        default=os.environ.get("RDK_STRICT") == "1",
        help="a skipped proof is a failure (the default where RDK_STRICT=1)",
    )


def _run(args: argparse.Namespace) -> int:
    from proofs_check._proof import Rung

    for rung in (*args.rung, *args.kept):
        if rung not in set(map(str, Rung)):
            raise UsageError(f"no rung {rung!r}; there are {', '.join(Rung)}")
    if args.fresh and args.kept:
        raise UsageError("--fresh runs all again and --kept runs nothing: give one of them")
    if args.processes < 1:
        raise UsageError(f"--processes must be at least 1, not {args.processes}")
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is said now, not after minutes
    records = prove(args.claims, args.rung, kept_only=args.kept, fresh=args.fresh, processes=args.processes)
    whole = not args.rung and not args.kept
    if not whole:
        records = [r for r in records if r["proofs"]]
    if not records and not args.kept:
        raise UsageError(f"no claim of {', '.join(args.claims) or 'all'} has a proof at {' or '.join(args.rung)}")
    if args.out is not None:
        _write(args.out, records)
    if args.json:
        print(json.dumps({"claims": records}, indent=2, ensure_ascii=False))
    elif records:
        print(tables.to_text([_row(r) for r in records]))
    for record in records:
        for entry in record["proofs"]:
            if entry["status"] != "proved":
                print(f"{record['id']} {entry['rung']} {entry['status']}: {entry['reason']}", file=sys.stderr)
    return 0 if all(_held(r, whole=whole, strict=args.strict) for r in records) else 1


def _write(out: Path, records: Sequence[dict[str, Any]]) -> None:
    """The records, the page, and a copy of each source, so that the page's links hold wherever the folder goes."""
    from proofs_check import _cache, page

    runs.write_json(out / "proofs.json", {"claims": records})
    for source in {entry["source"] for record in records for entry in record["proofs"]}:
        with runs.atomic_path(out / source) as temporary:
            shutil.copyfile(_cache.ROOT / source, temporary)
    with runs.atomic_path(out / "proofs.md") as temporary:
        temporary.write_text(page.markdown(records, "."), encoding="utf-8")


def _held(record: dict[str, Any], *, whole: bool, strict: bool) -> bool:
    """Whether nothing failed; where all rungs ran (`whole`), also whether the claim is proved."""
    states = {entry["status"] for entry in record["proofs"]}
    if states & {"refuted", "unknown"} or (strict and "skipped" in states):
        return False
    return record["status"] == "proved" or not whole


def _row(record: dict[str, Any]) -> dict[str, Any]:
    weakest = min(record["clauses"].values())
    return {
        "id": record["id"],
        "status": record["status"],
        "rungs": " ".join(record["rungs"]) or "-",
        "every clause": weakest or "-",
        "in part": " ".join(record["partial"]) or "-",
        "skipped": " ".join(record["skipped"]) or "-",
        "seconds": record["seconds"],
    }


COMMAND = Command("prove", "prove claims by machine: linear programmes, SMT, symbols, intervals, Coq", _arguments, _run)
