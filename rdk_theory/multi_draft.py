"""The best acceptance of several drafts that are drawn independently from one proposal."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, gather_axis, namespace
from rdk_theory._types import Real


def multi_draft_acceptance(
    target: Real[Array, "*batch N"], proposal: Real[Array, "*batch N"], drafts: int
) -> Real[Array, "*batch"]:
    r"""Largest acceptance of :math:`n` i.i.d. drafts, :math:`\alpha^*_n = 1 + \min_{H \subseteq T} [p(H) - r(H)^n]`.

    A verifier sees :math:`X_1, …, X_n \sim r`, emits :math:`Y \sim p` and accepts if :math:`Y` is among them;
    :math:`\alpha^*_n` is the largest :math:`P[Y \in \{X_1, …, X_n\}]`.

    Parameters
    ----------
    target, proposal
        :math:`p` and :math:`r`: distributions over the target vocabulary, same shape, numpy or torch.
    drafts
        :math:`n \ge 1`. One draft gives `acceptance_rate`.

    Returns
    -------
    One rate per row, in float64 (rationals stay rational). An error :math:`\varepsilon` in the sum of a proposal
    row shows as :math:`n \varepsilon`.

    Raises
    ------
    ValueError
        If either is not a distribution, the shapes or libraries differ, or `drafts` is not a positive integer.

    Notes
    -----
    :math:`x \mapsto x^n` is convex, so that a minimiser is :math:`\{t : p_t < \lambda r_t\}` for some
    :math:`\lambda`: one sort by :math:`p/r` and one scan find it, :math:`O(N \log N)` instead of :math:`2^N`
    sets. The transport problem is that of Sun et al. 2310.15141; the claim is ``support-ceiling``.
    """
    validation.distribution("target", target)
    validation.distribution("proposal", proposal)
    validation.same_library("target and proposal", target, proposal)
    validation.same_shape("proposal", proposal, tuple(target.shape))
    draft_count(drafts)
    p, r = double(target), double(proposal)
    xp = namespace(p, r)
    both = p + r
    # Orders as p/r does, without a division by zero where the proposal has no mass.
    share = p / xp.where(both > 0, both, both + 1)
    order = xp.argsort(share, axis=-1)
    inside_target = xp.cumulative_sum(gather_axis(p, order, axis=-1), axis=-1)
    inside_proposal = xp.cumulative_sum(gather_axis(r, order, axis=-1), axis=-1)
    values = inside_target - inside_proposal**drafts
    nothing = values[..., :1] - values[..., :1]
    return xp.min(xp.concat([nothing, values], axis=-1), axis=-1) + 1


def draft_count(drafts: Any) -> None:
    """Raise unless `drafts` is a positive integer."""
    if isinstance(drafts, bool) or not isinstance(drafts, int | np.integer) or drafts < 1:
        raise ValueError(f"drafts must be a positive integer, not {drafts!r}")
