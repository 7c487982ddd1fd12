"""`rdk verify`: check every claim and print the table."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rdk_theory import runs, tables
from rdk_theory.cli import Command, add_common
from rdk_theory.theorems._check import Outcome, Status, check_exhaustive, check_random
from rdk_theory.theorems._claim import Claim
from rdk_theory.theorems.registry import select


def verify(chosen: Sequence[Claim], seed: int = 0, scale: float = 1.0) -> list[dict[str, Any]]:
    """Every rung of every claim: one record each, in the form that ``--json`` prints."""
    return [
        record(claim, [check_random(claim, seed, scale), check_exhaustive(claim)])
        for claim in runs.progress(chosen, "claims")
    ]


def record(claim: Claim, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """One claim: proved only if no rung failed and at least one was reached."""
    reached = [o for o in outcomes if o.status is Status.PROVED]
    failed = [o for o in outcomes if o.status in (Status.REFUTED, Status.UNKNOWN)]
    status = failed[0].status if failed else Status.PROVED if reached else Status.SKIPPED
    return {
        "id": claim.id,
        "title": claim.title,
        "section": claim.section,
        "status": str(status),
        "rung": max((o.rung for o in reached), default=""),
        "rungs": [o.rung for o in reached],
        "sizes": "; ".join(f"{o.rung}: {o.sizes}" for o in reached),
        "instances": sum(o.instances for o in outcomes),
        "seconds": round(sum(o.seconds for o in outcomes), 3),
        "outcomes": [{k: v for k, v in asdict(o).items() if k != "claim"} for o in outcomes],
    }


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help="ids of claims (default: all)")
    add_common(parser, resume=False)


def _run(args: argparse.Namespace) -> int:
    records = verify(select(args.claims), args.seed, scale=0.25 if args.quick else 1.0)
    if args.json:
        print(json.dumps({"claims": records}, indent=2))
    else:
        print(tables.to_text(records, ["id", "title", "status", "rung", "instances", "seconds"]))
        for item in records:
            for outcome in item["outcomes"]:
                if outcome["status"] in (Status.REFUTED, Status.UNKNOWN):
                    print(f"\n{item['id']} {outcome['rung']} {outcome['status']}: {outcome['reason']}")
    return 0 if all(item["status"] == Status.PROVED for item in records) else 1


COMMAND = Command(
    "verify", "check every claim: random instances, exhaustive rational grids, and their guards", _arguments, _run
)
