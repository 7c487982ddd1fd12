"""Verify one drafted token."""

from __future__ import annotations

from typing import Any

from rdk_theory import validation
from rdk_theory._array import Array, add_axis, double, gather_last, index_like, namespace, to_numpy
from rdk_theory._types import Flags, Ids, Real
from rdk_theory.acceptance import residual_weights
from rdk_theory.sampling import search
from rdk_theory.verification._targets import Targets, draw_excess


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
        If target or proposal is no distribution, shapes or libraries differ, an id is outside the vocabulary or a
        uniform outside [0, 1). Also where ``proposal`` is 0 at the drafted token: it cannot have been drawn from that
        law, as happens when a 16-bit row underflows where the draw did not.

    Notes
    -----
    Leviathan et al. 2211.17192, Chen et al. 2302.01318. Ratios and sums are taken in float64 whatever the dtype. A row
    narrower than float64 sums to 1 only within rounding, 16 bits within 2 %, and what is drawn from it is drawn in
    proportion to its entries: it stands for its entries divided by their sum, and that law is emitted exactly. A
    residual that rounding has emptied (target and proposal equal up to the last bit) is replaced by the target.
    """
    p, r, ids = _checked(target, proposal, drafted)
    batch = tuple(drafted.shape)
    check_uniforms(target, accept_uniform=(accept_uniform, batch), residual_uniform=(residual_uniform, batch))
    xp = namespace(target, proposal)
    token = xp.asarray(xp.reshape(ids, (-1,)), copy=True)
    every = xp.nonzero(token == token)[0]
    accept, residual = (xp.reshape(double(add_axis(u)), (-1,)) for u in (accept_uniform, residual_uniform))
    accepted = below(accept, r.at(every, token), p.at(every, token))
    rejected = xp.nonzero(~accepted)[0]
    if rejected.shape[0]:
        if p.in_lanes and r.in_lanes:
            token[rejected] = draw_excess(
                p, rejected, residual[rejected], lambda at, part: r.stretch(int(rejected[at]), part)
            )
        else:
            token[rejected] = search(residual_or_target(p.laws(rejected), r.laws(rejected)), residual[rejected])
    return xp.reshape(token, batch), xp.reshape(accepted, batch)


def _checked(target: Array, proposal: Array, drafted: Array) -> tuple[Targets, Targets, Array]:
    """Target and proposal are distributions over one vocabulary; each drafted token is possible under the proposal."""
    p, r = Targets("target", target), Targets("proposal", proposal)
    validation.same_library("target and proposal", target, proposal)
    validation.same_shape("proposal", proposal, tuple(target.shape))
    validation.token_ids("drafted", drafted, target.shape[-1], tuple(target.shape[:-1]))
    ids = ids_beside(drafted, proposal)
    check_possible(gather_last(proposal, ids), drafted)
    return p, r, ids


def check_uniforms(target: Array, **uniforms: tuple[Any, tuple[int, ...]]) -> None:
    """Each named uniform has its shape, lies in [0, 1), and is of the library of `target`, rational where it is."""
    for name, (uniform, shape) in uniforms.items():
        validation.uniform(name, uniform, shape)
        validation.same_library(f"target and {name}", target, uniform)


def check_possible(probability: Array, drafted: Array) -> None:
    """Raise unless every drafted token has positive probability under the law that is said to have drawn it."""
    impossible = to_numpy(probability <= 0)
    if impossible.any():
        raise validation.row_offence(
            "drafted", drafted, impossible, "has probability 0 under the proposal: it was not drawn from that law"
        )


def ids_beside(ids: Array, like: Array) -> Array:
    """Token ids of any library and integer width as int64 indices for `like`."""
    index = index_like(ids, like)
    return namespace(index).astype(index, namespace(index).int64, copy=False)


def passes(p: Array, r: Array, drafted: Array, uniform: Array) -> Array:
    """The accept test ``u · r_x < p_x``, without division; `drafted` has positive probability under `r`."""
    return below(uniform, gather_last(r, drafted), gather_last(p, drafted))


def below(uniform: Array, drawn: Array, target: Array) -> Array:
    """``u · drawn < target``, and true for every ``u < 1`` where ``drawn ≤ target``.

    The second condition follows from the first, except among subnormal numbers, where ``u · drawn`` can round
    to ``drawn``.
    """
    return namespace(uniform).asarray((uniform * drawn < target) | (drawn <= target))


def residual_or_target(p: Array, r: Array) -> Array:
    """Weights ``(p − r)_+``; where rounding left none, ``p``."""
    xp = namespace(p, r)
    weights = residual_weights(p, r)
    empty = xp.max(weights, axis=-1, keepdims=True) <= 0
    return xp.where(empty, p, weights)
