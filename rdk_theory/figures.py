"""One style for every figure: legible in a journal's column, readable without colour, the same bytes each time.

A figure is drawn by a function of a table alone, so it can be redrawn without computing anything. In every figure
a line is theory, a point with a bar is what was measured with its interval, and a hatched area is where a claim of
dominance fails. Series differ in colour (Okabe and Ito's set, which colour-blind readers tell apart), in
marker and in dashes. matplotlib is imported inside the functions: importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rdk_theory.runs import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:
    Axes = Figure = Any

WIDTH = 3.3
"""Width in inches: one column of a two-column page."""
HEIGHT = 2.4
"""Height in inches of one panel."""
DPI = 200
SUFFIXES = (".svg", ".png")

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
)
_LEGEND_SHARE = 0.84  # of the figure's width: that of a panel without its labels
_INK = "#222222"
_SHADE = "#666666"

_RULES: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the same everywhere
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.facecolor": "white",  # a page in dark mode shows it as a card
    "savefig.facecolor": "white",
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.handletextpad": 0.5,
    "legend.borderpad": 0.1,
    "legend.columnspacing": 1.2,
    "legend.labelspacing": 0.3,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "path",  # glyphs as outlines: no reader lacks the font
    "path.simplify": False,
}


class Channel(NamedTuple):
    """How one series looks: in colour, and without it."""

    colour: str
    marker: str
    dashes: Any


def channel(index: int) -> Channel:
    """The look of series `index`; six differ in every respect, and no figure should need more."""
    if not 0 <= index < len(_COLOURS):
        raise ValueError(f"index must be in range({len(_COLOURS)}), not {index}: split the figure instead")
    return Channel(_COLOURS[index], _MARKERS[index], _DASHES[index])


@contextmanager
def style() -> Iterator[None]:
    """The package's matplotlib settings, and matplotlib's own defaults for the rest, while the context lasts."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RULES)
        yield


