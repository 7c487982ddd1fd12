"""Rows of a target that are read at a few tokens and drawn from, without a copy of them in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, dtype_name, gather_last, is_exact, is_floating, is_numpy, namespace
from rdk_theory.sampling import LANE, LONG, find, lane_sums, locate

_STRETCH = 32 * LANE
"""Entries of a residual that are formed at a time: 128 KiB, which stay in cache."""


class Targets:
    """A batch of laws, flattened to one axis of rows, and checked.

    Parameters
    ----------
    name, target
        Shape ``(…, N)``. Entries narrower than float64 are taken relative to the sum of their row.

    Notes
    -----
    Long rows of numpy floats are summed once, in lanes. A draw then adds up the lanes of its row and the entries of one
    lane, so that beside the target itself a few kilobytes a row are held. Other arrays are copied in float64.
    """

    def __init__(self, name: str, target: Array) -> None:
        validation.real(name, target)
        validation.vocabulary_axis(name, target)
        self._lanes: np.ndarray | None = None
        if is_numpy(target) and is_floating(target) and target.shape[-1] >= LONG:
            lanes = lane_sums(target)
            sums = lanes.sum(axis=-1)
            validation.unit_sums(name, target, sums)
            if not target.min(initial=0) >= 0:
                validation.non_negative(name, target)
            self._lanes = lanes.reshape(-1, lanes.shape[-1])
            self._total = np.ones(sums.size) if dtype_name(target) == "float64" else sums.reshape(-1)
        else:
            validation.distribution(name, target)
            target = as_law(target)
        self._rows = namespace(target).reshape(target, (-1, target.shape[-1]))

    def at(self, rows: Array, token: Array) -> Array:
        """The probability of one token in each of `rows`."""
        if self._lanes is None:
            return gather_last(self._rows[rows], token) if is_exact(self._rows) else self._rows[rows, token]
        return double(self._rows[rows, token]) / self._total[rows]

    def drawer(self, rows: Array) -> Callable[[Array, Array], Array]:
        """Prepare for draws from `rows`: a function of places in `rows` and uniforms, one token for each place."""
        if self._lanes is None:
            cumulative = namespace(self._rows).cumulative_sum(self._rows[rows], axis=-1)
            return lambda place, uniform: locate(cumulative[place], uniform)

        def draw(place: Array, uniform: Array) -> Array:
            pairs = zip(rows[place].tolist(), uniform.tolist(), strict=True)
            return np.array([self.draw(row, u) for row, u in pairs], dtype=np.int64)

        return draw

    def draw(self, row: int, uniform: float) -> int:
        """One token of a row of numpy floats that is held in lanes."""
        assert self._lanes is not None
        return find(self._rows[row].__getitem__, self._lanes[row], uniform)

    @property
    def in_lanes(self) -> bool:
        """Whether rows are long, and of numpy floats."""
        return self._lanes is not None

    def stretch(self, row: int, part: slice) -> np.ndarray:
        """A part of one row of numpy floats, in float64."""
        return np.divide(self._rows[row, part], self._total[row], dtype=np.float64)

    def laws(self, rows: Array) -> Array:
        """`rows` whole, in float64 or rational."""
        return as_law(self._rows[rows])


def draw_excess(p: Targets, rows: Array, uniform: Array, proposed: Callable[[int, slice], np.ndarray]) -> np.ndarray:
    """Draws from ``(p − r)_+``, or from ``p`` where that is empty, in rows of numpy floats that `p` holds in lanes.

    `proposed` gives a part of ``r`` for a place in `rows`. A row is gone through in stretches that stay in cache, and
    nothing more of its length is made.
    """
    out = np.empty(rows.size, dtype=np.int64)
    size = p._rows.shape[1]
    for at, (row, u) in enumerate(zip(rows.tolist(), uniform.tolist(), strict=True)):

        def excess(part: slice, at: int = at, row: int = row) -> np.ndarray:
            difference = p.stretch(row, part)
            difference -= proposed(at, part)
            return np.maximum(difference, 0, out=difference)

        parts = [slice(start, min(start + _STRETCH, size)) for start in range(0, size, _STRETCH)]
        lanes = np.concatenate([lane_sums(excess(part)) for part in parts])
        out[at] = find(excess, lanes, u) if lanes.max() > 0 else p.draw(row, u)
    return out


def as_law(rows: Array) -> Array:
    """The laws that rows stand for: float64 and rationals as they are, narrower entries divided by their sum."""
    wide = double(rows)
    if is_exact(rows) or dtype_name(rows) == "float64":
        return wide
    return wide / namespace(wide).sum(wide, axis=-1, keepdims=True)
