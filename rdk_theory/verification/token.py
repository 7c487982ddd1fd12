"""Verify one drafted token."""

from __future__ import annotations

from rdk_theory import validation
from rdk_theory._array import Array, double, gather_last, index_like, namespace
from rdk_theory._types import Flags, Ids, Real
from rdk_theory.sampling import search


def verify_token(
    target: Real[Array, "*batch N"],
    proposal: Real[Array, "*batch N"],
    drafted: Ids[Array, "*batch"],
    accept_uniform: Real[Array, "*batch"],
    residual_uniform: Real[Array, "*batch"],
) -> tuple[Ids[Array, "*batch"], Flags[Array, "*batch"]]:
    r"""Accept the drafted token with probability :math:`\min(1, p_x / r_x)`, else replace it from the residual.

    Parameters
    ----------
    target, proposal
        :math:`p`, and the law :math:`r` from which `drafted` was really drawn.
    drafted
        :math:`x \sim r`, one a row.
    accept_uniform, residual_uniform
        Independent uniforms in [0, 1) for the test and for the residual draw.

    Returns
    -------
    token, accepted
        The emitted token, of law :math:`p` exactly (claim ``lossless``), and whether it is the drafted one
        because the test passed.

    Raises
    ------
    ValueError
        Also where ``proposal`` is 0 at the drafted token: it cannot have been drawn from that law, as
        happens when a 16-bit row underflows where the draw did not.

    Notes
    -----
    Ratios and sums are taken in float64 whatever the dtype. A residual that rounding has emptied
    (target and proposal equal up to the last bit) is replaced by the target itself.
    """
    check_inputs(target, proposal, drafted)
    batch = tuple(drafted.shape)
    validation.uniform("accept_uniform", accept_uniform, batch)
    validation.uniform("residual_uniform", residual_uniform, batch)
    p, r = double(target), double(proposal)
    accepted = passes(p, r, drafted, double(accept_uniform))
    replaced = search(residual_or_target(p, r), double(residual_uniform))
    return namespace(p).where(accepted, index_like(drafted, p), replaced), accepted


def check_inputs(target: Array, proposal: Array, drafted: Array) -> None:
    """Target and proposal are distributions over one vocabulary; each drafted token is possible under the proposal."""
    validation.distribution("target", target)
    validation.distribution("proposal", proposal)
    validation.same_library("target and proposal", target, proposal)
    validation.same_shape("proposal", proposal, tuple(target.shape))
    validation.token_ids("drafted", drafted, target.shape[-1], tuple(target.shape[:-1]))
    check_possible(gather_last(proposal, index_like(drafted, proposal)), drafted)


def check_possible(probability: Array, drafted: Array) -> None:
    """Raise unless every drafted token has positive probability under the law that is said to have drawn it."""
    impossible = probability <= 0
    if bool(impossible.any() if hasattr(impossible, "any") else impossible):
        raise validation.row_offence(
            "drafted", drafted, impossible, "has probability 0 under the proposal: it was not drawn from that law"
        )


def passes(p: Array, r: Array, drafted: Array, uniform: Array) -> Array:
    """The accept test ``u · r_x < p_x``: division-free, and certain where ``p_x ≥ r_x``."""
    return uniform * gather_last(r, drafted) < gather_last(p, drafted)


def residual_or_target(p: Array, r: Array) -> Array:
    """Weights ``(p − r)_+``; where rounding left none, ``p``."""
    xp = namespace(p, r)
    difference = p - r
    weights = xp.where(difference > 0, difference, difference - difference)
    empty = xp.sum(weights, axis=-1, keepdims=True) <= 0
    return xp.where(empty, p, weights)
