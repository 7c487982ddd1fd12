"""The figure of a plan, drawn from ``plan.csv`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rdk_theory import figures
from rdk_theory.report.charts import name
from rdk_theory.tables import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 6
"""Kernels that are drawn: those of the fastest settings."""

_SHORT = {"rank-one-cumulant": "rank one, θ(h)"}


def speed(rows: Sequence[Row]) -> Figure:
    """Predicted speed-up by kept size, each point at its best draft length and verification; the best is ringed."""
    pruned = [row for row in rows if row["kernel"] != "unpruned"]
    whole = next((row for row in rows if row["kernel"] == "unpruned"), None)
    kernels = list(dict.fromkeys(str(row["kernel"]) for row in pruned))[:MOST]
    with figures.style():
        figure, (axes,) = figures.canvas(height=3.2)
        for index, kernel in enumerate(kernels):
            points = sorted((row for row in pruned if row["kernel"] == kernel), key=lambda row: _number(row, "kept"))
            x, y, low, high = ([_number(row, key) for row in points] for key in ("kept", "speedup", "low", "high"))
            look = figures.channel(index)
            # A resampled interval of a chosen maximum can end short of it, by a rounding.
            ends = [min(a, b) for a, b in zip(low, y, strict=True)], [max(a, b) for a, b in zip(high, y, strict=True)]
            figures.measured(axes, x, y, *ends, index, _SHORT.get(kernel, name(kernel)))
            axes.plot(x, y, color=look.colour, linestyle=look.dashes, linewidth=0.8)
        if whole is not None:
            axes.axhline(_number(whole, "speedup"), color="black", linestyle="--", linewidth=1, label=name("unpruned"))
            axes.axhspan(_number(whole, "low"), _number(whole, "high"), color="black", alpha=0.08, linewidth=0)
        axes.axhline(1, color="black", linestyle=":", linewidth=1, label="plain decoding")
        best = next((row for row in rows if row["best"]), None)
        if best is not None and best is not whole:
            place = [_number(best, "kept")], [_number(best, "speedup")]
            axes.plot(
                *place,
                linestyle="none",
                marker="o",
                markersize=10,
                markerfacecolor="none",
                markeredgecolor="black",
                label="best",
                zorder=4,
            )
        kept = sorted({int(str(row["kept"])) for row in pruned})
        if kept:
            axes.set_xscale("log")
            axes.set_xticks(kept, [f"{k:,}" for k in kept], rotation=45 if len(kept) > 5 else 0)
            axes.minorticks_off()
        axes.set_xlabel("kept tokens")
        axes.set_ylabel("predicted speed-up")
        figures.legend(axes)
        return figure


def _number(row: Row, key: str) -> float:
    return float(str(row[key]))