def canvas(panels: int = 1, height: float = HEIGHT) -> tuple[Figure, list[Axes]]:
    """An empty figure of one column's width with `panels` axes, one above the other; call it inside `style`.

    Parameters
    ----------
    panels
        Number of axes. Side by side they would be too small on a phone.
    height
        Inches for each panel.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    figure = MatplotlibFigure(figsize=(WIDTH, height * panels), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(panels, 1, squeeze=False)[:, 0])


def grid(panels: int, side: float = 1.35) -> tuple[Figure, list[Axes]]:
    """As `canvas`, with `panels` small square axes of `side` inches two abreast; one alone has the whole width."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    columns = min(2, panels)
    rows = -(-panels // columns)
    figure = MatplotlibFigure(
        figsize=(WIDTH, side * (2.0 if columns == 1 else 1.15) * rows + 0.6), layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for empty in axes[panels:]:
        empty.remove()
    return figure, axes[:panels]


def theory_line(
    axes: Axes, x: Sequence[float], y: Sequence[float], index: int | None = 0, label: str | None = None
) -> None:
    """A line of a closed form or a bound; `index` is that of its series, None for one that belongs to none."""
    look = Channel(_INK, "", ":") if index is None else channel(index)
    axes.plot(x, y, color=look.colour, linestyle=look.dashes, label=label, zorder=2)


def measured(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    index: int = 0,
    label: str | None = None,
) -> None:
    """Points with their intervals from `low` to `high`; no interval where the value is exact up to rounding.

    Parameters
    ----------
    axes
        Where to draw.
    x, y, low, high
        One number a point, ``low ≤ y ≤ high``.
    index
        Which series.
    label
        Its name in the legend.
    """
    look = channel(index)
    bars = None
    if low is not None and high is not None:
        bars = [[b - a for a, b in zip(low, y, strict=True)], [b - a for a, b in zip(y, high, strict=True)]]
        if any(length < 0 for side in bars for length in side):
            raise ValueError(f"low and high of {label or 'a series'} must enclose y")
    axes.errorbar(
        x,
        y,
        yerr=bars,
        fmt=look.marker,
        color=look.colour,
        markerfacecolor="white",
        markeredgewidth=1.0,
        elinewidth=0.9,
        capsize=1.8,
        label=label,
        zorder=3,
    )


def shade_counterexample(
    axes: Axes,
    *,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    label: str | None = None,
) -> None:
    """Hatch the strip ``x`` or ``y`` (in data units) in which the claim of dominance fails."""
    if (x is None) == (y is None):
        raise ValueError("give x or y, and not both: a strip has one direction")
    span, ends = (axes.axvspan, x) if x is not None else (axes.axhspan, y)
    assert ends is not None
    span(*ends, facecolor="none", edgecolor=_SHADE, hatch="////", alpha=0.35, linewidth=0, label=label, zorder=0)


def shade_beyond(axes: Axes, ends: tuple[float, float], *, above: bool, label: str | None = None) -> None:
    """Hatch the side of the diagonal from ``ends[0]`` to ``ends[1]`` that a bound excludes."""
    edge = (ends[1], ends[1]) if above else (ends[0], ends[0])
    axes.fill_between(
        ends,
        ends,
        edge,
        facecolor="none",
        edgecolor=_SHADE,
        hatch="////",
        alpha=0.35,
        linewidth=0,
        label=label,
        zorder=0,
    )


def shade_above(axes: Axes, x: Sequence[float], y: Sequence[float], label: str | None = None) -> None:
    """Hatch what lies above the line through the points, up to the top of the view, which stays as it is."""
    bottom, top = axes.get_ylim()
    axes.fill_between(
        x,
        y,
        [max(top, *y)] * len(y),
        facecolor="none",
        edgecolor=_SHADE,
        hatch="////",
        alpha=0.35,
        linewidth=0,
        label=label,
        zorder=0,
    )
    axes.set_ylim(bottom, top)


def shared_legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend above all panels, for what any of them shows."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(list(entries.values()), list(entries), loc="outside upper left", ncols=2)


def legend(axes: Axes, columns: int = 3) -> None:
    """The legend above a panel, where it hides no data, in as many of `columns` as fit.

    Handles with one label, a line and its points, are drawn as one entry.
    """
    entries: dict[str, list[Any]] = {}
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        entries.setdefault(label, []).append(handle)
    labels = list(entries)
    canvas: Any = axes.figure.canvas
    for count in range(min(columns, len(labels)), 0, -1):
        # Matplotlib fills column by column; people read line by line.
        shown = [label for column in range(count) for label in labels[column::count]]
        grouped: Any = [tuple(entries[label]) for label in shown]
        box = axes.legend(grouped, shown, loc="lower left", bbox_to_anchor=(0, 1.02), borderaxespad=0, ncols=count)
        if box.get_window_extent(canvas.get_renderer()).width <= _LEGEND_SHARE * axes.figure.bbox.width:
            return


def save(figure: Figure, stem: str | Path, title: str | None = None) -> tuple[Path, Path]:
    """Write ``stem.svg`` and ``stem.png``, each under a temporary name and then renamed; equal figures, equal bytes.

    Parameters
    ----------
    figure
        Drawn inside `style`.
    stem
        Path without suffix. Its name also seeds the identifiers in the SVG file, so two figures on one page do not
        clash.
    title
        What a screen reader says of the SVG file.

    Returns
    -------
    The two paths.
    """
    import matplotlib

    stem = Path(stem)
    svg, png = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
    metadata = {"Date": None, "Creator": None} | ({} if title is None else {"Title": title})
    with style():
        matplotlib.rcParams["svg.hashsalt"] = f"rdk-theory {stem.name}"
        with atomic_path(svg) as temporary:
            figure.savefig(temporary, metadata=metadata)
        with atomic_path(png) as temporary:
            figure.savefig(temporary, dpi=DPI, metadata={"Software": None})
    return svg, png
