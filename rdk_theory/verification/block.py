"""Verify a chain as a block: accept a longer prefix, in expectation, than token by token."""

from __future__ import annotations

from rdk_theory._array import Array, add_axis, double, gather_last, namespace
from rdk_theory._types import Ids, Real
from rdk_theory.sampling import search
from rdk_theory.verification.chain import Verified, at_step, check_chain, emit, with_empty_last


def verify_block(
    targets: Real[Array, "*batch gamma_plus_1 N"],
    proposals: Real[Array, "*batch gamma N"],
    drafted: Ids[Array, "*batch gamma"],
    accept_uniforms: Real[Array, "*batch gamma"],
    residual_uniform: Real[Array, "*batch"],
    bonus_uniform: Real[Array, "*batch"],
) -> Verified:
    r"""Block verification of a drafted chain (Sun et al. 2403.10444).

    With :math:`w_0 = 1`, :math:`w_i = \min(1, w_{i-1}\, p(x_i)/r(x_i))` and
    :math:`R_i = \sum_t (w_i\, p(t \mid x_{\le i}) - r(t \mid x_{\le i}))_+`, prefix :math:`i` passes with probability
    :math:`h_i = R_i / (R_i + 1 - w_i)` for :math:`i < \gamma` and :math:`h_\gamma = w_\gamma`. The longest prefix
    that passes is accepted; the next token is drawn from
    :math:`(w_i p - r)_+`, normalised, or from :math:`p` after the whole chain.

    Parameters, shapes, result and errors are those of `verify_chain`.

    Notes
    -----
    Lossless, and no fewer tokens are accepted in expectation than by `verify_chain` (claim
    ``block-verification``). ``R = 0`` with ``w = 1`` leaves nothing to be drawn: that prefix then always
    passes, as the limit of the formula.
    """
    check_chain(targets, proposals, drafted, accept_uniforms, residual_uniform, bonus_uniform)
    p, r, uniforms = double(targets), double(proposals), double(accept_uniforms)
    xp = namespace(p, r)
    gamma = drafted.shape[-1]
    ratio = gather_last(p[..., :-1, :], drafted) / gather_last(r, drafted)
    weight = ratio[..., 0] * 0 + 1
    weights = [weight]
    accepted = xp.astype(drafted[..., 0] * 0, xp.int64)
    for i in range(1, gamma + 1):
        weight = xp.minimum(weight * ratio[..., i - 1], weight * 0 + 1)
        weights.append(weight)
        passed = _passes(p, r, weight, uniforms[..., i - 1], i, gamma)
        accepted = xp.where(passed, accepted * 0 + i, accepted)
    reached = gather_last(xp.stack(weights, axis=-1), accepted)
    law, proposal = at_step(p, accepted), at_step(with_empty_last(r), accepted)
    finished = accepted == gamma
    difference = add_axis(reached) * law - proposal
    residual = xp.where(difference > 0, difference, difference * 0)
    empty = xp.sum(residual, axis=-1, keepdims=True) <= 0
    chosen = xp.where(finished[..., None] | empty, law, residual)
    uniform = xp.where(finished, double(bonus_uniform), double(residual_uniform))
    return emit(drafted, accepted, search(chosen, uniform))


def _passes(p: Array, r: Array, weight: Array, uniform: Array, i: int, gamma: int) -> Array:
    """Whether prefix `i` passes: ``u (R + 1 − w) < R``, or ``u < w`` for the whole chain."""
    if i == gamma:
        return uniform < weight
    xp = namespace(p, r)
    difference = add_axis(weight) * p[..., i, :] - r[..., i, :]
    mass = xp.sum(xp.where(difference > 0, difference, difference * 0), axis=-1)
    certain = weight >= 1
    return certain | (uniform * (mass + 1 - weight) < mass)
