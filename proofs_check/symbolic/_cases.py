"""Statements about unknown numbers, decided by splitting into cases until every sign can be read off.

An unknown is at least 0. A polynomial in unknowns whose coefficients are all positive is positive, and one without
terms is 0. Where the signs are mixed, two unknowns are compared: in one case ``x ≥ y``, so that ``x`` is written as
``y`` plus another unknown, in the other ``y > x``. This goes on until nothing is mixed: successive substitution of
differences. So ordinary code with `min`, `max` and comparisons runs on unknowns, and each of its runs is one case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from typing import Any

from proofs_check.symbolic._unknowns import OutsideError, UndecidedError, Unknowns, Values
from rdk_theory.theorems._check import Status

CASES = 20_000
"""Cases at most of one statement."""

TRIED = 300
"""Small numbers at most, to refute a statement that is not decided."""


@dataclass(frozen=True)
class Finding:
    """What became of a statement."""

    status: Status
    cases: int = 1
    witness: Mapping[str, Any] | None = None
    """Numbers for the unknowns with which it was run again, and failed."""
    reason: str = ""

    @property
    def proved(self) -> bool:
        """Whether it holds."""
        return self.status is Status.PROVED


def both(*findings: Finding) -> Finding:
    """The first that is not proved, or all of them as one."""
    for finding in findings:
        if not finding.proved:
            return finding
    return Finding(Status.PROVED, sum(f.cases for f in findings))


Statement = Callable[[Any], bool]
"""From unknowns (or values) to whether it holds, by ordinary code."""


def decide(statement: Statement, names: str) -> Finding:
    """Whether the statement holds for all numbers of at least 0 under these names."""
    choices: list[int] | None = []
    count, inside = 0, 0
    try:
        while choices is not None:
            if count == CASES:
                raise UndecidedError(f"more than {CASES} cases")
            case = Unknowns(names.split(), choices)
            count += 1
            try:
                holds = statement(case)
                inside += 1
            except OutsideError:
                holds = True
            if not holds:
                return _refuted(statement, case, count)
            choices = _next(case.made)
    except (UndecidedError, ZeroDivisionError) as error:
        return _tried(statement, names.split()) or Finding(Status.UNKNOWN, count, reason=str(error))
    if not inside:
        return Finding(Status.UNKNOWN, count, reason="its assumptions exclude each other")
    return Finding(Status.PROVED, inside)


def _tried(statement: Statement, names: Sequence[str]) -> Finding | None:
    """Small numbers that refute what was not decided, if some do."""
    for numbers in islice(product((1, 0, 2), repeat=len(names)), TRIED):
        values = {name: Fraction(n) for name, n in zip(names, numbers, strict=True)}
        try:
            if not statement(Values(values)):
                return Finding(Status.REFUTED, 1, values)
        except (OutsideError, ZeroDivisionError):
            continue
    return None


def _next(made: Sequence[int]) -> list[int] | None:
    made = list(made)
    while made:
        if made.pop() == 0:
            return [*made, 1]
    return None


def _refuted(statement: Statement, case: Unknowns, count: int) -> Finding:
    """The numbers of a case, if the statement fails with them too."""
    for free in (Fraction(0), Fraction(1), Fraction(1, 3)):
        values = case.values(free)
        try:
            if not statement(Values(values)):
                return Finding(Status.REFUTED, count, values)
        except (OutsideError, ZeroDivisionError):
            continue
    return Finding(Status.UNKNOWN, count, reason="it was not shown, and no numbers of the case refute it")
