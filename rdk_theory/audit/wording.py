"""The verdict in words that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence

from rdk_theory.audit.engine import Check
from rdk_theory.audit.verdict import Audit
from rdk_theory.audit.zoo.entries import Entry

MOST_CAUSES = 3
"""More mutants than this that fit tell nothing."""


def sentences(found: Audit, causes: Sequence[Entry] = ()) -> list[str]:
    """What was found, where, and what is likely behind it."""
    if found.verdict == "lossless":
        return _lossless(found)
    if found.verdict == "inconclusive":
        return _inconclusive(found)
    return _lossy(found, causes)


def _lossless(found: Audit) -> list[str]:
    tests = [check for check in found.checks if check.smallest is not None and check.decides]
    by_size = sorted({check.smallest for check in tests if check.smallest is not None})
    sizes = " or ".join(f"{size:g}" for size in by_size)
    rate = max(check.false_pass or 0.0 for check in tests)
    lines = [
        f"{found.target}: no law of emitted tokens departs. A departure of {sizes} in total variation (the figure of "
        f"each test is in the table) would have passed one test with probability at most {rate:g}; smaller ones, and "
        "contexts unlike these, were not looked at."
    ]
    return lines + _notes(found)


def _inconclusive(found: Audit) -> list[str]:
    broken = [check for check in found.checks if check.status == "broken"]
    if broken:
        return [f"{found.target} does not keep its contract: {broken[0].detail} ({broken[0].experiment})"]
    left = [check for check in found.checks if check.status == "unfinished" and check.decides]
    return [
        f"{found.target}: nothing departs so far, but {len(left)} laws are not judged, {left[0].experiment}: "
        f"{left[0].name} the first ({left[0].detail}). Give it more time, or look for less: --smallest."
    ]


def _lossy(found: Audit, causes: Sequence[Entry]) -> list[str]:
    worst = smallest_failure(found)
    lines = [f"{found.target} is lossy: {len(found.failed)} checks failed."]
    if worst.distance is None:
        lines.append(f"{worst.name}: no. {worst.detail}.")
    else:
        lines.append(
            f"Smallest failing case: {worst.experiment}, seed {found.seed}; {worst.name}: total variation "
            f"{worst.distance:.3g} in {worst.samples} samples. {worst.detail[0].upper()}{worst.detail[1:]}."
        )
    held = sorted(
        {check.experiment for check in found.checks} - {check.experiment for check in found.failed} - {"facts"}
    )
    if held:
        lines.append(f"Nothing departs in: {'; '.join(held)}.")
    if 0 < len(causes) <= MOST_CAUSES:
        lines.append("The samples are those of a known mistake: " + ", or ".join(each.about for each in causes) + ".")
    return lines


def smallest_failure(found: Audit) -> Check:
    """The failed check that took the fewest samples: what to look at first."""
    tests = [check for check in found.failed if check.distance is not None]
    return min(tests, key=lambda check: check.samples) if tests else found.failed[0]


def _notes(found: Audit) -> list[str]:
    lines = []
    tests = [check for check in found.notes if check.distance is not None]
    if tests:
        names = ", ".join(sorted({check.name for check in tests}))
        lines.append(
            f"It does not work by the ratio test of single tokens, which is no fault: {names} differ "
            f"({tests[0].experiment}: {tests[0].detail})."
        )
    lines += [f"{check.name}: no, which is no fault either." for check in found.notes if check.distance is None]
    return lines
