"""Acceptance of a proposal by a target: the rate, its complement, the residual, the gain over another proposal."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from rdk_theory import _rows, validation
from rdk_theory._array import Array, cast_like, index_like, is_exact, is_numpy, namespace, widen
from rdk_theory._types import Real
from rdk_theory.distributions import kept_mass
from rdk_theory.vocabulary import Vocabulary


def _pair(target: Array, proposal: Array, name: str = "proposal") -> None:
    """Both are rows over one vocabulary, of the same shape and library; their values are not read."""
    validation.real("target", target)
    validation.real(name, proposal)
    validation.same_library(f"target and {name}", target, proposal)
    validation.vocabulary_axis("target", target)
    validation.same_shape(name, proposal, tuple(target.shape))


def acceptance_rate(target: Real[Array, "*batch N"], proposal: Real[Array, "*batch N"]) -> Real[Array, "*batch"]:
    r"""Acceptance rate :math:`\alpha(p, r) = \sum_t \min(p_t, r_t) = 1 - \mathrm{TV}(p, r)`.

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
    The probability that rejection sampling (Leviathan et al. 2211.17192, Chen et al. 2302.01318)
    accepts a token drawn from :math:`r`; no lossless verifier of one draft accepts more often
    (claim ``maximal-coupling``).
    """
    _pair(target, proposal)
    if _streams(target, proposal):
        return _acceptance_by_rows(target, proposal)
    validation.distribution("target", target)
    validation.distribution("proposal", proposal)
    xp = namespace(target, proposal)
    return _at_most_one(xp.sum(xp.minimum(widen(target), widen(proposal)), axis=-1))


def _at_most_one(rates: Array) -> Array:
    """Rows may sum to a rounding more than 1; a rate that is handed on as a probability may not."""
    return rates if isinstance(rates, Fraction) or is_exact(rates) else namespace(rates).clip(rates, max=1)


def _streams(target: Array, proposal: Array) -> bool:
    """Large contiguous numpy floats, for which one pass in cache does the checks and the sum together."""
    return (
        is_numpy(target)
        and target.dtype == proposal.dtype
        and target.dtype in (np.float32, np.float64)
        and target.size >= 1 << 16
        and target.flags.c_contiguous
        and proposal.flags.c_contiguous
    )


def _acceptance_by_rows(target: np.ndarray, proposal: np.ndarray) -> np.ndarray:
    """Validation and Σ min fused: every row of both arrays is read from memory once.

    min(p, r) is non-negative iff both are, and NaN passes through it, so its minimum and the two row
    sums check everything that `validation.distribution` checks.
    """
    size = target.shape[-1]
    p, r = target.reshape(-1, size), proposal.reshape(-1, size)
    rows = p.shape[0]
    length = _rows.block_length(size, 1 << 19)
    common_sum, target_sum, proposal_sum = (_rows.Sums(rows, size, p.dtype) for _ in range(3))
    lowest = np.empty(rows, dtype=p.dtype)

    def make() -> Callable[[int, int], None]:
        buffer = np.empty((min(length, rows), size), dtype=p.dtype)

        def work(start: int, stop: int) -> None:
            # Sums first: they stream from memory faster than the minimum does, which then finds both rows in cache.
            target_sum.add(start, p[start:stop])
            proposal_sum.add(start, r[start:stop])
            common = np.minimum(p[start:stop], r[start:stop], out=buffer[: stop - start])
            common_sum.add(start, common)
            lowest[start:stop] = common.min()

        return work

    _rows.for_blocks(rows, length, size, make)
    batch = target.shape[:-1]
    validation.unit_sums("target", target, target_sum.total().reshape(batch))
    validation.unit_sums("proposal", proposal, proposal_sum.total().reshape(batch))
    if not (lowest >= 0).all():
        validation.distribution("target", target)
        validation.distribution("proposal", proposal)
    return np.asarray(_at_most_one(common_sum.total().reshape(batch)))


def total_variation(target: Real[Array, "*batch N"], proposal: Real[Array, "*batch N"]) -> Real[Array, "*batch"]:
    r"""Total variation :math:`\mathrm{TV}(p, r) = \tfrac12 \sum_t |p_t - r_t|`, one per row; in [0, 1]."""
    _pair(target, proposal)
    validation.distribution("target", target)
    validation.distribution("proposal", proposal)
    xp = namespace(target, proposal)
    return xp.sum(xp.abs(widen(target) - widen(proposal)), axis=-1) / 2


def union_acceptance(
    target: Real[Array, "*batch N"], full_draft: Real[Array, "*batch D"], vocab: Vocabulary
) -> Real[Array, "*batch"]:
    r"""Acceptance of the union ("vanilla") sampler, :math:`\sum_{t \in I} \min(p_t, q_t)`.

    The token is drafted from the drafter's whole vocabulary; one that the target lacks is rejected.
    With a pruned drafter, `full_draft` is the law before pruning.
    """
    validation.distribution("target", target, vocab.size)
    validation.real("full_draft", full_draft)
    validation.same_library("target and full_draft", target, full_draft)
    kept_mass(full_draft, vocab)
    validation.same_shape("full_draft", full_draft, (*target.shape[:-1], vocab.draft_size))
    xp = namespace(target, full_draft)
    p = xp.take(target, index_like(vocab.kept, target), axis=-1)
    q = xp.take(full_draft, index_like(vocab.draft_ids, full_draft), axis=-1)
    return _at_most_one(xp.sum(xp.minimum(widen(p), widen(q)), axis=-1))


def residual(target: Real[Array, "*batch N"], proposal: Real[Array, "*batch N"]) -> Real[Array, "*batch N"]:
    r"""Residual law :math:`(p - r)_+ / \lVert (p - r)_+ \rVert_1`, from which a rejected token is replaced.

    Raises
    ------
    ValueError
        Where target and proposal are equal: nothing is rejected there and no residual exists.
    """
    _pair(target, proposal)
    validation.distribution("target", target)
    validation.distribution("proposal", proposal)
    xp = namespace(target, proposal)
    weights = residual_weights(target, proposal)
    mass = xp.sum(weights, axis=-1, keepdims=True)
    if bool(xp.any(mass <= 0)):
        raise validation.row_offence("proposal", proposal, mass[..., 0] <= 0, "equals target: there is no residual")
    return cast_like(weights / mass, target)


def residual_weights(target: Array, proposal: Array) -> Array:
    """``(p − r)_+``, not normalised and not checked, in float32 or wider."""
    xp = namespace(target, proposal)
    difference = widen(target) - widen(proposal)
    return xp.where(difference > 0, difference, difference - difference)


def acceptance_gain(
    target: Real[Array, "*batch N"], proposal: Real[Array, "*batch N"], baseline: Real[Array, "*batch N"]
) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"]]:
    r"""The two sides of the gain of proposal :math:`\tilde p` over baseline :math:`q'`.

    Returns
    -------
    won, lost
        :math:`\sum_{p>q'} [\min(p, \tilde p) - q']` and :math:`\sum_{p \le q'} (p - \tilde p)_+`; the gain
        :math:`\alpha(p, \tilde p) - \alpha(p, q')` is their difference (claim ``gain-identity``). `won` is
        negative where the proposal took more from under-covered tokens than it gave to others.
    """
    _pair(target, proposal)
    _pair(target, baseline, "baseline")
    validation.distribution("target", target)
    validation.distribution("proposal", proposal)
    validation.distribution("baseline", baseline)
    xp = namespace(target, proposal, baseline)
    p, r, q = widen(target), widen(proposal), widen(baseline)
    under = p > q
    nothing = p - p
    won = xp.sum(xp.where(under, xp.minimum(p, r) - q, nothing), axis=-1)
    lost = xp.sum(xp.where(under, nothing, residual_weights(p, r)), axis=-1)
    return won, lost
