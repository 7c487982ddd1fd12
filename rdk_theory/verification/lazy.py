"""Verify against a kernel without forming the proposal: exact, in expected linear time, for any kernel."""

from __future__ import annotations

from typing import NamedTuple

from rdk_theory import validation
from rdk_theory._array import Array, double, gather_last, index_like, namespace
from rdk_theory._types import Flags, Ids, Real
from rdk_theory.kernels.base import Kernel
from rdk_theory.sampling import search
from rdk_theory.verification.token import check_possible, residual_or_target


class LazyVerified(NamedTuple):
    """Outcome of `verify_lazy`."""

    token: Ids[Array, "*batch"]
    """The emitted token, of law ``p`` exactly."""
    accepted: Flags[Array, "*batch"]
    """Whether the drafted token passed."""
    columns: Ids[Array, "*batch"]
    """Kernel columns read: 1, plus 1 for each residual try. At most 2 in expectation."""
    fell_back: Flags[Array, "*batch"]
    """Whether every try failed and the proposal was formed for that row; has probability ``(1−α) α^m``."""


def verify_lazy(
    target: Real[Array, "*batch N"],
    draft: Real[Array, "*batch K"],
    kernel: Kernel,
    drafted: Ids[Array, "*batch"],
    accept_uniform: Real[Array, "*batch"],
    propose_uniforms: Real[Array, "*batch tries"],
    keep_uniforms: Real[Array, "*batch tries"],
    fallback_uniform: Real[Array, "*batch"],
) -> LazyVerified:
    r"""Lossless verification of a token drawn from :math:`\tilde p = q' M`, reading single columns of :math:`M`.

    Accept with :math:`\min(1, p_x/\tilde p_x)`. On rejection propose :math:`y \sim p` and keep it with probability
    :math:`(1 - \tilde p_y/p_y)_+`, until one is kept: that is a draw from the residual. After `tries` failures
    the proposal of that row is formed once and the residual drawn from it.

    Parameters
    ----------
    target, draft
        :math:`p` over the target vocabulary; :math:`q'` over the kept tokens.
    kernel
        :math:`M`; only `probability` is called, and `redistribute` for rows that fall back.
    drafted
        :math:`x`, drawn in two stages: :math:`i \sim q'`, then ``kernel.draw``.
    accept_uniform, propose_uniforms, keep_uniforms, fallback_uniform
        Independent uniforms in [0, 1); the last axis of the middle two is the number of tries, which may be 0.

    Notes
    -----
    Claim ``exact-linear-time``: the law is :math:`p` whatever the number of tries; a rejection needs
    :math:`1/(1-\alpha)` tries and happens with probability :math:`1-\alpha`, so one try is expected for each
    drafted token.
    """
    batch = tuple(draft.shape[:-1])
    _check(target, draft, kernel, drafted, batch)
    for name, uniform in (("accept_uniform", accept_uniform), ("fallback_uniform", fallback_uniform)):
        validation.uniform(name, uniform, batch)
    tries = propose_uniforms.shape[-1]
    validation.uniform("propose_uniforms", propose_uniforms, (*batch, tries))
    validation.uniform("keep_uniforms", keep_uniforms, (*batch, tries))

    p = double(target)
    xp = namespace(p, draft)
    proposed = double(kernel.probability(draft, drafted))
    check_possible(proposed, drafted)
    accepted = double(accept_uniform) * proposed < gather_last(p, drafted)
    token, done = index_like(drafted, p), accepted
    columns = xp.astype(done, xp.int64) * 0 + 1
    for step in range(tries):
        if bool(xp.all(done)):
            break
        candidate = search(p, double(propose_uniforms[..., step]))
        law = gather_last(p, candidate)
        kept = double(keep_uniforms[..., step]) * law < law - double(kernel.probability(draft, candidate))
        columns = columns + xp.astype(~done, xp.int64)
        token = xp.where(kept & ~done, candidate, token)
        done = done | kept
    fell_back = ~done
    if bool(xp.any(fell_back)):
        weights = residual_or_target(p, double(kernel.redistribute(draft)))
        token = xp.where(fell_back, search(weights, double(fallback_uniform)), token)
    return LazyVerified(token, accepted, columns, fell_back)


def _check(target: Array, draft: Array, kernel: Kernel, drafted: Array, batch: tuple[int, ...]) -> None:
    validation.distribution("target", target, kernel.vocab.size)
    kernel.check_draft(draft)
    validation.same_library("target and draft", target, draft)
    validation.same_shape("target", target, (*batch, kernel.vocab.size))
    validation.token_ids("drafted", drafted, kernel.vocab.size, batch)
