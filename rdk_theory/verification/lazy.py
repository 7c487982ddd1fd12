"""Verify against a kernel without forming the proposal: exact, in expected linear time, for any kernel."""

from __future__ import annotations

import math
from typing import NamedTuple

from rdk_theory import validation
from rdk_theory._array import Array, add_axis, double, namespace
from rdk_theory._types import Flags, Ids, Real
from rdk_theory.kernels.base import Kernel
from rdk_theory.sampling import search
from rdk_theory.verification._targets import Targets, as_law, draw_excess
from rdk_theory.verification.token import below, check_possible, check_uniforms, ids_beside, residual_or_target


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
        :math:`M`; only `point` is called, which is `probability` without its checks, and `redistribute` for rows that
        fall back. A kernel whose parameters depend on the context is asked for all rows, not for some.
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
    drafted token. Nothing else has length :math:`N` but the check of the input, which sums the target. Rows narrower
    than float64 stand for their entries divided by their sum, as in `verify_token`; the kernel is read in float64, so
    that no narrow proposal rounds what was drawn. A proposal that is formed costs more than a column: `linear_tries`
    says how many tries keep its share of the work linear.
    """
    targets = Targets("target", target)
    validation.vocabulary_axis("target", target, kernel.vocab.size)
    kernel.check_draft(draft)
    validation.same_library("target and draft", target, draft)
    batch = tuple(draft.shape[:-1])
    validation.same_shape("target", target, (*batch, kernel.vocab.size))
    validation.token_ids("drafted", drafted, kernel.vocab.size, batch)
    tries = number_of_tries(propose_uniforms)
    check_uniforms(
        target,
        accept_uniform=(accept_uniform, batch),
        propose_uniforms=(propose_uniforms, (*batch, tries)),
        keep_uniforms=(keep_uniforms, (*batch, tries)),
        fallback_uniform=(fallback_uniform, batch),
    )
    xp = namespace(target, draft)
    rows = Proposals(draft, kernel)
    ids = ids_beside(drafted, target)
    proposed = double_flat(kernel.point(rows.draft, ids))
    check_possible(xp.reshape(proposed, batch), drafted)

    token = xp.asarray(xp.reshape(ids, (-1,)), copy=True)
    every = xp.nonzero(token == token)[0]
    accepted = below(double_flat(accept_uniform), proposed, targets.at(every, token))
    columns, fell_back = token * 0 + 1, token != token
    active = xp.nonzero(~accepted)[0]
    if active.shape[0]:
        propose, keep = (
            xp.reshape(double(u), (token.shape[0], tries))[active] for u in (propose_uniforms, keep_uniforms)
        )
        uniforms = Uniforms(propose, keep, double_flat(fallback_uniform)[active])
        token[active], tried, fell_back[active] = draw_residual(targets, active, rows, active, uniforms)
        columns[active] = columns[active] + tried
    return LazyVerified(*(xp.reshape(x, batch) for x in (token, accepted, columns, fell_back)))


def linear_tries(kept_size: int) -> int:
    r"""A number of tries with which falling back costs one pass over the target vocabulary at most, in expectation.

    For every acceptance rate :math:`(1-\alpha)\alpha^m \le 1/(e m)`, so with :math:`m = \lceil K/e \rceil` tries a
    proposal of :math:`K N` products is formed with probability :math:`1/K` at most: :math:`N` products in expectation.
    The tries themselves cost one column in expectation, however many there may be.

    Parameters
    ----------
    kept_size
        :math:`K \ge 1`.
    """
    if kept_size < 1:
        raise ValueError(f"kept_size must be at least 1, not {kept_size}")
    return math.ceil(kept_size / math.e)


class Uniforms(NamedTuple):
    """Randomness for rejected tokens, one row each."""

    propose: Array
    keep: Array
    fallback: Array


def draw_residual(
    targets: Targets, at: Array, proposals: Proposals, of: Array, uniforms: Uniforms
) -> tuple[Array, Array, Array]:
    """Draw from the residual of the target rows `at` and the proposals `of`, one token for each pair.

    Returns
    -------
    token, tried, fell_back
        The token, how many candidates were tried, and whether all failed and the proposal was formed.
    """
    xp = namespace(at)
    token, tried, fell_back = at * 0, at * 0, at != at
    draw = targets.drawer(at)
    # Only pairs without a token are worked on: `left` holds their places.
    left = xp.nonzero(at == at)[0]
    for step in range(uniforms.propose.shape[-1]):
        if not left.shape[0]:
            break
        candidate = draw(left, uniforms.propose[left, step])
        law = targets.at(at[left], candidate)
        kept = uniforms.keep[left, step] * law < law - proposals.probability(candidate, of[left])
        tried[left] = tried[left] + 1
        token[left[kept]] = candidate[kept]
        left = left[~kept]
    if left.shape[0]:
        whole, fallback = proposals.proposal(of[left]), uniforms.fallback[left]
        if targets.in_lanes:
            token[left] = draw_excess(targets, at[left], fallback, lambda row, part: whole[row, part])
        else:
            token[left] = search(residual_or_target(targets.laws(at[left]), whole), fallback)
        fell_back[left] = True
    return token, tried, fell_back


class Proposals:
    """Proposals of a batch of drafts, flattened to one axis of rows: read at single tokens, or formed."""

    def __init__(self, draft: Array, kernel: Kernel) -> None:
        self.draft, self.kernel = as_law(draft), kernel
        self.flat = namespace(draft).reshape(self.draft, (-1, draft.shape[-1]))

    def probability(self, token: Array, rows: Array) -> Array:
        r""":math:`\tilde p` of the rows `rows` at one token each."""
        if self.kernel.context_free:
            return double(self.kernel.point(self.flat[rows], token))
        # Every context has its own kernel: fill the other rows with a token whose probability is not looked at.
        every = namespace(token).zeros_like(self.flat[:, 0], dtype=token.dtype)
        every[rows] = token
        shaped = namespace(token).reshape(every, tuple(self.draft.shape[:-1]))
        return double_flat(self.kernel.point(self.draft, shaped))[rows]

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


def number_of_tries(propose_uniforms: Array) -> int:
    """Length of the last axis."""
    validation.real("propose_uniforms", propose_uniforms)
    return int(propose_uniforms.shape[-1]) if propose_uniforms.ndim else 0
