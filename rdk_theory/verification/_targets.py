"""Rows of a target that are read at a few tokens and drawn from, without a copy of them in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, dtype_name, gather_last, is_exact, is_floating, is_numpy, namespace
from rdk_theory.sampling import LONG, find, lane_sums, locate
from rdk_theory.verification.token import as_law


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
        held, lanes = self._rows, self._lanes

        def draw(place: Array, uniform: Array) -> Array:
            pairs = zip(rows[place], uniform, strict=True)
            return np.fromiter((find(held[row], lanes[row], u) for row, u in pairs), np.int64, place.size)

        return draw

    def laws(self, rows: Array) -> Array:
        """`rows` whole, in float64 or rational."""
        return as_law(self._rows[rows])
