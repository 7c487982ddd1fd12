"""Verify against a kernel without forming the proposal: exact, in expected linear time, for any kernel."""

from __future__ import annotations

from typing import NamedTuple

from rdk_theory import validation
from rdk_theory._array import Array, add_axis, double, gather_last, namespace
from rdk_theory._types import Flags, Ids, Real
from rdk_theory.kernels.base import Kernel
from rdk_theory.sampling import locate, search
from rdk_theory.verification.token import as_law, below, check_possible, check_uniforms, ids_beside, residual_or_target


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
        :math:`M`; only `probability` is called, and `redistribute` for rows that fall back. A kernel whose parameters
        depend on the context is asked for all rows, since it cannot be asked for some.
    drafted
        :math:`x`, drawn in two stages: :math:`i \sim q'`, then ``kernel.draw`` (see `draft_token`).
    accept_uniform, propose_uniforms, keep_uniforms, fallback_uniform
        Independent uniforms in [0, 1); the last axis of the middle two is the number of tries, which may be 0.

    Raises
    ------
    ValueError
        As `verify_token`; also if the kernel gives the drafted token probability 0.

    Notes
    -----
    Claim ``exact-linear-time``: the law is :math:`p` whatever the number of tries; a rejection needs
    :math:`1/(1-\alpha)` tries and happens with probability :math:`1-\alpha`, so one try is expected for each
    drafted token. Beside the columns a rejected row costs one running sum over :math:`p`, an accepted row nothing
    of length :math:`N` but the check of its input. Rows narrower than float64 stand for their entries divided by their
    sum, as in `verify_token`; the kernel is read in float64, so that no narrow proposal rounds what was drawn.
    """
    _check(target, draft, kernel, drafted)
    batch = tuple(draft.shape[:-1])
    validation.real("propose_uniforms", propose_uniforms)
    tries = propose_uniforms.shape[-1] if propose_uniforms.ndim else 0
    check_uniforms(
        target,
        accept_uniform=(accept_uniform, batch),
        propose_uniforms=(propose_uniforms, (*batch, tries)),
        keep_uniforms=(keep_uniforms, (*batch, tries)),
        fallback_uniform=(fallback_uniform, batch),
    )
    xp = namespace(target, draft)
    rows = _Rows(as_law(draft), kernel)
    ids = ids_beside(drafted, target)
    proposed = double_flat(kernel.probability(rows.draft, ids))
    check_possible(xp.reshape(proposed, batch), drafted)

    p = xp.reshape(as_law(target), (-1, kernel.vocab.size))
    token = xp.asarray(xp.reshape(ids, (-1,)), copy=True)
    accepted = below(double_flat(accept_uniform), proposed, gather_last(p, token))
    columns, fell_back = token * 0 + 1, token != token

    # From here on only rows without a token are worked on: `active` holds their places.
    active = xp.nonzero(~accepted)[0]
    p = p[active]
    if active.shape[0] and tries:
        cumulative = xp.cumulative_sum(p, axis=-1)
        propose, keep = (xp.reshape(double(u), (-1, tries))[active] for u in (propose_uniforms, keep_uniforms))
        for step in range(tries):
            candidate = locate(cumulative, propose[:, step])
            law = gather_last(p, candidate)
            kept = keep[:, step] * law < law - rows.probability(candidate, active)
            columns[active] = columns[active] + 1
            token[active[kept]] = candidate[kept]
            left = ~kept
            active, p, cumulative = active[left], p[left], cumulative[left]
            propose, keep = propose[left], keep[left]
            if not active.shape[0]:
                break
    if active.shape[0]:
        weights = residual_or_target(p, rows.proposal(active))
        token[active] = search(weights, double_flat(fallback_uniform)[active])
        fell_back[active] = True
    return LazyVerified(*(xp.reshape(x, batch) for x in (token, accepted, columns, fell_back)))


class _Rows:
    """Columns and proposals of chosen rows of a batch, flattened."""

    def __init__(self, draft: Array, kernel: Kernel) -> None:
        self.draft, self.kernel = draft, kernel
        self.flat = namespace(draft).reshape(draft, (-1, draft.shape[-1]))

    def probability(self, token: Array, rows: Array) -> Array:
        r""":math:`\tilde p` of the rows `rows` at one token each."""
        if self.kernel.context_free:
            return double(self.kernel.probability(self.flat[rows], token))
        # Every context has its own kernel: fill the other rows with a token whose probability is not looked at.
        every = namespace(token).zeros_like(self.flat[:, 0], dtype=token.dtype)
        every[rows] = token
        shaped = namespace(token).reshape(every, tuple(self.draft.shape[:-1]))
        return double_flat(self.kernel.probability(self.draft, shaped))[rows]

    def proposal(self, rows: Array) -> Array:
        r""":math:`\tilde p` of the rows `rows`, whole."""
        if self.kernel.context_free:
            return double(self.kernel.redistribute(self.flat[rows]))
        whole = double(self.kernel.redistribute(self.draft))
        return namespace(whole).reshape(whole, (-1, whole.shape[-1]))[rows]


def double_flat(x: Array) -> Array:
    """`x` in float64 (or rational, as it is) with one axis, a scalar too."""
    wide = add_axis(x)
    return namespace(wide).reshape(double(wide), (-1,))


def _check(target: Array, draft: Array, kernel: Kernel, drafted: Array) -> None:
    validation.distribution("target", target, kernel.vocab.size)
    kernel.check_draft(draft)
    validation.same_library("target and draft", target, draft)
    validation.same_shape("target", target, (*draft.shape[:-1], kernel.vocab.size))
    validation.token_ids("drafted", drafted, kernel.vocab.size, tuple(draft.shape[:-1]))
