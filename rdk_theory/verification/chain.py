"""Verify a chain of drafted tokens, one after the other."""

from __future__ import annotations

from typing import NamedTuple

from rdk_theory import validation
from rdk_theory._array import Array, double, gather_axis, gather_last, namespace
from rdk_theory._types import Ids, Real
from rdk_theory.sampling import search
from rdk_theory.verification._targets import as_law
from rdk_theory.verification.token import check_possible, check_uniforms, ids_beside, passes, residual_or_target


class Verified(NamedTuple):
    """Outcome of verifying a chain of ``γ`` drafted tokens."""

    tokens: Ids[Array, "*batch gamma_plus_1"]
    """Emitted tokens: the accepted ones, one more from the target, then −1."""
    accepted: Ids[Array, "*batch"]
    """Number of drafted tokens that were accepted, 0 to ``γ``."""


def verify_chain(
    targets: Real[Array, "*batch gamma_plus_1 N"],
    proposals: Real[Array, "*batch gamma N"],
    drafted: Ids[Array, "*batch gamma"],
    accept_uniforms: Real[Array, "*batch gamma"],
    residual_uniform: Real[Array, "*batch"],
    bonus_uniform: Real[Array, "*batch"],
) -> Verified:
    r"""Token-wise verification of a drafted chain :math:`x_1, …, x_\gamma` (Leviathan et al. 2211.17192).

    Each token is tested as in `verify_token`; the first rejected one is replaced from its residual and ends
    the chain; if all pass, a bonus token follows from the last target row.

    Parameters
    ----------
    targets
        :math:`p(\cdot \mid x_{<i})` for :math:`i = 1, …, \gamma + 1`: the last row is the bonus token's law.
    proposals
        :math:`r(\cdot \mid x_{<i})`, the laws from which the tokens were really drawn; :math:`\gamma \ge 1` rows.
    drafted
        The chain.
    accept_uniforms, residual_uniform, bonus_uniform
        Independent uniforms in [0, 1).

    Returns
    -------
    Verified
        The emitted tokens, followed by the target's own continuation, have the target's joint law exactly.

    Raises
    ------
    ValueError
        As `verify_token`; also if `targets` lacks the row for the bonus token.
    """
    check_chain(targets, proposals, drafted, accept_uniforms, residual_uniform, bonus_uniform)
    p, r, ids = as_law(targets), as_law(proposals), ids_beside(drafted, targets)
    xp = namespace(p, r)
    passed = passes(p[..., :-1, :], r, ids, double(accept_uniforms))
    accepted = xp.sum(xp.cumulative_prod(xp.astype(passed, xp.int64), axis=-1), axis=-1)
    law, proposal = at_step(p, accepted), at_step(with_empty_last(r), accepted)
    finished = accepted == ids.shape[-1]
    uniform = xp.where(finished, double(bonus_uniform), double(residual_uniform))
    weights = xp.where(finished[..., None], law, residual_or_target(law, proposal))
    return emit(ids, accepted, search(weights, uniform))


def check_chain(
    targets: Array,
    proposals: Array,
    drafted: Array,
    accept_uniforms: Array,
    residual_uniform: Array,
    bonus_uniform: Array,
) -> None:
    """Shapes, laws and uniforms of a chain."""
    validation.real("targets", targets)
    validation.real("proposals", proposals)
    if proposals.ndim < 2 or proposals.shape[-2] < 1:
        raise ValueError(f"proposals of shape {tuple(proposals.shape)} must be (..., gamma, N) with gamma at least 1")
    *batch, gamma, size = proposals.shape
    validation.same_shape("targets", targets, (*batch, gamma + 1, size))
    validation.distribution("targets", targets)
    validation.distribution("proposals", proposals)
    validation.same_library("targets and proposals", targets, proposals)
    validation.token_ids("drafted", drafted, size, (*batch, gamma))
    check_possible(gather_last(proposals, ids_beside(drafted, proposals)), drafted)
    check_uniforms(
        targets,
        accept_uniforms=(accept_uniforms, (*batch, gamma)),
        residual_uniform=(residual_uniform, tuple(batch)),
        bonus_uniform=(bonus_uniform, tuple(batch)),
    )


def at_step(rows: Array, step: Array) -> Array:
    """``rows[..., step, :]`` with one step for each batch entry."""
    xp = namespace(rows)
    index = xp.broadcast_to(step[..., None, None], (*step.shape, 1, rows.shape[-1]))
    return gather_axis(rows, index, axis=-2)[..., 0, :]


def with_empty_last(proposals: Array) -> Array:
    """The proposals with a row of zeros for the step after the last, where nothing was drafted."""
    xp = namespace(proposals)
    last = proposals[..., :1, :]
    return xp.concat([proposals, last - last], axis=-2)


def emit(drafted: Array, accepted: Array, extra: Array) -> Verified:
    """The accepted tokens, then `extra`, then −1."""
    xp = namespace(drafted)
    padded = xp.concat([drafted, drafted[..., :1]], axis=-1)
    place = xp.cumulative_sum(padded * 0 + 1, axis=-1) - 1
    here = accepted[..., None]
    tokens = xp.where(place < here, padded, xp.where(place == here, extra[..., None], padded * 0 - 1))
    return Verified(tokens, accepted)
