"""Samplers that are wrong on purpose: each holds one bug met in real engines, and none is lossless.

They are the negative controls of every check of losslessness: a check that passes one of them proves nothing. Each
has the signature of `samplers.Sampler` and differs from `rejection_sampler` (or `race_sampler`) in one thing.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from rdk_theory._array import Array, double, gather_last, index_like, namespace
from rdk_theory._types import Ids, Real
from rdk_theory.distributions import embed
from rdk_theory.drafting import draft_token
from rdk_theory.kernels.base import Kernel
from rdk_theory.kernels.embedding import Embedding
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.verification.samplers import (
    Randomness,
    Sampler,
    at_token,
    race_winner,
    rejection_sampler,
    replace_unless,
    residual_of,
)
from rdk_theory.verification.token import ids_beside
from rdk_theory.vocabulary import Vocabulary

HALF_ROUNDS_TO_ZERO = 2.0**-25
"""The largest number that binary16 rounds to 0: half of its smallest subnormal, the tie going to even."""


def accept_by_restricted(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    r"""The accept test uses :math:`q'` though the draw used :math:`\tilde p`: a cold token always passes."""
    token = _drafted(draft, kernel, uniforms)
    accepted = _passes(target, gather_last(double(embed(draft, kernel.vocab)), token), token, uniforms.accept)
    return replace_unless(accepted, token, residual_of(target, kernel.redistribute(draft)), uniforms.residual)


def residual_at_drafted_only(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    """The residual subtracts draft mass only at the drafted token, as if the other entries had not been kept."""
    token = _drafted(draft, kernel, uniforms)
    proposal = double(kernel.redistribute(draft))
    accepted = _passes(target, gather_last(proposal, token), token, uniforms.accept)
    only = namespace(proposal).where(at_token(token, proposal), proposal, proposal - proposal)
    return replace_unless(accepted, token, residual_of(target, only), uniforms.residual)


def drafted_probability_one(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    """The accept test takes the draft probability as 1 though the draw was random; the residual knows better.

    Taken as 1 in the test and in the residual alike there is no bug: that is `exact_match_sampler`, lossless and slow.
    """
    token = _drafted(draft, kernel, uniforms)
    proposal = double(kernel.redistribute(draft))
    one = gather_last(proposal, token) * 0 + 1
    accepted = _passes(target, one, token, uniforms.accept)
    return replace_unless(accepted, token, residual_of(target, proposal), uniforms.residual)


def shared_uniform(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    """Accept test and residual draw share one uniform: after a rejection it is not uniform any more."""
    return rejection_sampler(target, draft, kernel, uniforms._replace(residual=uniforms.accept))


def shared_race(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    """Draft and residual share one Gumbel vector: a token that lost the first race runs the second with late clocks."""
    proposal = double(kernel.redistribute(draft))
    token = race_winner(proposal, uniforms.race)
    accepted = _passes(target, gather_last(proposal, token), token, uniforms.accept)
    replacement = race_winner(residual_of(target, proposal), uniforms.race)
    return namespace(proposal).where(accepted, token, replacement)


def reported_as_if_sorted(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    """The reported law is a permutation of the sampled one: kept ids in another order, mapped as if ascending.

    Right where the kept ids are ascending, which is how it goes unnoticed.
    """
    token = _drafted(draft, kernel, uniforms)
    rank = index_like(np.argsort(kernel.vocab.order), draft)
    proposal = double(kernel.redistribute(namespace(draft).take(draft, rank, axis=-1)))
    accepted = _passes(target, gather_last(proposal, token), token, uniforms.accept)
    return replace_unless(accepted, token, residual_of(target, proposal), uniforms.residual)


def half_underflow(
    target: Real[Array, "*batch N"], draft: Real[Array, "*batch K"], kernel: Kernel, uniforms: Randomness
) -> Ids[Array, "*batch"]:
    """In half precision a small draft probability becomes 0, and a tiny ratio becomes a certain accept."""
    token = _drafted(draft, kernel, uniforms)
    proposal = double(kernel.redistribute(draft))
    drawn = gather_last(proposal, token)
    flushed = namespace(proposal).where(drawn <= HALF_ROUNDS_TO_ZERO, drawn - drawn, drawn)
    accepted = _passes(target, flushed, token, uniforms.accept)
    return replace_unless(accepted, token, residual_of(target, proposal), uniforms.residual)


class Mutant(NamedTuple):
    """A wrong sampler, and an instance on which its law is not the target."""

    bug: str
    sampler: Sampler
    instance: Callable[[], Instance]
    races: bool = False
    """Whether it draws by a race, so that its law cannot be enumerated and must be sampled."""


class Instance(NamedTuple):
    """One context, in rationals."""

    target: np.ndarray
    draft: np.ndarray
    kernel: Kernel


def revealing_instance() -> Instance:
    """Sixths; kept ids not ascending, a cold token over-covered, two tokens under-covered."""
    kernel = RankOne(Vocabulary(3, [2, 0]), Fraction(1, 2), _rationals(0, 1, 0))
    return Instance(_rationals("1/3", "1/6", "1/2"), _rationals("2/3", "1/3"), kernel)


def racing_instance() -> Instance:
    """Sixths; the rejected token has no target mass, and the two under-covered ones lost to it unequally often."""
    return revealing_instance()._replace(target=_rationals("1/2", 0, "1/2"))


def tiny_instance() -> Instance:
    """A token drafted with probability 2⁻²⁶, sixteen times too often."""
    tiny = Fraction(1, 1 << 26)
    target, draft = (np.array([1 - mass, mass], dtype=object) for mass in (tiny / 16, tiny))
    return Instance(target, draft, Embedding(Vocabulary.full(2)))


MUTANTS = (
    Mutant("accept test by q', draw by p̃", accept_by_restricted, revealing_instance),
    Mutant("residual subtracts only at the drafted token", residual_at_drafted_only, revealing_instance),
    Mutant("draft probability taken as 1", drafted_probability_one, revealing_instance),
    Mutant("accept and residual share a uniform", shared_uniform, revealing_instance),
    Mutant("draft and residual share a Gumbel vector", shared_race, racing_instance, races=True),
    Mutant("reported law is a permutation of the sampled one", reported_as_if_sorted, revealing_instance),
    Mutant("half-precision underflow accepts", half_underflow, tiny_instance),
)


def _rationals(*values: int | str) -> np.ndarray:
    return np.array([Fraction(v) for v in values], dtype=object)


def _drafted(draft: Array, kernel: Kernel, uniforms: Randomness) -> Array:
    """The drafted token, rightly drawn."""
    return ids_beside(draft_token(draft, kernel, uniforms.first, uniforms.second)[1], draft)


def _passes(target: Array, drawn: Array, token: Array, uniform: Array) -> Array:
    """``u · r_x < p_x``, also where ``r_x`` is 0."""
    return double(uniform) * drawn < gather_last(double(target), token)
