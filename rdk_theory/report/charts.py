"""Figures of the measurement, each drawn from ``measure.csv`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rdk_theory import figures
from rdk_theory.tables import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {
    "union": "union (vanilla)",
    "tli": "TLI",
    "rank-one": "rank one, fitted θ",
    "rank-one-cold-mass": "rank one, θ = q(C)",
    "rank-one-jensen": "rank one, θ from the mean cold row",
    "rank-one-cumulant": "rank one, θ from the cold rows' covariance",
    "rank-one-cold-mass-calibrated": "rank one, calibrated θ of q(C)",
    "cooccurrence": "co-occurrence",
    "optimal": "acceptance-fitted",
    "oracle-weight": "best θ (oracle)",
    "unpruned": "unpruned drafter",
}
"""What the page calls each sampler."""


def name(sampler: str) -> str:
    """The sampler's name for a reader."""
    return NAMES.get(sampler, sampler.replace("-", " "))


SHOWN = ("tli", "rank-one", "rank-one-cold-mass", "cooccurrence", "optimal", "oracle-weight")
"""Samplers that get a series in a figure; the table has the others too."""


def acceptance(rows: Sequence[Row]) -> Figure:
    """Acceptance of every sampler by kept fraction, with document-bootstrap intervals and the ceiling ``p(I)``."""
    with figures.style():
        figure, (axes,) = figures.canvas(height=3.4)
        for index, sampler in enumerate(SHOWN):
            _series(axes, _of(rows, sampler), ("acceptance", "low", "high"), index)
        tli, whole = _of(rows, "tli"), _of(rows, "unpruned")
        axes.plot(
            _column(tli, "fraction"), _column(tli, "ceiling"), color="black", linestyle=":", label="TLI's ceiling p(I)"
        )
        axes.plot(
            _column(whole, "fraction"),
            _column(whole, "acceptance"),
            color="black",
            linestyle="--",
            label=NAMES["unpruned"],
        )
        _axis(axes, rows)
        axes.set_ylabel("acceptance rate")
        figures.legend(axes)
        return figure


def gain(rows: Sequence[Row]) -> Figure:
    """Gain over TLI by kept fraction, with document-bootstrap intervals; below 0 the kernel loses."""
    with figures.style():
        figure, (axes,) = figures.canvas(height=3.0)
        for index, sampler in enumerate(SHOWN):
            if sampler != "tli":
                _series(axes, _of(rows, sampler), ("gain", "gain_low", "gain_high"), index)
        axes.axhline(0, color="black", linewidth=0.8)
        bottom = float(axes.get_ylim()[0])
        if bottom < 0:
            figures.shade_counterexample(axes, y=(bottom, 0.0), label="below TLI")
            axes.set_ylim(bottom=bottom)
        _axis(axes, rows)
        axes.set_ylabel("acceptance gained over TLI")
        figures.legend(axes)
        return figure


def _of(rows: Sequence[Row], sampler: str) -> list[Row]:
    """The rows of one sampler by ascending kept fraction."""
    return sorted((r for r in rows if r["sampler"] == sampler), key=lambda r: float(str(r["fraction"])))


def _column(rows: Sequence[Row], key: str) -> list[float]:
    return [float(str(row[key])) for row in rows]


def _series(axes: Axes, points: Sequence[Row], keys: tuple[str, str, str], index: int) -> None:
    """Measured points of one sampler, joined by a thin line so that the eye finds the series."""
    if not points:
        return
    x, (y, low, high) = _column(points, "fraction"), (_column(points, key) for key in keys)
    look = figures.channel(index)
    figures.measured(axes, x, y, low, high, index, name(SHOWN[index]))
    axes.plot(x, y, color=look.colour, linestyle=look.dashes, linewidth=0.8)


def _axis(axes: Axes, rows: Sequence[Row]) -> None:
    fractions = sorted({float(str(row["fraction"])) for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(fractions, [f"{100 * f:g}" for f in fractions])
    axes.minorticks_off()
    axes.set_xlabel("kept tokens, % of the vocabulary")
