"""Verify a chain as a block: accept a longer prefix, in expectation, than token by token."""

from __future__ import annotations

from rdk_theory._array import Array, add_axis, double, gather_last, namespace
from rdk_theory._types import Ids, Real
from rdk_theory.acceptance import residual_weights
from rdk_theory.sampling import search
from rdk_theory.verification._targets import as_law
from rdk_theory.verification.chain import Verified, at_step, check_chain, emit, with_empty_last
from rdk_theory.verification.token import ids_beside, residual_or_target


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
    ``block-verification``). Where :math:`w_i = 1` and :math:`R_i = 0` the quotient is undefined and it does not matter
    how it is read: target and proposal agree there, so :math:`w_{i+1} = 1`, and some longer prefix passes.
    """
    check_chain(targets, proposals, drafted, accept_uniforms, residual_uniform, bonus_uniform)
    p, r, uniforms = as_law(targets), as_law(proposals), double(accept_uniforms)
    ids = ids_beside(drafted, p)
    xp = namespace(p, r)
    gamma = ids.shape[-1]
    drawn, wanted = gather_last(r, ids), gather_last(p[..., :-1, :], ids)
    weight = drawn[..., 0] * 0 + 1
    weights = [weight]
    accepted = ids[..., 0] * 0
    for i in range(1, gamma + 1):
        # w p / max(w p, r) is min(1, w p / r) without a quotient that overflows; r > 0 where x was drawn.
        wished = weight * wanted[..., i - 1]
        weight = wished / xp.maximum(wished, drawn[..., i - 1])
        weights.append(weight)
        passed = _passes(p, r, weight, uniforms[..., i - 1], i, gamma)
        accepted = xp.where(passed, accepted * 0 + i, accepted)
    reached = gather_last(xp.stack(weights, axis=-1), accepted)
    law, proposal = at_step(p, accepted), at_step(with_empty_last(r), accepted)
    finished = accepted == gamma
    uniform = xp.where(finished, double(bonus_uniform), double(residual_uniform))
    chosen = xp.where(finished[..., None], law, residual_or_target(add_axis(reached) * law, proposal))
    return emit(ids, accepted, search(chosen, uniform))


def _passes(p: Array, r: Array, weight: Array, uniform: Array, i: int, gamma: int) -> Array:
    """Whether prefix `i` passes: ``u (R + 1 − w) < R``, or ``u < w`` for the whole chain."""
    if i == gamma:
        return uniform < weight
    mass = namespace(p, r).sum(residual_weights(add_axis(weight) * p[..., i, :], r[..., i, :]), axis=-1)
    return uniform * (mass + (1 - weight)) < mass
