"""The rank-one kernel: a fixed prior on cold tokens, with a weight fitted for acceptance or taken from the drafter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, is_exact, namespace, to_numpy
from rdk_theory._rows import block_length
from rdk_theory._types import Real
from rdk_theory.distributions import embed, kept_mass
from rdk_theory.fitting.certificate import check_contexts
from rdk_theory.fitting.safety import Certifiable
from rdk_theory.fitting.weights import Block, best_weight
from rdk_theory.kernels.base import Kernel
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.mixing import Mixing, optimal_mixing
from rdk_theory.vocabulary import Vocabulary

BLOCK = 1 << 17
"""Entries of a block of contexts, which a pass reads several times: half a megabyte in float32."""


@dataclass(frozen=True)
class MixedFit(Certifiable):
    """A kernel ``(1−θ) E_I + θ A`` whose weight maximises mean acceptance in the contexts of the fit."""

    kernel: Kernel
    mixing: Mixing
    """The weight, its value, that of TLI, and the weights that do no harm; all in the contexts of the fit."""

    @property
    def weight(self) -> Any:
        """``θ``: a float, or a `Fraction` where the contexts were rational."""
        return self.mixing.weight

    @property
    def acceptance(self) -> Any:
        """Mean acceptance of the kernel in the contexts of the fit."""
        return self.mixing.acceptance


def fit_rank_one(targets: Real[Array, "C N"], drafts: Real[Array, "C K"], vocab: Vocabulary) -> MixedFit:
    r"""Rank-one kernel with the prior of `cold_prior` and the weight that maximises mean acceptance.

    Parameters
    ----------
    targets
        :math:`p`, one row a context.
    drafts
        :math:`q'`, restricted to ``vocab.kept``.
    vocab
        The target vocabulary and its kept tokens.

    Returns
    -------
    MixedFit
        With a `RankOne` kernel; rationals in, rationals out. In these contexts it is never worse than TLI; on others it
        can be (claim ``no-free-dominance``).

    Raises
    ------
    ValueError
        If rows are no distributions, shapes differ, no token is cold, or the target gives none of them any mass.
    """
    check_fit(targets, drafts, vocab)
    prior = cold_prior(targets, vocab)
    if is_exact(targets):
        mixing = optimal_mixing(targets, embed(drafts, vocab), prior)
    else:
        p, q = to_numpy(targets), to_numpy(drafts)
        row = prior.astype(np.result_type(p, q))

        def blocks() -> Iterator[Block]:
            step = block_length(vocab.size, BLOCK)
            for start in range(0, p.shape[0], step):
                yield p[start : start + step], embed(q[start : start + step], vocab), row

        mixing = best_weight(blocks)
    return MixedFit(RankOne(vocab, mixing.weight, prior), mixing)


def cold_prior(targets: Real[Array, "C N"], vocab: Vocabulary) -> Real[np.ndarray, "N"]:
    r"""Mean target law restricted to cold tokens, :math:`\pi_t = \mathrm E\,p_t / \mathrm E\,p(C)` for :math:`t \in C`.

    Raises
    ------
    ValueError
        If no token is cold, or no context gives a cold token any mass: there is then no such law.
    """
    validation.distribution("targets", targets, vocab.size)
    if targets.ndim != 2 or not targets.shape[0]:
        raise ValueError(f"targets of shape {tuple(targets.shape)} must have two axes and at least one context")
    if not vocab.cold.size:
        raise ValueError(f"vocab keeps all {vocab.size} tokens: no token is cold, and there is no prior to fit")
    rows = to_numpy(targets)
    total = rows.sum(axis=0) if is_exact(targets) else rows.sum(axis=0, dtype=np.float64)
    total[vocab.kept] = 0 * total[vocab.kept]
    mass = total.sum()
    if mass <= 0:
        raise ValueError(
            f"targets of shape {tuple(targets.shape)} give no mass to any of the {vocab.cold.size} cold tokens"
        )
    return np.asarray(total / mass)


def exact_cold_mass_weight(full_drafts: Real[Array, "*batch D"], vocab: Vocabulary) -> Real[Array, "*batch"]:
    r"""The drafter's own cold mass in each context, :math:`q(C) = 1 - q(I)`, in float32 or wider.

    Needs the unpruned head. As a mixing weight it is not a dominance rule (claim ``overshoot``).

    Raises
    ------
    ValueError
        If a row is no distribution over the drafter's vocabulary.
    """
    kept = kept_mass(full_drafts, vocab)
    xp = namespace(kept)
    cold = 1 - kept
    # Rounding can bring the mass of kept tokens to just above 1.
    return cold if is_exact(kept) else xp.where(cold > 0, cold, cold - cold)


@dataclass(frozen=True)
class ColdMassRankOne:
    r"""A kernel for each context: a fixed prior with weight :math:`\theta = q(C)`, the drafter's own cold mass there.

    The authors' first choice of weight, as public notes on RDK tell it; it needs the whole head that pruning was to
    save.
    """

    vocab: Vocabulary
    prior: Any
    """A distribution over the target vocabulary; that of `cold_prior`, for instance."""

    def at(self, full_drafts: Real[Array, "*batch D"]) -> RankOne:
        """The kernels of some contexts, as one batched kernel."""
        return RankOne(self.vocab, exact_cold_mass_weight(full_drafts, self.vocab), self.prior)


def check_fit(targets: Any, drafts: Any, vocab: Vocabulary) -> None:
    """Raise unless `targets` and restricted `drafts` are distributions over `vocab`, one row a context."""
    check_contexts(targets, drafts)
    validation.vocabulary_axis("targets", targets, vocab.size)
    validation.vocabulary_axis("drafts", drafts, vocab.kept_size, "the kept set")
