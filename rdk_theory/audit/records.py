"""An audit as JSON, as rows of a table, and as JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from rdk_theory.audit.verdict import Audit
from rdk_theory.tables import Row

COLUMNS = ("experiment", "law", "status", "samples", "tv", "smallest", "false_fail", "false_pass")
"""Of the table."""


def as_json(found: Audit, words: Sequence[str]) -> dict[str, Any]:
    """The verdict, its words and its checks."""
    return {
        "target": found.target,
        "kind": found.kind,
        "verdict": found.verdict,
        "seed": found.seed,
        "seconds": found.seconds,
        "words": list(words),
        "checks": [asdict(check) for check in found.checks],
    }


def rows(found: Audit) -> list[Row]:
    """One row a check."""
    return [
        {
            "experiment": check.experiment,
            "law": check.name,
            "status": check.status,
            "samples": check.samples,
            "tv": check.distance,
            "smallest": check.smallest,
            "false_fail": check.false_fail,
            "false_pass": check.false_pass,
        }
        for check in found.checks
    ]


def junit(found: Audit, words: Sequence[str]) -> str:
    """A suite of one case a check: failed checks are failures, unfinished and broken ones errors."""
    cases = found.checks
    counts = {
        status: sum(check.status == status and check.decides for check in cases)
        for status in ("failed", "unfinished", "broken")
    }
    suite = ElementTree.Element(
        "testsuite",
        name=f"rdk audit {found.target}",
        tests=str(len(cases)),
        failures=str(counts["failed"]),
        errors=str(counts["unfinished"] + counts["broken"]),
        time=f"{found.seconds:.3f}",
    )
    for check in cases:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{found.target}.{check.experiment}", name=check.name
        )
        if check.status == "failed":
            ElementTree.SubElement(case, "failure", message=check.detail).text = "\n".join(words)
        elif check.status in ("unfinished", "broken") and check.decides:
            ElementTree.SubElement(case, "error", message=check.detail)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"
