"""The figure of a table, drawn from the table alone: times, shares of a copy's speed, ratios to no redistribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpu.bench.grid import FORMS
from gpu.bench.rows import MEASURED
from rdk_theory import figures
from rdk_theory.tables import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OTHERS = {
    "draw": ("softmax_sample", "none"),
    "acceptance": ("acceptance", "rank one"),
    "redistribute, rank one": ("redistribute", "rank one"),
    "propose, rank one": ("propose", "rank one"),
    "redistribute, first order": ("redistribute", "first order"),
    "redistribute, dense half": ("redistribute", "dense half"),
}


def draw(rows: Sequence[Row]) -> Figure:
    """Panels against the size of the vocabulary, of the kernel where it was timed, else of the naive form.

    Times of verification by tokens and as a block, and of other operations; then, of verification by tokens, the share
    of a copy's speed and the time over that without redistribution.

    Points are medians, bars reach from the 20th to the 80th percentile.

    Raises
    ------
    ValueError
        For a table without a measured row.
    """
    measured = [row for row in rows if row["status"] == MEASURED]
    if not measured:
        raise ValueError(f"rows of length {len(rows)} hold none that was measured")
    kernel = any(row["implementation"] == "kernel" for row in measured)
    shown = [row for row in measured if row["implementation"] == ("kernel" if kernel else "naive")]
    figure, panels = figures.canvas(5, 1.9)
    token = [_line(shown, "verify token", form) for form in FORMS]
    block = [_line(shown, "verify block", form) for form in FORMS]
    _panel(panels[0], token, FORMS, "median", "verify token, ms", 1e3)
    _panel(panels[1], block, FORMS, "median", "verify block, ms", 1e3)
    lines = [_line(shown, *what) for what in OTHERS.values()]
    _panel(panels[2], lines, list(OTHERS), "median", "other operations, ms", 1e3)
    _panel(panels[3], token, FORMS, "share", "share of a copy's speed", 1.0)
    _panel(panels[4], token[1:], FORMS[1:], "ratio_to_none", "time over that of none", 1.0, 1)
    return figure


def _line(rows: Sequence[Row], operation: str, form: str) -> list[Row]:
    """One row a size, at the batch, chain length and dtype that most rows of the operation have."""
    own = [row for row in rows if row["operation"] == operation and row["form"] == form]
    settings = [tuple(row[name] for name in ("batch", "gamma", "dtype")) for row in own]
    if not own:
        return []
    common = max(dict.fromkeys(settings), key=settings.count)
    return sorted((r for r, s in zip(own, settings, strict=True) if s == common), key=lambda r: _number(r, "size"))


def _panel(
    axes: Axes,
    lines: Sequence[Sequence[Row]],
    names: Sequence[str],
    column: str,
    label: str,
    factor: float,
    first: int = 0,
) -> None:
    """One curve a form; times have bars and logarithmic axes."""
    time = column == "median"
    for index, (line, name) in enumerate(zip(lines, names, strict=True)):
        if not line or any(row[column] is None for row in line):
            continue
        sizes = [_number(row, "size") / 1e3 for row in line]
        values = [factor * _number(row, column) for row in line]
        low, high = ([factor * _number(row, end) for row in line] for end in ("low", "high"))
        figures.theory_line(axes, sizes, values, index + first, name)
        bars = {"low": low, "high": high} if time else {}
        figures.measured(axes, sizes, values, index=index + first, label=name, **bars)
    axes.set_xlabel("target vocabulary N, thousands")
    axes.set_ylabel(label)
    if column == "share":
        axes.set_ylim(bottom=0)
    else:
        axes.set_yscale("log")
    figures.legend(axes, 3)


def _number(row: Row, column: str) -> float:
    value = row[column]
    assert isinstance(value, int | float)
    return float(value)
