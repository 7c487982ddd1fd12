"""The best weight of a mixture over arrays too large to sort: exact, in two passes over blocks of contexts.

Same problem as `rdk_theory.mixing`: `f(θ) = E α(p, (1−θ) q' + θ r)` is concave and piecewise linear, with a kink where
a mixture crosses the target. A first pass sums the kinks by cell of a grid on [0, 1], which gives the value and slope
of `f` at every edge exactly; a second collects the kinks of the two cells that matter and sorts these alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

import numpy as np

from rdk_theory._types import Real
from rdk_theory.mixing import Mixing

Block: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
"""``p``, ``q'`` and ``r`` over the target vocabulary in some contexts, floats of one width; ``r`` may be one row."""

CELLS = 1024
"""Cells of the grid: a power of two, so that scaling a kink to its cell is exact."""

LEVEL = 16
"""A slope, for each context, of this many units in the last place of 1 is level: what is left of 0 after rounding."""


def best_weight(blocks: Callable[[], Iterable[Block]]) -> Mixing:
    r"""Maximise :math:`f(\theta) = \mathrm E\,\alpha(p, (1-\theta) q' + \theta r)` over :math:`\theta \in [0, 1]`.

    Parameters
    ----------
    blocks
        Called twice; each time it gives all contexts, some at a time. The rows are distributions: this is not checked.

    Returns
    -------
    Mixing
        As `rdk_theory.mixing.optimal_mixing` gives it. Kinks have the precision of the blocks, sums that of float64.
    """
    contexts, start, slope, unit = 0, 0.0, 0.0, 0.0
    falls, gaps = np.zeros((2, CELLS))
    for block in blocks():
        unit = LEVEL * float(np.finfo(block[0].dtype).eps)
        pieces = _pieces(*block)
        cells = _cells(pieces.kinks)
        falls += np.bincount(cells, pieces.falls, CELLS)
        gaps += np.bincount(cells, pieces.gaps, CELLS)
        slope += float(pieces.slope.sum())
        start += float(np.minimum(block[0], block[1]).sum(dtype=np.float64))
        contexts += block[0].shape[0]
    edges = np.arange(CELLS + 1) / CELLS
    before = np.concatenate([[0.0], np.cumsum(falls)])
    slopes = slope - before
    # f(e) = f(0) + slope·e − Σ fall·(e − kink) over the kinks below e, and fall·kink is the gap p − q'.
    values = start + slope * edges - (before * edges - np.concatenate([[0.0], np.cumsum(gaps)]))
    level = unit * contexts
    top = _first(slopes[1:] <= level, CELLS - 1)
    back = np.flatnonzero(values[top + 1 :] < start)
    last = top + int(back[0]) if back.size else None
    found = _collect(blocks, {top} if last is None else {top, last})
    places, corners, sides = _path(edges[top : top + 2], slopes[top], values[top], *found[top])
    turn = _first(sides <= level, len(sides))
    safe = 1.0 if last is None else _return(edges[last : last + 2], slopes[last], values[last], start, *found[last])
    return Mixing(
        weight=float(places[turn]),
        acceptance=max(float(corners[turn]), start) / contexts,
        baseline=start / contexts,
        slope=slope / contexts,
        safe_weight=max(safe, float(places[turn])),
    )


