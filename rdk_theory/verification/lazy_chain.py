"""Verify a chain of drafted tokens by single columns of the kernel."""

from __future__ import annotations

from typing import NamedTuple

from rdk_theory import validation
from rdk_theory._array import Array, double, namespace
from rdk_theory._types import Flags, Ids, Real
from rdk_theory.kernels.base import Kernel
from rdk_theory.verification._targets import Targets
from rdk_theory.verification.chain import emit
from rdk_theory.verification.lazy import Proposals, Uniforms, double_flat, draw_residual, number_of_tries
from rdk_theory.verification.token import below, check_possible, check_uniforms, ids_beside


class LazyChainVerified(NamedTuple):
    """Outcome of `verify_lazy_chain`."""

    tokens: Ids[Array, "*batch gamma_plus_1"]
    """Emitted tokens: the accepted ones, one more from the target, then −1."""
    accepted: Ids[Array, "*batch"]
    """Number of drafted tokens that were accepted, 0 to ``γ``."""
    columns: Ids[Array, "*batch"]
    """Kernel columns read: one for each of the ``min(accepted + 1, γ)`` tokens tested, plus one for each residual try.
    At most 2 for each token tested, in expectation."""
    fell_back: Flags[Array, "*batch"]
    """Whether a token was rejected and every try failed, so that one proposal was formed."""


def verify_lazy_chain(
    targets: Real[Array, "*batch gamma_plus_1 N"],
    drafts: Real[Array, "*batch gamma K"],
    kernel: Kernel,
    drafted: Ids[Array, "*batch gamma"],
    accept_uniforms: Real[Array, "*batch gamma"],
    propose_uniforms: Real[Array, "*batch tries"],
    keep_uniforms: Real[Array, "*batch tries"],
    fallback_uniform: Real[Array, "*batch"],
    bonus_uniform: Real[Array, "*batch"],
) -> LazyChainVerified:
    r"""Token-wise verification of a chain drawn from :math:`\tilde p_i = q'_i M`; no proposal is formed for it.

    The tokens are tested one after the other, as in `verify_lazy`; the first rejected one is replaced by the same loop
    of tries and ends the chain, so nothing is read for the tokens after it. If all pass, a bonus token follows.

    Parameters
    ----------
    targets
        :math:`p(\cdot \mid x_{<i})` for :math:`i = 1, …, \gamma + 1`.
    drafts
        :math:`q'(\cdot \mid x_{<i})` over the kept tokens, :math:`\gamma \ge 1` rows.
    kernel
        :math:`M`. One whose parameters depend on the context has the batch shape ``(*batch, γ)``.
    drafted
        The chain: each token drawn in two stages (see `draft_token`).
    accept_uniforms, propose_uniforms, keep_uniforms, fallback_uniform, bonus_uniform
        Independent uniforms in [0, 1). One set of tries is enough, since a chain has one rejection at most.

    Raises
    ------
    ValueError
        As `verify_chain` and `verify_lazy`; a drafted token of probability 0 is found out when it is tested.

    Notes
    -----
    The emitted tokens, followed by the target's own continuation, have the target's joint law for every number of tries
    (claims ``lossless``, ``exact-linear-time``).
    """
    p = Targets("targets", targets)
    batch, gamma = _check(targets, drafts, kernel, drafted)
    tries = number_of_tries(propose_uniforms)
    check_uniforms(
        targets,
        accept_uniforms=(accept_uniforms, (*batch, gamma)),
        propose_uniforms=(propose_uniforms, (*batch, tries)),
        keep_uniforms=(keep_uniforms, (*batch, tries)),
        fallback_uniform=(fallback_uniform, batch),
        bonus_uniform=(bonus_uniform, batch),
    )
    xp = namespace(targets, drafts)
    ids = ids_beside(drafted, targets)
    flat = xp.reshape(ids, (-1, gamma))
    uniforms = xp.reshape(double(accept_uniforms), (-1, gamma))
    proposals = Proposals(drafts, kernel)

    accepted = flat[:, 0] * 0
    columns, fell_back, extra = accepted * 0, accepted != accepted, accepted * 0
    testing = xp.nonzero(accepted == accepted)[0]
    for i in range(gamma):
        if not testing.shape[0]:
            break
        token, row = flat[testing, i], testing * gamma + i
        proposed = proposals.probability(token, row)
        check_possible(proposed, token)
        columns[testing] = columns[testing] + 1
        passed = below(uniforms[testing, i], proposed, p.at(testing * (gamma + 1) + i, token))
        testing = testing[passed]
        accepted[testing] = accepted[testing] + 1
    if testing.shape[0]:
        bonus = p.drawer(testing * (gamma + 1) + gamma)
        extra[testing] = bonus(xp.nonzero(testing == testing)[0], double_flat(bonus_uniform)[testing])
    stopped = xp.nonzero(accepted < gamma)[0]
    if stopped.shape[0]:
        propose, keep = (
            xp.reshape(double(u), (accepted.shape[0], tries))[stopped] for u in (propose_uniforms, keep_uniforms)
        )
        rest = Uniforms(propose, keep, double_flat(fallback_uniform)[stopped])
        step = accepted[stopped]
        at, of = stopped * (gamma + 1) + step, stopped * gamma + step
        extra[stopped], tried, fell_back[stopped] = draw_residual(p, at, proposals, of, rest)
        columns[stopped] = columns[stopped] + tried
    accepted, columns, fell_back, extra = (xp.reshape(x, batch) for x in (accepted, columns, fell_back, extra))
    return LazyChainVerified(*emit(ids, accepted, extra), columns, fell_back)


def _check(targets: Array, drafts: Array, kernel: Kernel, drafted: Array) -> tuple[tuple[int, ...], int]:
    """Shapes, drafts and drafted tokens; the batch shape and the length of the chain."""
    validation.vocabulary_axis("targets", targets, kernel.vocab.size)
    validation.distribution("drafts", drafts, kernel.vocab.kept_size, "the kept set")
    if drafts.ndim < 2 or drafts.shape[-2] < 1:
        raise ValueError(f"drafts of shape {tuple(drafts.shape)} must be (..., gamma, K) with gamma at least 1")
    *batch, gamma, _ = drafts.shape
    validation.same_library("targets and drafts", targets, drafts)
    validation.same_shape("targets", targets, (*batch, gamma + 1, kernel.vocab.size))
    validation.token_ids("drafted", drafted, kernel.vocab.size, (*batch, gamma))
    return tuple(batch), int(gamma)
