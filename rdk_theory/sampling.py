"""Draw from weights by inverse CDF; the uniform is an argument."""

from __future__ import annotations

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, is_exact, is_numpy, namespace
from rdk_theory._types import Ids, Real


def inverse_cdf(weights: Real[Array, "*batch N"], uniform: Real[Array, "*batch"]) -> Ids[Array, "*batch"]:
    r"""The first index whose cumulative weight exceeds :math:`u \sum_t w_t`.

    Parameters
    ----------
    weights
        Non-negative, each row with a positive sum; rows need not be normalised.
    uniform
        :math:`u \in [0, 1)`, one per row.

    Notes
    -----
    Sums run in float64 whatever the dtype, and against the sum that was really reached: a float32
    cumulative sum that ends below 1 loses no token. A token of weight zero is never returned, for
    :math:`u = 0` neither.
    """
    validation.real("weights", weights)
    validation.vocabulary_axis("weights", weights)
    validation.uniform("uniform", uniform, tuple(weights.shape[:-1]))
    return search(double(weights), double(uniform))


def search(weights: Array, uniform: Array) -> Array:
    """`inverse_cdf` for callers that have checked: float64 or rational, positive row sums."""
    xp = namespace(weights, uniform)
    cumulative = xp.cumulative_sum(weights, axis=-1)
    total = cumulative[..., -1:]
    threshold = uniform[..., None] * total
    if is_numpy(weights) and not is_exact(weights) and weights.ndim == 1:
        index = np.searchsorted(cumulative, threshold, side="right")[0]
        last = np.searchsorted(cumulative, total, side="left")[0]
        return np.minimum(index, last)
    index = xp.sum(xp.astype(cumulative <= threshold, xp.int64), axis=-1)
    # Rounding can put the threshold on the total itself; the last token with weight is then meant.
    last = xp.sum(xp.astype(cumulative < total, xp.int64), axis=-1)
    return xp.minimum(index, last)