def best_weights(
    p: Real[np.ndarray, "C N"], q: Real[np.ndarray, "C N"], r: Real[np.ndarray, "..."]
) -> Real[np.ndarray, "C"]:
    r"""The best weight of each context for itself: :math:`\arg\max_\theta \alpha(p, (1-\theta) q' + \theta r)`.

    Parameters
    ----------
    p, q, r
        As in a `Block`: distributions, which is not checked.

    Returns
    -------
    The smallest maximiser in each context, float64. No rule that sees only the draft can do better with this `r`.
    """
    pieces = _pieces(p, q, r)
    contexts, cells = p.shape[0], 256
    # Kinks crowd at 0, where a prior meets tokens that this context rules out; the root spreads them over the cells.
    cell = np.minimum((np.sqrt(pieces.kinks) * cells).astype(np.int64), cells - 1)
    falls = np.bincount(pieces.rows * cells + cell, pieces.falls, contexts * cells).reshape(contexts, cells)
    after = pieces.slope[:, None] - np.cumsum(falls, axis=1)
    level = LEVEL * float(np.finfo(p.dtype).eps)
    turns = after <= level
    top = np.where(turns.any(axis=1), np.argmax(turns, axis=1), cells)
    mine = np.flatnonzero(cell == top[pieces.rows])
    rows, kinks, drops = pieces.rows[mine], pieces.kinks[mine], pieces.falls[mine]
    order = np.lexsort((kinks, rows))
    rows, kinks, drops = rows[order], kinks[order], drops[order]
    entry = pieces.slope - np.where(top > 0, np.cumsum(falls, axis=1)[np.arange(contexts), np.maximum(top, 1) - 1], 0)
    total = np.cumsum(drops, dtype=np.float64)
    begin = np.searchsorted(rows, np.arange(contexts))
    offset = np.concatenate([[0.0], total])[begin]
    left = entry[rows] - (total - offset[rows])
    weights = np.ones(contexts)
    # The last kink of the cell is the one meant where another order of adding leaves a little slope after it.
    ends = np.append(rows[1:] != rows[:-1], True) if rows.size else np.zeros(0, dtype=bool)
    turning = np.flatnonzero((left <= level) | ends)[::-1]
    weights[rows[turning]] = kinks[turning]
    return np.where(pieces.slope > level, weights, 0.0)


class _Pieces(NamedTuple):
    """The kinks in (0, 1) of a block, and the slope of each context right of 0."""

    rows: np.ndarray
    """Context of each kink."""
    kinks: np.ndarray
    falls: np.ndarray
    """By how much the slope falls there, ``|r − q'|``."""
    gaps: np.ndarray
    """``|p − q'|``, which is the kink times the fall."""
    slope: np.ndarray


def _pieces(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> _Pieces:
    difference, gap = r - q, p - q
    # A term has slope r − q' where the mixture is below p: right of 0 where q' < p, or q' = p and it falls.
    active = (gap > 0) | ((gap == 0) & (difference < 0))
    slope = np.einsum("ij,ij->i", difference, active, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        kinks = np.divide(gap, difference)
    crosses = np.flatnonzero((kinks > 0) & (kinks < 1))
    kinks, falls, gaps = (x.ravel()[crosses] for x in (kinks, difference, gap))
    return _Pieces(crosses // p.shape[1], kinks, np.abs(falls), np.abs(gaps), slope)


def _cells(kinks: np.ndarray) -> np.ndarray:
    return (kinks * CELLS).astype(np.int64)


def _collect(blocks: Callable[[], Iterable[Block]], wanted: set[int]) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Kinks of some cells in ascending order, and the falls of slope at them."""
    parts: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {cell: [] for cell in wanted}
    for block in blocks():
        pieces = _pieces(*block)
        cells = _cells(pieces.kinks)
        for cell, found in parts.items():
            inside = np.flatnonzero(cells == cell)
            found.append((pieces.kinks[inside], pieces.falls[inside]))
    out = {}
    for cell, found in parts.items():
        kinks, falls = (np.concatenate(part).astype(np.float64) for part in zip(*found, strict=True))
        order = np.argsort(kinks, kind="stable")
        out[cell] = kinks[order], falls[order]
    return out


def _path(
    edges: np.ndarray, slope: float, value: float, kinks: np.ndarray, falls: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners of the polygon in one cell: places, values, and the slope right of each."""
    places = np.concatenate([edges[:1], kinks, edges[1:]])
    slopes = slope - np.concatenate([[0.0], np.cumsum(falls)])
    values = value + np.concatenate([[0.0], np.cumsum(slopes * np.diff(places))])
    return places, values, slopes


def _first(flags: np.ndarray, otherwise: int) -> int:
    """Index of the first true flag."""
    return int(np.argmax(flags)) if flags.any() else otherwise


def _return(edges: np.ndarray, slope: float, value: float, start: float, kinks: np.ndarray, falls: np.ndarray) -> float:
    """Where the polygon, having risen, falls below its start."""
    places, values, slopes = _path(edges, slope, value, kinks, falls)
    top = int(np.argmax(values))
    below = np.flatnonzero(values[top:] < start)
    if not below.size:
        return float(places[-1])
    last = top + max(int(below[0]) - 1, 0)
    return float(places[last] + (values[last] - start) / -slopes[last]) if slopes[last] < 0 else float(places[last])
