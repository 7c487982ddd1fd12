"""Figures of the measurement, each drawn from ``measure.csv`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
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
    "gated-priors": "gated priors",
    "low-rank-eighth": "low-rank head, 1/8 of the cost",
    "shortlist-sixteenth": "shortlist, 1/16 of the cost",
    "shortlist-eighth": "shortlist, 1/8 of the cost",
    "oracle-weight": "best θ (oracle)",
    "unpruned": "unpruned drafter",
    "unpruned-optimal": "unpruned drafter, acceptance-fitted",
    "context-free-optimum": "any context-free kernel (bound)",
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


RESTORING = (
    "rank-one",
    "cooccurrence",
    "optimal",
    "gated-priors",
    "shortlist-sixteenth",
    "shortlist-eighth",
    "rank-one-cold-mass",
    "oracle-weight",
)
"""Samplers in the figure of recovered acceptance: the first six that were measured."""

VIEW = (-0.5, 1.3)
"""Shares beyond these are off the view, which the page says."""


def recovered(rows: Sequence[Row]) -> Figure:
    """Share of the acceptance lost to pruning that each sampler gives back, by kept fraction; a panel a selection.

    The line is the certified bound on context-free kernels in the contexts measured, hatched above: only what knows its
    context can be there.
    """
    selections = list(dict.fromkeys(str(row["selection"]) for row in rows))
    with figures.style():
        figure, panels = figures.canvas(len(selections), height=3.8 if len(selections) == 1 else 2.6)
        for axes, selection in zip(panels, selections, strict=True):
            mine = [r for r in rows if r["selection"] == selection]
            _recovered(axes, [r for r in mine if r["recovered"] is not None])
            _axis(axes, mine)
            axes.set_ylabel("lost acceptance recovered, %")
            if len(selections) > 1:
                axes.set_title(f"kept by {selection}", loc="right")
        if len(selections) == 1:
            figures.legend(panels[0], 2)
        else:
            figures.shared_legend(figure, panels)
        return figure


def save_recovered(rows: Sequence[Row], where: Path) -> tuple[Path, Path]:
    """Draw ``recovered.svg`` and ``recovered.png`` in a folder; their paths."""
    return figures.save(recovered(rows), where / "recovered", "Acceptance recovered, by kept share")


def _recovered(axes: Axes, rows: Sequence[Row]) -> None:
    for index, sampler in enumerate([s for s in RESTORING if _of(rows, s)][:6]):
        points = _of(rows, sampler)
        columns = (_column(points, key) for key in ("recovered", "recovered_low", "recovered_high"))
        x, (y, low, high) = _column(points, "fraction"), ([100 * v for v in column] for column in columns)
        figures.measured(axes, x, y, low, high, index, name(sampler))
        look = figures.channel(index)
        axes.plot(x, y, color=look.colour, linestyle=look.dashes, linewidth=0.8)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axhline(100, color="black", linestyle="--", linewidth=0.8, label=NAMES["unpruned"])
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, 100 * VIEW[0]), min(max(top, 110), 100 * VIEW[1]))
    bound = _of(rows, "context-free-optimum")
    if bound:
        x, y = _column(bound, "fraction"), [100 * v for v in _column(bound, "recovered")]
        figures.theory_line(axes, x, y, None, "bound on context-free kernels")
        figures.shade_above(axes, x, y, "beyond every context-free kernel")


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
