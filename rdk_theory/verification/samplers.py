"""Draft a token and verify it: what is told apart from the samplers of `mutants`, which do one thing wrong."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, constant, double, namespace
from rdk_theory._types import Ids, Real
from rdk_theory.drafting import draft_token
from rdk_theory.kernels.base import Kernel
from rdk_theory.sampling import search
from rdk_theory.verification._targets import as_law
from rdk_theory.verification.token import ids_beside, residual_or_target, verify_token


class Randomness(NamedTuple):
    """Independent uniforms in [0, 1) for one drafted and verified token, one array for each purpose."""

    first: Real[Array, "*batch"]
    """Chooses the kept token."""
    second: Real[Array, "*batch"]
    """Chooses where the kernel moves it."""
    accept: Real[Array, "*batch"]
    """Decides acceptance."""
    residual: Real[Array, "*batch"]
    """Chooses the replacement."""
    race: Real[Array, "*batch N"] | None
    """One for each target token, for samplers that draw by an exponential race (Gumbel maximum)."""


@runtime_checkable
class Sampler(Protocol):
    """Anything that turns a target, a draft law, a kernel and randomness into one emitted token a row."""

    def __call__(
        self, target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
    ) -> Ids[Array, "*batch"]:
        """The emitted tokens. Lossless if their law is `target` for every draft and kernel."""
        ...


def randomness(rng: np.random.Generator, batch: tuple[int, ...], size: int) -> Randomness:
    """Numpy uniforms for `batch` tokens over `size` target tokens, each purpose from a stream of its own."""
    first, second, accept, residual, race = rng.spawn(5)
    numbers = [np.asarray(stream.random(batch)) for stream in (first, second, accept, residual)]
    return Randomness._make([*numbers, race.random((*batch, size))])


def rejection_sampler(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    r"""Draw from :math:`\tilde p` in two stages and verify against :math:`\tilde p`; lossless."""
    proposal = kernel.redistribute(draft)
    _, token = draft_token(draft, kernel, uniforms.first, uniforms.second)
    return verify_token(target, proposal, token, uniforms.accept, uniforms.residual)[0]


def race_sampler(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    r"""As `rejection_sampler`, but :math:`x \sim \tilde p` is drawn from the whole proposal by a race; lossless."""
    proposal = kernel.redistribute(draft)
    token = race_winner(proposal, uniforms.race)
    return verify_token(target, proposal, token, uniforms.accept, uniforms.residual)[0]


def exact_match_sampler(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    r"""Treat the drafted token as if it had been certain: accept with :math:`p_x`, else draw from `p` without `x`.

    Lossless whatever the draft law: given :math:`x`, the emitted token is :math:`x` with :math:`p_x` and :math:`t`
    with :math:`(1 - p_x) \cdot p_t/(1 - p_x)`. Only acceptance suffers: :math:`\sum p r` instead of
    :math:`\sum \min(p, r)`.
    """
    _, token = draft_token(draft, kernel, uniforms.first, uniforms.second)
    p = as_law(target)
    ids = ids_beside(token, p)
    certain = namespace(p).where(at_token(ids, p), constant(1, p), constant(0, p))
    return verify_token(target, certain, ids, uniforms.accept, uniforms.residual)[0]


def race_winner(weights: Array, race: Any) -> Array:
    """The token whose exponential clock of rate ``w_t`` rings first: a draw from ``w``, as by a Gumbel maximum."""
    validation.uniform("race", race, tuple(weights.shape))
    w = double(weights)
    xp = namespace(w, race)
    possible = w > 0
    clock = -xp.log1p(-double(race)) / xp.where(possible, w, xp.ones_like(w))
    return xp.argmin(xp.where(possible, clock, xp.full_like(w, float("inf"))), axis=-1)


def at_token(token: Array, rows: Array) -> Array:
    """For each row over the vocabulary, flags that single out one token."""
    xp = namespace(rows)
    return xp.cumulative_sum(xp.ones_like(rows, dtype=xp.int64), axis=-1) - 1 == token[..., None]


def replace_unless(accepted: Array, token: Array, weights: Array, uniform: Array) -> Array:
    """The token where it was accepted, else a draw from `weights`."""
    return namespace(weights).where(accepted, token, search(weights, double(uniform)))


def residual_of(target: Array, proposal: Array) -> Array:
    """Residual weights of two laws in float64, `target` where there are none."""
    return residual_or_target(as_law(target), as_law(proposal))
