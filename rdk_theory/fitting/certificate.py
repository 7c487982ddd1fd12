"""An upper bound on what any context-free kernel can accept, from one number for each context and token."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, is_exact, to_numpy
from rdk_theory._rows import block_length
from rdk_theory._types import Real

_BLOCK = 1 << 22
"""Entries of an array that are widened at a time (32 MiB)."""


def upper_bound(targets: Real[Array, "C N"], drafts: Real[Array, "C K"], duals: Real[Array, "C N"]) -> Any:
    r"""Bound on mean acceptance over **all** kernels.

    .. math::
        \max_M \mathrm E\,\alpha(p, q'M) \le \mathrm E\Big[\sum_t (1-s_t)\,p_t\Big] + \sum_i \max_j \mathrm E[q'_i s_j]

    Parameters
    ----------
    targets
        :math:`p`, one row a context; :math:`\mathrm E` is the mean over the rows.
    drafts
        :math:`q'`, restricted to the kept tokens.
    duals
        :math:`s \in [0, 1]`: what one more unit of proposal is worth at each token. Any values give a bound; those of
        an optimal kernel give its value.

    Returns
    -------
    The bound: a float, or a `Fraction` for rationals.

    Raises
    ------
    ValueError
        If rows are no distributions, numbers of contexts differ, or an entry of `duals` leaves [0, 1].

    Notes
    -----
    :math:`\min(p, r) \le (1-s)\,p + s\,r` for :math:`s \in [0,1]`. So :math:`\mathrm E\,\alpha` is at most
    :math:`\mathrm E[(1-s) \cdot p] + \sum_{ij} M_{ij}\, \mathrm E[q'_i s_j]`, and row `i` of `M` is a distribution over
    `j` (claim ``optimal-kernel``). No solver is trusted: products and sums run in float64, whatever the dtype.
    """
    check_contexts(targets, drafts)
    validation.real("duals", duals)
    validation.same_shape("duals", duals, tuple(targets.shape))
    validation.same_library("targets, drafts and duals", targets, drafts, duals)
    validation.probability("duals", duals)
    p, q, s = (to_numpy(x) for x in (targets, drafts, duals))
    if is_exact(p):
        return (((1 - s) * p).sum() + (q.T @ s).max(axis=-1).sum()) / p.shape[0]
    wide = q.astype(np.float64).T
    best = np.full(q.shape[1], -np.inf)
    unpriced = 0.0
    step = block_length(max(q.shape), _BLOCK)
    for start in range(0, p.shape[1], step):
        part = s[:, start : start + step].astype(np.float64)
        np.maximum(best, (wide @ part).max(axis=1), out=best)
        unpriced += float(np.einsum("ij,ij->", 1 - part, p[:, start : start + step], dtype=np.float64))
    return (unpriced + float(best.sum())) / p.shape[0]


def check_contexts(targets: Any, drafts: Any) -> None:
    """Raise unless both are distributions, one row for each of the same contexts."""
    validation.distribution("targets", targets)
    validation.distribution("drafts", drafts, what="the kept set")
    for name, rows in (("targets", targets), ("drafts", drafts)):
        if rows.ndim != 2:
            raise ValueError(f"{name} of shape {tuple(rows.shape)} must have two axes, contexts and tokens")
    if not targets.shape[0]:
        raise ValueError(f"targets of shape {tuple(targets.shape)} holds no context")
    if drafts.shape[0] != targets.shape[0]:
        raise ValueError(
            f"drafts has shape {tuple(drafts.shape)}, expected {targets.shape[0]} rows, one for each context"
        )
    validation.same_library("targets and drafts", targets, drafts)
