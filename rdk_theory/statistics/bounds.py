"""Lower confidence bounds on a mean that hold for every sample size."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from rdk_theory._types import Real
from rdk_theory.statistics import _checks


def empirical_bernstein(values: Real[np.ndarray, "n"], level: float, low: float = 0.0, high: float = 1.0) -> float:
    r"""Lower bound on the mean of independent, identically distributed values in a known range.

    Parameters
    ----------
    values
        :math:`X_1, …, X_n`, :math:`n \ge 2`, i.i.d. and in ``[low, high]``.
    level
        :math:`1 - \delta`: the bound is at most the true mean with at least this probability.
    low, high
        The range, known beforehand and not read off the values.

    Returns
    -------
    .. math:: \bar X - \sqrt{\frac{2 V \ln(2/\delta)}{n}} - \frac{7\,(high - low) \ln(2/\delta)}{3 (n - 1)}

    with :math:`V` the unbiased sample variance; never less than `low`, which bounds the mean anyway.

    Raises
    ------
    ValueError
        For fewer than two values, one outside the range, or a level outside (0, 1).

    Notes
    -----
    Theorem 4 of Maurer & Pontil 2009 (0907.3740), for the range [0, 1], applied to
    :math:`(high - X)/(high - low)`.
    """
    _checks.level("level", level)
    x = _checks.host_values("values", values)
    if x.ndim != 1 or x.size < 2:
        raise ValueError(f"values of shape {x.shape} must be one-dimensional with at least two entries")
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"low ({low}) must be below high ({high}), both finite")
    outside = np.flatnonzero((x < low) | (x > high))
    if outside.size:
        at = int(outside[0])
        raise ValueError(f"values of shape {x.shape} leaves [{low}, {high}] at index ({at},): {x[at]}")
    log = math.log(2 / (1 - level))
    slack = math.sqrt(2 * float(x.var(ddof=1)) * log / x.size) + 7 * (high - low) * log / (3 * (x.size - 1))
    return max(low, float(x.mean()) - slack)


class HoldoutBound(NamedTuple):
    """Outcome of `holdout_bound`."""

    mean: float
    """Mean over documents of the document's mean gain: the estimate that is bounded."""
    lower: float
    """With probability at least ``1 − delta`` the expectation of `mean` is no less."""
    documents: int
    """Number of independent units."""


def holdout_bound(
    gains: Real[np.ndarray, "contexts"], documents: Any, delta: float, largest: float = 1.0
) -> HoldoutBound:
    r"""Lower bound on the gain in acceptance of a kernel that was fitted on other documents.

    Parameters
    ----------
    gains
        :math:`d_c = \alpha(p_c, q'_c M) - \alpha(p_c, q'_c)`, one for each context.
    documents
        Integer ids, shape ``(contexts,)``: which document each context came from.
    delta
        Probability with which the bound may fail.
    largest
        A bound on :math:`|d_c|` known from the kernel alone, in (0, 1]: by claim ``lipschitz``
        :math:`|d_c| \le \mathrm{TV}(q'M, q') \le \max_i (1 - M_{ii})`, for a mixture its weight. The smaller it is, the
        fewer documents certify a gain.

    Returns
    -------
    HoldoutBound
        The bound is on :math:`\mu = \mathrm E_d [\bar d_d]`: draw a document, then average the gain over its
        contexts; :math:`\mu` is the expectation of that average. Long and short documents count alike. It is not the
        gain of a context drawn from the pool of all contexts, in which long documents weigh more; where documents
        have equal numbers of contexts the two are equal.

    Raises
    ------
    ValueError
        For gains outside [−largest, largest], `largest` outside (0, 1], or fewer than two documents.

    Notes
    -----
    `empirical_bernstein` on the documents' means, which are independent where the documents are drawn independently
    and none took part in fitting (claim ``holdout-dominance``). Contexts within one document may depend on each
    other in any way.
    """
    _checks.level("delta", delta)
    x = _checks.host_values("gains", gains)
    if x.ndim != 1:
        raise ValueError(f"gains of shape {x.shape} must be one-dimensional")
    if isinstance(largest, bool) or not 0 < largest <= 1:
        raise ValueError(f"largest must be in (0, 1], not {largest!r}")
    outside = np.flatnonzero(np.abs(x) > largest)
    if outside.size:
        at = int(outside[0])
        raise ValueError(f"gains of shape {x.shape} leaves [-{largest:g}, {largest:g}] at index ({at},): {x[at]}")
    place, sizes = _checks.by_document(documents, x.size)
    means = np.clip(_checks.document_sums(x[:, None], place, sizes.size)[:, 0] / sizes, -largest, largest)
    lower = empirical_bernstein(means, 1 - delta, -largest, largest)
    return HoldoutBound(float(means.mean()), lower, int(sizes.size))
