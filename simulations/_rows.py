"""Reading a table's rows, and the two widths of noise: that of a bar in a figure and that at which a check objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rdk_theory import figures
from rdk_theory.tables import Cell, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR = 1.959964
"""Standard errors on either side of a point: 95 % where the mean is normal."""
ALARM = 6.0
"""Standard errors beyond which a check objects."""
RARE = ALARM**2 / 2
"""Events beyond which it objects as well: where few are seen, their standard error says little.

For a Poisson count ``k`` of any mean ``μ``, ``|k − μ| > 6 √k + 18`` has probability below 2e-8; for a normal, 2e-9.
"""


def pick(rows: Iterable[Row], **where: Any) -> list[Row]:
    """The rows whose cells have these values."""
    return [row for row in rows if all(_cell(row, name) == value for name, value in where.items())]


def distinct(rows: Iterable[Row], name: str) -> list[Any]:
    """The values of a column, each once, in the order of the table."""
    return list(dict.fromkeys(_cell(row, name) for row in rows))


def numbers(rows: Iterable[Row], name: str) -> list[float]:
    """A column of numbers."""
    return [number(row, name) for row in rows]


def number(row: Row, name: str) -> float:
    """A cell that holds a number."""
    cell = _cell(row, name)
    if isinstance(cell, str) or cell is None:
        raise ValueError(f"rows hold {cell!r} in column {name!r}, where a number is expected")
    return float(cell)


def _cell(row: Row, name: str) -> Cell:
    if name not in row:
        raise ValueError(f"the table has no column {name!r}: it is not one of this experiment")
    return row[name]


def bars(estimate: float, error: float, samples: int, span: float = 1.0) -> dict[str, float]:
    """Columns of an estimate: its 95 % interval, its standard error, and the gap to theory at which a check objects.

    Parameters
    ----------
    estimate, error
        A mean of `samples` independent values and its standard error.
    samples
        How many.
    span
        Largest change that one value makes to their sum.
    """
    columns = {
        "measured": estimate,
        "low": estimate - BAR * error,
        "high": estimate + BAR * error,
        "error": error,
        "alarm": ALARM * error + RARE * span / samples,
    }
    return {name: float(value) for name, value in columns.items()}


def curve(axes: Axes, rows: Sequence[Row], x: str, theory: str, index: int, label: str | None) -> None:
    """A series: the column `theory` as a line, and the points of `bars` with their intervals."""
    at = numbers(rows, x)
    figures.theory_line(axes, at, numbers(rows, theory), index, label)
    figures.measured(axes, at, numbers(rows, "measured"), numbers(rows, "low"), numbers(rows, "high"), index, label)


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of independent values."""
    return float(values.std(ddof=1) / np.sqrt(values.size))


def outside(rows: Sequence[Row], expected: str, keys: Sequence[str]) -> list[str]:
    """Rows whose measurement is further from the column `expected` than noise explains, one line each."""
    lines = []
    for row in rows:
        gap = abs(number(row, "measured") - number(row, expected))
        if gap > number(row, "alarm"):
            where = ", ".join(f"{key} {row[key]}" for key in keys)
            lines.append(f"measured is {gap:.3g} away from {expected} at {where}")
    return lines
