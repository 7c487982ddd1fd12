"""A lower confidence bound on the gain of a fitted kernel, from documents that took no part in fitting."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rdk_theory._types import Real
from rdk_theory.statistics import _checks
from rdk_theory.statistics.betting import betting_bound


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
    `betting_bound` on the documents' means, which are independent and identically distributed where the documents are
    drawn so and none took part in fitting (claim ``holdout-dominance``). Contexts within one document may depend on
    each other in any way. Only the worst loss, ``-largest``, enters.
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
    means = _checks.document_sums(x[:, None], place, sizes.size)[:, 0] / sizes
    # Lowered by what rounding can have added, so that the bound is one on the exact means.
    rounded = means - np.finfo(np.float64).eps * sizes * largest
    lower = betting_bound(np.maximum(rounded, -largest), delta, -largest)
    return HoldoutBound(float(means.mean()), lower, int(sizes.size))
