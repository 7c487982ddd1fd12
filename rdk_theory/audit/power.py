"""The audit of the audit: every sampler of the zoo, how often it is judged rightly, and from how few samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rdk_theory import runs
from rdk_theory.audit.verdict import audit
from rdk_theory.audit.wording import smallest_failure
from rdk_theory.audit.zoo import CORRECT, MUTANTS
from rdk_theory.tables import Row

COLUMNS = ("sampler", "kind", "expected", "right", "runs", "samples", "tv", "found in")


def zoo(seeds: Iterable[int], *, quick: bool, smallest: float | None = None) -> list[Row]:
    """A row a sampler: verdicts that were right; of mutants the samples and distance of the first find, medians."""
    seeds = list(seeds)
    entries = [(entry, "lossless") for entry in CORRECT] + [(entry, "lossy") for entry in MUTANTS]
    lines: list[Row] = []
    for entry, expected in runs.progress(entries, "zoo"):
        found = [audit(entry.adapter, seed=seed, quick=quick, smallest=smallest) for seed in seeds]
        failures = [smallest_failure(each) for each in found if each.failed]
        distances = [check.distance for check in failures if check.distance is not None]
        lines.append(
            {
                "sampler": entry.adapter.name,
                "kind": entry.adapter.kind,
                "expected": expected,
                "right": sum(each.verdict == expected for each in found),
                "runs": len(seeds),
                "samples": float(np.median([check.samples for check in failures])) if failures else None,
                "tv": float(np.median(distances)) if distances else None,
                "found in": failures[0].experiment if failures else None,
                "about": entry.about,
            }
        )
    return lines


def summary(lines: Sequence[Row]) -> str:
    """One sentence."""
    parts = []
    for expected, what in (("lossy", "mutants caught"), ("lossless", "correct samplers passed")):
        mine = [line for line in lines if line["expected"] == expected]
        whole = sum(line["right"] == line["runs"] for line in mine)
        parts.append(f"{whole} of {len(mine)} {what}")
    return f"{', '.join(parts)}, in every one of {lines[0]['runs']} runs."
