"""The samplers that a measurement compares: what each fits on calibration contexts, and what it accepts on others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from rdk_theory.acceptance import acceptance_rate, union_acceptance
from rdk_theory.distributions import embed, restrict
from rdk_theory.fitting.cooccurrence import fit_cooccurrence
from rdk_theory.fitting.optimal import fit_optimal
from rdk_theory.fitting.prior import ColdMassRankOne, cold_prior, fit_rank_one
from rdk_theory.fitting.weights import best_weights
from rdk_theory.kernels import Embedding, Kernel, RankOne
from rdk_theory.vocabulary import Vocabulary

Judge: TypeAlias = Callable[["Contexts"], np.ndarray]
"""Acceptance rate of a fitted sampler in each of some contexts."""

GAP = 2e-3
"""The fit for acceptance stops once no kernel is better by more than this, in the contexts of the fit."""

ROUNDING = 1e-5
"""Two float32 acceptance rates, each a sum over the vocabulary, differ by no more than this from exact ones."""


@dataclass(frozen=True)
class Contexts:
    """Contexts of one kept set: ``p`` and ``q`` in full, and ``q'``."""

    vocab: Vocabulary
    shared: Vocabulary
    """Tokens that the unpruned drafter shares with the target."""
    targets: np.ndarray
    full_drafts: np.ndarray
    drafts: np.ndarray

    @classmethod
    def of(cls, vocab: Vocabulary, shared: Vocabulary, targets: np.ndarray, full_drafts: np.ndarray) -> Contexts:
        """With the full draft rows restricted to the kept tokens."""
        return cls(vocab, shared, targets, full_drafts, restrict(full_drafts, vocab))


@dataclass(frozen=True)
class Fitted:
    """What a sampler became on calibration contexts."""

    judge: Judge
    weight: float | None = None
    """The mixing weight, where there is one."""
    largest: float = 1.0
    """Bound on the gain over TLI in any context, either way; known from the kernel alone (claim ``lipschitz``)."""


@dataclass(frozen=True)
class Sampler:
    """One row of the comparison."""

    name: str
    fit: Callable[[Contexts], Fitted]
    applies: Callable[[Contexts], bool] = lambda contexts: True


def samplers(work: float) -> tuple[Sampler, ...]:
    """Every sampler. `work` is the largest product of contexts, kept tokens and tokens for which a kernel is fitted
    for acceptance. TLI must be among them: gains are taken over it.
    """

    def affordable(contexts: Contexts) -> bool:
        return contexts.targets.shape[0] * contexts.drafts.shape[1] * contexts.targets.shape[1] <= work

    def prunes(contexts: Contexts) -> bool:
        return bool(contexts.vocab.cold.size)

    return (
        Sampler("union", lambda _: Fitted(lambda c: union_acceptance(c.targets, c.full_drafts, c.vocab))),
        Sampler("tli", lambda c: Fitted(_accepts(Embedding(c.vocab)))),
        Sampler("rank-one", _rank_one, prunes),
        Sampler("rank-one-cold-mass", _cold_mass, prunes),
        Sampler("cooccurrence", _cooccurrence, prunes),
        Sampler("optimal", _optimal, affordable),
        Sampler("oracle-weight", _oracle, prunes),
        Sampler("unpruned", lambda _: Fitted(lambda c: union_acceptance(c.targets, c.full_drafts, c.shared))),
    )


def _accepts(kernel: Kernel) -> Judge:
    return lambda contexts: acceptance_rate(contexts.targets, kernel.redistribute(contexts.drafts))


def _largest(staying: np.ndarray) -> float:
    """``max_i (1 − M_ii)``, with room for the rounding of float32 acceptance rates."""
    return min(1.0, 1 - float(staying.min()) + ROUNDING)


def _rank_one(contexts: Contexts) -> Fitted:
    fit = fit_rank_one(contexts.targets, contexts.drafts, contexts.vocab)
    return Fitted(_accepts(fit.kernel), fit.weight, min(1.0, fit.weight + ROUNDING))


def _cooccurrence(contexts: Contexts) -> Fitted:
    fit = fit_cooccurrence(contexts.targets, contexts.drafts, contexts.vocab)
    return Fitted(_accepts(fit.kernel), fit.weight, min(1.0, fit.weight + ROUNDING))


def _optimal(contexts: Contexts) -> Fitted:
    kernel = fit_optimal(contexts.targets, contexts.drafts, contexts.vocab, tolerance=GAP).kernel
    return Fitted(
        _accepts(kernel), largest=_largest(kernel.matrix[np.arange(contexts.vocab.kept_size), contexts.vocab.kept])
    )


def _cold_mass(contexts: Contexts) -> Fitted:
    kernels = ColdMassRankOne(contexts.vocab, cold_prior(contexts.targets, contexts.vocab))

    def judge(others: Contexts) -> np.ndarray:
        return acceptance_rate(others.targets, kernels.at(others.full_drafts).redistribute(others.drafts))

    return Fitted(judge)


def _oracle(contexts: Contexts) -> Fitted:
    prior = cold_prior(contexts.targets, contexts.vocab)

    def judge(others: Contexts) -> np.ndarray:
        row = prior.astype(others.targets.dtype)
        weights = best_weights(others.targets, embed(others.drafts, others.vocab), row)
        kernel = RankOne(others.vocab, weights, prior)
        return acceptance_rate(others.targets, kernel.redistribute(others.drafts))

    return Fitted(judge)
