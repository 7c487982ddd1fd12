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

OPTIMAL_WORK = 4e9
"""Contexts × kept × cold-and-kept tokens up to which the acceptance-optimal kernel is fitted: minutes on two cores."""


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
class Sampler:
    """One row of the comparison."""

    name: str
    fit: Callable[[Contexts], tuple[Judge, float | None]]
    """From calibration contexts to a judge, and the mixing weight where there is one."""
    applies: Callable[[Contexts], bool] = lambda contexts: True


def _fixed(judge: Judge) -> Callable[[Contexts], tuple[Judge, None]]:
    """A sampler with nothing to fit."""
    return lambda contexts: (judge, None)


def _accepts(kernel: Kernel) -> Judge:
    return lambda contexts: acceptance_rate(contexts.targets, kernel.redistribute(contexts.drafts))


def _rank_one(contexts: Contexts) -> tuple[Judge, float]:
    fit = fit_rank_one(contexts.targets, contexts.drafts, contexts.vocab)
    return _accepts(fit.kernel), fit.weight


def _cooccurrence(contexts: Contexts) -> tuple[Judge, float]:
    fit = fit_cooccurrence(contexts.targets, contexts.drafts, contexts.vocab)
    return _accepts(fit.kernel), fit.weight


def _optimal(contexts: Contexts) -> tuple[Judge, None]:
    return _accepts(fit_optimal(contexts.targets, contexts.drafts, contexts.vocab).kernel), None


def _cold_mass(contexts: Contexts) -> tuple[Judge, None]:
    kernels = ColdMassRankOne(contexts.vocab, cold_prior(contexts.targets, contexts.vocab))

    def judge(others: Contexts) -> np.ndarray:
        return acceptance_rate(others.targets, kernels.at(others.full_drafts).redistribute(others.drafts))

    return judge, None


def _oracle(contexts: Contexts) -> tuple[Judge, None]:
    prior = cold_prior(contexts.targets, contexts.vocab)

    def judge(others: Contexts) -> np.ndarray:
        row = prior.astype(others.targets.dtype)
        weights = best_weights(others.targets, embed(others.drafts, others.vocab), row)
        kernel = RankOne(others.vocab, weights, prior)
        return acceptance_rate(others.targets, kernel.redistribute(others.drafts))

    return judge, None


def _affordable(contexts: Contexts) -> bool:
    return contexts.targets.shape[0] * contexts.drafts.shape[1] * contexts.targets.shape[1] <= OPTIMAL_WORK


def _prunes(contexts: Contexts) -> bool:
    return bool(contexts.vocab.cold.size)


SAMPLERS = (
    Sampler("union", _fixed(lambda c: union_acceptance(c.targets, c.full_drafts, c.vocab))),
    Sampler("tli", lambda c: (_accepts(Embedding(c.vocab)), None)),
    Sampler("rank-one", _rank_one, _prunes),
    Sampler("rank-one-cold-mass", _cold_mass, _prunes),
    Sampler("cooccurrence", _cooccurrence, _prunes),
    Sampler("optimal", _optimal, _affordable),
    Sampler("oracle-weight", _oracle, _prunes),
    Sampler("unpruned", _fixed(lambda c: union_acceptance(c.targets, c.full_drafts, c.shared))),
)
"""TLI must be among them: gains are taken over it."""
