"""Figures of the measurement, each drawn from ``measure.csv`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rdk_theory import figures
from rdk_theory.tables import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {
    "union": "union (vanilla)",
    "tli": "TLI",
    "rank-one": "rank one, fitted weight",
    "rank-one-cold-mass": "rank one, θ = q(C)",
    "cooccurrence": "co-occurrence",
    "optimal": "fitted for acceptance",
    "oracle-weight": "best weight a context (oracle)",
    "unpruned": "unpruned drafter",
}
"""What the page calls each sampler."""


def name(sampler: str) -> str:
    """The sampler's name for a reader."""
    return NAMES.get(sampler, sampler.replace("-", " "))


def _samplers(rows: Sequence[Row]) -> list[str]:
    seen = dict.fromkeys(str(row["sampler"]) for row in rows)
    known = [key for key in NAMES if key in seen]
    return known + [key for key in seen if key not in NAMES]


def _axis(axes: Axes, rows: Sequence[Row]) -> None:
    fractions = sorted({float(row["fraction"]) for row in rows})  # type: ignore[arg-type]
    axes.set_xscale("log")
    axes.set_xticks(fractions, [f"{100 * f:g}" for f in fractions])
    axes.minorticks_off()
    axes.set_xlabel("kept tokens, % of the vocabulary")


def acceptance(rows: Sequence[Row]) -> Figure:
    """Acceptance of every sampler by kept fraction, with document-bootstrap intervals and the ceiling ``p(I)``."""
    from matplotlib import pyplot as plt

    with figures.style():
        figure, axes = plt.subplots(figsize=(5.2, 3.6))
        for index, sampler in enumerate(_samplers(rows)):
            points = sorted((r for r in rows if r["sampler"] == sampler), key=lambda r: float(r["fraction"]))  # type: ignore[arg-type]
            _line(axes, points, "acceptance", "low", "high", name(sampler), index)
        tli = sorted((r for r in rows if r["sampler"] == "tli"), key=lambda r: float(r["fraction"]))  # type: ignore[arg-type]
        axes.plot(
            [r["fraction"] for r in tli],
            [r["ceiling"] for r in tli],
            color="black",
            linestyle=":",
            label="ceiling of TLI, p(I)",
        )
        _axis(axes, rows)
        axes.set_ylabel("acceptance rate")
        axes.set_ylim(bottom=0)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        return figure


def gain(rows: Sequence[Row]) -> Figure:
    """Gain over TLI by kept fraction, with document-bootstrap intervals; below 0 the kernel loses."""
    from matplotlib import pyplot as plt

    kernels = [s for s in _samplers(rows) if s not in ("tli", "union", "unpruned")]
    with figures.style():
        figure, axes = plt.subplots(figsize=(5.2, 3.4))
        for sampler in kernels:
            points = sorted((r for r in rows if r["sampler"] == sampler), key=lambda r: float(r["fraction"]))  # type: ignore[arg-type]
            _line(axes, points, "gain", "gain_low", "gain_high", name(sampler), _samplers(rows).index(sampler))
        axes.axhline(0, color="black", linewidth=0.8)
        _axis(axes, rows)
        axes.set_ylabel("acceptance gained over TLI")
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        return figure


def _line(axes: Axes, points: Sequence[Row], value: str, low: str, high: str, label: str, index: int) -> None:
    x: list[Any] = [p["fraction"] for p in points]
    color, marker = figures.PALETTE[index % len(figures.PALETTE)], figures.MARKERS[index % len(figures.MARKERS)]
    axes.plot(x, [p[value] for p in points], color=color, marker=marker, markersize=4, label=label)
    axes.fill_between(x, [p[low] for p in points], [p[high] for p in points], color=color, alpha=0.18, linewidth=0)
