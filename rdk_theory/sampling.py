"""Draw from weights by inverse CDF; the uniform is an argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, is_exact, is_numpy, namespace
from rdk_theory._types import Ids, Real

LANE = 512
"""Entries of a long row that are summed as one before a draw decides among them."""

LONG = 8 * LANE
"""Length from which a row of numpy floats is drawn from in lanes."""


def inverse_cdf(weights: Real[Array, "*batch N"], uniform: Real[Array, "*batch"]) -> Ids[Array, "*batch"]:
    r"""The first index whose cumulative weight exceeds :math:`u \sum_t w_t`.

    Parameters
    ----------
    weights
        Non-negative, each row with a positive sum; rows need not be normalised.
    uniform
        :math:`u \in [0, 1)`, one per row.

    Raises
    ------
    ValueError
        For a weight that is negative or not finite, a row whose weights are all 0, or a uniform outside [0, 1).

    Notes
    -----
    Sums run in float64 whatever the dtype, and against the sum that was really reached: a float32
    cumulative sum that ends below 1 loses no token. A token of weight zero is never returned, for
    :math:`u = 0` neither.
    """
    validation.non_negative("weights", weights)
    validation.vocabulary_axis("weights", weights)
    empty = namespace(weights).max(weights, axis=-1) <= 0
    if bool(namespace(weights).any(empty)):
        raise validation.row_offence("weights", weights, empty, "has no mass")
    validation.uniform("uniform", uniform, tuple(weights.shape[:-1]))
    validation.same_library("weights and uniform", weights, uniform)
    return search(double(weights), double(uniform))


def search(weights: Array, uniform: Array) -> Array:
    """`inverse_cdf` for callers that have checked: float64 or rational, positive row sums."""
    if is_numpy(weights) and not is_exact(weights) and weights.shape[-1] >= LONG:
        rows = weights.reshape(-1, weights.shape[-1])
        pairs = zip(rows, np.ravel(uniform).tolist(), strict=True)
        found = [find(row.__getitem__, lane_sums(row), u) for row, u in pairs]
        return np.array(found, dtype=np.int64).reshape(weights.shape[:-1])
    return locate(namespace(weights).cumulative_sum(weights, axis=-1), uniform)


def locate(cumulative: Array, uniform: Array) -> Array:
    """`search` where the cumulative sums are at hand, so that several draws from one row share them."""
    xp = namespace(cumulative, uniform)
    total = cumulative[..., -1:]
    threshold = uniform[..., None] * total
    if is_numpy(cumulative) and not is_exact(cumulative) and cumulative.ndim == 1:
        index = np.searchsorted(cumulative, threshold, side="right")[0]
        last = np.searchsorted(cumulative, total, side="left")[0]
        return np.minimum(index, last)
    index = xp.sum(xp.astype(cumulative <= threshold, xp.int64), axis=-1)
    # Rounding can put the threshold on the total itself; the last token with weight is then meant.
    last = xp.sum(xp.astype(cumulative < total, xp.int64), axis=-1)
    return xp.minimum(index, last)


def lane_sums(rows: np.ndarray) -> np.ndarray:
    """Sums of consecutive lanes of `LANE` entries, the last one shorter: ``(…, N)`` to ``(…, ⌈N/LANE⌉)``, float64."""
    *batch, size = rows.shape
    whole = size - size % LANE
    out = np.empty((*batch, -(-size // LANE)))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is for the caller to find
        split = rows[..., :whole].reshape(*batch, whole // LANE, LANE)
        np.add.reduce(split, axis=-1, dtype=np.float64, out=out[..., : whole // LANE])
        if whole < size:
            np.add.reduce(rows[..., whole:], axis=-1, dtype=np.float64, out=out[..., -1])
    return out


def find(entries: Callable[[slice], np.ndarray], lanes: np.ndarray, uniform: float) -> int:
    """`search` in one row of numpy floats whose lanes are summed: running sums over the lanes, and within one of them.

    `entries` gives a part of the row. What an entry is reached with differs from the
    sum over the whole row by rounding only; an entry of weight zero is not found.
    """
    before = np.cumsum(lanes)
    threshold = uniform * before[-1]
    lane = int(first_above(before, threshold))
    if lane:
        threshold -= before[lane - 1]
    first = lane * LANE
    return first + int(first_above(np.cumsum(entries(slice(first, first + LANE)), dtype=np.float64), threshold))


def first_above(cumulative: np.ndarray, threshold: Any) -> Any:
    """The first place whose running sum exceeds the threshold; at most the last that adds to it. Elementwise."""
    place = np.searchsorted(cumulative, threshold, side="right")
    return np.minimum(place, np.searchsorted(cumulative, cumulative[-1], side="left"))
