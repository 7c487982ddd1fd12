"""Acceptance of other ways to draft and to test than a sampled token with the ratio test."""

from __future__ import annotations

from rdk_theory import validation
from rdk_theory._array import Array, gather_last, namespace, widen
from rdk_theory._types import Real


def exact_match_rate(target: Real[Array, "*batch N"], proposal: Real[Array, "*batch N"]) -> Real[Array, "*batch"]:
    r"""Acceptance of a sampled draft that is compared with an independent sample of the target, :math:`\sum_t p_t r_t`.

    Parameters
    ----------
    target, proposal
        :math:`p` and :math:`r`: distributions over the target vocabulary, same shape, numpy or torch.

    Returns
    -------
    One rate per row. 16-bit inputs are summed in float32 and give float32.

    Raises
    ------
    ValueError
        If either is not a distribution, or the shapes or libraries differ.

    Notes
    -----
    Never above `acceptance_rate`; equal to it iff one of the laws is a point mass or their supports are
    disjoint (claim ``draft-modes``).
    """
    _check(target, proposal)
    return namespace(target, proposal).sum(widen(target) * widen(proposal), axis=-1)


def argmax_rate(target: Real[Array, "*batch N"], proposal: Real[Array, "*batch N"]) -> Real[Array, "*batch"]:
    r"""Acceptance of the draft's most probable token, :math:`p(\arg\max r)`.

    Parameters, errors and widths are those of `exact_match_rate`; of several maxima the first counts.

    Notes
    -----
    The ratio test and the comparison with a target sample accept equally often here: the draft's law is a
    point mass. Within :math:`1 - \max r` of `acceptance_rate`, on either side (claim ``draft-modes``).
    """
    _check(target, proposal)
    xp = namespace(target, proposal)
    return gather_last(widen(target), xp.argmax(proposal, axis=-1))


def _check(target: Array, proposal: Array) -> None:
    """Two rows of distributions over one vocabulary, of the same shape and library."""
    validation.distribution("target", target)
    validation.distribution("proposal", proposal)
    validation.same_library("target and proposal", target, proposal)
    validation.same_shape("proposal", proposal, tuple(target.shape))
