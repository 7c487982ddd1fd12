"""What is aimed at on one GPU of the Hopper class, and whether a table holds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gpu.bench.rows import MEASURED
from rdk_theory.tables import Row

LAZY, DENSE, SHARE, FASTER = 1.05, 1.15, 0.85, 1.5
LARGE = 64
"""The batch from which on the memory is to be busy."""
HELD, MISSED, UNKNOWN = "held", "missed", "not measured (needs a GPU)"
OWN = ("kernel",)


class Goal(NamedTuple):
    """A number at the point that is worst for it, and the bound that it should keep."""

    name: str
    bound: str
    value: float | None
    """`None` where no row decides it."""
    at: str | None
    """The point."""
    rows: int
    """How many points decide it."""
    verdict: str


def goals(rows: Sequence[Row], device: str) -> list[Goal]:
    """Every goal, by the rows of fused kernels; none is decided by a run on the CPU."""
    kernel = [row for row in rows if row["implementation"] == "kernel" and row["status"] == MEASURED]
    token = [row for row in kernel if row["operation"] == "verify token"] if device == "cuda" else []
    all_forms = [row for row in kernel if str(row["operation"]).startswith("verify")] if device == "cuda" else []
    best = _fastest_others(rows)
    found = [
        _goal(
            f"verification with {form}, over none", f"at most {bound}", _of(token, form), "ratio_to_none", bound, True
        )
        for form, bound in (("rank one", LAZY), ("sparse", LAZY), ("dense half", DENSE))
    ]
    large = [row for row in token if _number(row, "batch") >= LARGE]
    for form in ("none", "rank one", "sparse", "dense half"):
        name = f"share of copy bandwidth, {form}, batch ≥ {LARGE}"
        found.append(_goal(name, f"at least {SHARE}", _of(large, form), "share", SHARE, False))
    faster = [{**row, "faster": best[_at(row)] / _number(row, "median")} for row in token if _at(row) in best]
    name = "time of the best other implementation, over the kernel's"
    found.append(_goal(name, f"at least {FASTER}", faster, "faster", FASTER, False))
    counted = [row for row in all_forms if row["launches"] is not None]
    found.append(_goal("launches a verification", "at most 1", counted, "launches", 1, True))
    return found


def _fastest_others(rows: Sequence[Row]) -> dict[tuple[object, ...], float]:
    """The least median of what is not the kernel, at each point, of those that begin with logits, too."""
    found: dict[tuple[object, ...], float] = {}
    for row in rows:
        other = row["implementation"] not in OWN and not str(row["implementation"]).endswith("laws given")
        if row["operation"] == "verify token" and row["status"] == MEASURED and other:
            median = _number(row, "median")
            found[_at(row)] = min(median, found.get(_at(row), median))
    return found


def _goal(name: str, bound: str, rows: Sequence[Row], column: str, limit: float, at_most: bool) -> Goal:
    """The goal at its worst row."""
    if not rows:
        return Goal(name, bound, None, None, 0, UNKNOWN)
    worst: Callable[..., Row] = max if at_most else min
    row = worst(rows, key=lambda row: _number(row, column))
    value = _number(row, column)
    held = value <= limit if at_most else value >= limit
    at = f"{row['form']}, N = {row['size']}, batch {row['batch']}, γ = {row['gamma']}, {row['dtype']}"
    return Goal(name, bound, value, at, len(rows), HELD if held else MISSED)


def _of(rows: Sequence[Row], form: str) -> list[Row]:
    """Measured rows of a form that have what the goal is about."""
    return [row for row in rows if row["form"] == form and (form == "none" or row["ratio_to_none"] is not None)]


def _at(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("operation", "form", "size", "batch", "gamma", "dtype"))


def _number(row: Row, column: str) -> float:
    value = row[column]
    assert isinstance(value, int | float)
    return float(value)
