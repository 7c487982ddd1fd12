"""The table of a run: one row for each implementation at each point, measured or with the reason why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gpu.bench.grid import OPERATIONS, Point
from gpu.bench.others import Verifier
from rdk_theory.tables import Row

MEASURED, INCORRECT, NO_ROOM = "measured", "incorrect", "does not fit"


@dataclass
class Run:
    """One run on one device, and what it has found so far."""

    device: str
    seed: int
    seconds: float
    """How long a call is repeated on the CPU."""
    copy: float = 0.0
    """Bytes a second of a copy."""
    rows: list[Row] = field(default_factory=list)
    compared: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    """What the small case of an operation, a form and a dtype differs in; `None` if in nothing."""
    packages: dict[str, Verifier | str] = field(default_factory=dict)
    """Other implementations, or why one cannot be timed."""

    def add(self, point: Point | None, implementation: str, status: str, why: str | None = None, **found: Any) -> None:
        """One row of the table."""
        at = point._asdict() if point else dict.fromkeys(Point._fields)
        measured = dict.fromkeys(
            ("how", "low", "median", "high", "bytes", "bandwidth", "share", "launches", "accepted", "fell_back")
        )
        self.rows.append(
            {**at, "kept": point.kept if point else None}
            | {"implementation": implementation, "status": status, "why": why}
            | measured
            | found
        )  # fmt: skip


def finished(rows: list[Row], copy: float) -> list[Row]:
    """The rows, by operation and form, with the shares of a copy, and ratios to the form without redistribution."""
    key = ("operation", "implementation", "size", "batch", "gamma", "dtype")
    plain = {tuple(row[k] for k in key): row["median"] for row in rows if row["form"] == "none"}
    done: list[Row] = []
    for row in sorted(rows, key=_order):
        median, moved = row["median"], row["bytes"]
        own = plain.get(tuple(row[k] for k in key))
        bandwidth = moved / median if isinstance(moved, int) and isinstance(median, float) else None
        done.append(
            row
            | {
                "bandwidth": bandwidth,
                "share": bandwidth / copy if bandwidth is not None else None,
                "ratio_to_none": median / own if isinstance(median, float) and isinstance(own, float) else None,
                "copy_bandwidth": copy,
            }
        )
    return done


def _order(row: Row) -> tuple[int, ...]:
    """Operations and forms as they are listed, then sizes; what belongs to no point comes last."""
    if row["operation"] is None:
        return (len(OPERATIONS),)
    operation, form = str(row["operation"]), str(row["form"])
    numbers = (int(row[name] or 0) for name in ("size", "batch", "gamma"))
    return (list(OPERATIONS).index(operation), OPERATIONS[operation].index(form), *numbers)
