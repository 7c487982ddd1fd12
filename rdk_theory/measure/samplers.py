"""The samplers that a measurement compares: what each fits on calibration contexts, and what it accepts on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from rdk_theory.acceptance import acceptance_rate, union_acceptance
from rdk_theory.cold_mass import ColdHead, jensen_log_mass
from rdk_theory.distributions import embed, restrict
from rdk_theory.fitting.cold_weight import cold_share, fit_cold_weight
from rdk_theory.fitting.cooccurrence import fit_cooccurrence
from rdk_theory.fitting.prior import ColdMassRankOne, cold_prior, exact_cold_mass_weight, fit_rank_one
from rdk_theory.fitting.safety import reach
from rdk_theory.fitting.validated import fit_validated
from rdk_theory.fitting.weights import best_weights
from rdk_theory.kernels import Embedding, Kernel, RankOne, SoftmaxCovariance
from rdk_theory.vocabulary import Vocabulary

Judge: TypeAlias = Callable[["Contexts"], np.ndarray]
"""Acceptance rate of a fitted sampler in each of some contexts."""

Estimate: TypeAlias = Callable[["Contexts"], np.ndarray]
"""Estimate of the drafter's cold mass in each of some contexts."""

GAP = 1e-2
"""The fit for acceptance stops once no kernel is better by more than this, in the contexts of the fit.

On count pairs the gain in other contexts is then the same as after three times as many steps.
"""

RANK = 8
"""Directions of the target's covariance that its softmax kernel follows."""

COLD_RANK = 8
"""Directions of the covariance of the cold rows of a head from which their mass is estimated."""

ROUNDING = 1e-5
"""Two float32 acceptance rates, each a sum over the vocabulary, differ by no more than this from exact ones."""


MENDED = "unpruned-optimal"
"""The unpruned drafter with a kernel over all its tokens, fitted as the optimal one is."""


@dataclass(frozen=True)
class Contexts:
    """Contexts of one kept set: ``p`` and ``q`` in full, and ``q'``; of a neural drafter also what its head reads."""

    vocab: Vocabulary
    shared: Vocabulary
    """Tokens that the unpruned drafter shares with the target."""
    targets: np.ndarray
    full_drafts: np.ndarray
    drafts: np.ndarray
    documents: np.ndarray | None = None
    """The document of each context."""
    states: np.ndarray | None = None
    """What the drafter's head is multiplied by, ``(C, d)``."""
    head: np.ndarray | None = None
    """The drafter's head, ``(D, d)``; a bias is its last column, and 1 the last entry of every state."""

    @classmethod
    def of(
        cls,
        vocab: Vocabulary,
        shared: Vocabulary,
        targets: np.ndarray,
        full_drafts: np.ndarray,
        documents: np.ndarray | None = None,
        states: np.ndarray | None = None,
        head: np.ndarray | None = None,
    ) -> Contexts:
        """With the full draft rows restricted to the kept tokens."""
        return cls(vocab, shared, targets, full_drafts, restrict(full_drafts, vocab), documents, states, head)


@dataclass(frozen=True)
class Fitted:
    """What a sampler became on calibration contexts."""

    judge: Judge
    weight: float | None = None
    """The weight against TLI, where there is one."""
    largest: float = 1.0
    """Bound on the gain over TLI in any context, either way; known from the kernel alone (claim ``lipschitz``)."""
    fitted: float | None = None
    """Mean acceptance in the contexts of the fit."""
    upper_bound: float | None = None
    """What no context-free kernel exceeds in those contexts (claim ``optimal-kernel``)."""


@dataclass(frozen=True)
class Sampler:
    """One row of the comparison."""

    name: str
    fit: Callable[[Contexts], Fitted]
    applies: Callable[[Contexts], bool] = lambda contexts: True


NAMES = (
    "union",
    "tli",
    "rank-one",
    "rank-one-cold-mass",
    "rank-one-jensen",
    "rank-one-cumulant",
    "rank-one-cold-mass-calibrated",
    "cooccurrence",
    "optimal",
    "softmax-covariance",
    "gated-priors",
    "low-rank-eighth",
    "shortlist-sixteenth",
    "shortlist-eighth",
    "oracle-weight",
    "unpruned",
    MENDED,
)
"""Every sampler, in the order of the tables; those with a part of the head are in `context_samplers`."""


def samplers(work: float, names: Sequence[str] = NAMES, seed: int = 0, rank: int = COLD_RANK) -> tuple[Sampler, ...]:
    """The samplers of these names, and TLI, over which gains are taken.

    Parameters
    ----------
    work
        Largest product of contexts, kept tokens and tokens for which a kernel is fitted for acceptance.
    names
        Some of `NAMES`.
    seed
        Of the sketch from which the covariance is taken, and of the order of contexts in fits by steps.
    rank
        Directions of the covariance of the cold rows of a head, or all of them if it has fewer.

    Notes
    -----
    A diffusion along the graph of co-occurrence is not among them: the walk ends at its first cold token, so that one
    step of it is the co-occurrence kernel, and more steps change only how often a token leaves.
    """
    from rdk_theory.measure.context_samplers import CONTEXT_NAMES, context_samplers

    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ValueError(f"no sampler {unknown[0]!r}; there are {', '.join(NAMES)}")

    def affordable(contexts: Contexts) -> bool:
        return contexts.targets.shape[0] * contexts.drafts.shape[1] * contexts.targets.shape[1] <= work

    def whole_affordable(contexts: Contexts) -> bool:
        return contexts.targets.shape[0] * contexts.shared.kept_size * contexts.targets.shape[1] <= work

    mended: list[tuple[np.ndarray, Fitted]] = []

    def mend(contexts: Contexts) -> Fitted:
        """Once for all kept sets: it does not depend on them."""
        if not mended or mended[0][0] is not contexts.targets:
            mended[:] = [(contexts.targets, _mended(contexts))]
        return mended[0][1]

    def prunes(contexts: Contexts) -> bool:
        return bool(contexts.vocab.cold.size)

    def has_cold_rows(contexts: Contexts) -> bool:
        return prunes(contexts) and contexts.head is not None and contexts.vocab.kept_size < contexts.head.shape[0]

    every = (
        Sampler("union", lambda _: Fitted(lambda c: union_acceptance(c.targets, c.full_drafts, c.vocab))),
        Sampler("tli", lambda c: Fitted(_accepts(Embedding(c.vocab)))),
        Sampler("rank-one", _rank_one, prunes),
        Sampler("rank-one-cold-mass", _cold_mass, prunes),
        Sampler("rank-one-jensen", lambda c: _calibrated(c, _from_mean(c)), has_cold_rows),
        Sampler("rank-one-cumulant", lambda c: _calibrated(c, _from_covariance(c, rank)), has_cold_rows),
        Sampler("rank-one-cold-mass-calibrated", lambda c: _calibrated(c, _from_rows), prunes),
        Sampler("cooccurrence", _cooccurrence, prunes),
        Sampler("optimal", _optimal, affordable),
        Sampler("softmax-covariance", lambda c: _softmax_covariance(c, seed)),
        *context_samplers([name for name in names if name in CONTEXT_NAMES], seed),
        Sampler("oracle-weight", _oracle, prunes),
        Sampler("unpruned", lambda _: Fitted(lambda c: union_acceptance(c.targets, c.full_drafts, c.shared))),
        Sampler(MENDED, mend, whole_affordable),
    )
    return tuple(sampler for sampler in every if sampler.name in names or sampler.name == "tli")


def _accepts(kernel: Kernel) -> Judge:
    return lambda contexts: acceptance_rate(contexts.targets, kernel.redistribute(contexts.drafts))


def _rank_one(contexts: Contexts) -> Fitted:
    fit = fit_rank_one(contexts.targets, contexts.drafts, contexts.vocab)
    return Fitted(_accepts(fit.kernel), fit.weight, min(1.0, fit.weight + ROUNDING), fit.acceptance)


def _cooccurrence(contexts: Contexts) -> Fitted:
    fit = fit_cooccurrence(contexts.targets, contexts.drafts, contexts.vocab)
    return Fitted(_accepts(fit.kernel), fit.weight, min(1.0, fit.weight + ROUNDING), fit.acceptance)


def _optimal(contexts: Contexts) -> Fitted:
    fit = fit_validated(
        contexts.targets, contexts.drafts, contexts.vocab, contexts.documents, tolerance=GAP, certify=False
    )
    largest = min(1.0, reach(fit.kernel) + ROUNDING)
    return Fitted(_accepts(fit.kernel), fit.share, largest, fit.acceptance, fit.upper_bound)


def _mended(contexts: Contexts) -> Fitted:
    """The fit of `_optimal` to the unpruned drafter: it has nothing to restore, so what it gains is repair."""
    shared = contexts.shared
    drafts = restrict(contexts.full_drafts, shared)
    fit = fit_validated(contexts.targets, drafts, shared, contexts.documents, tolerance=GAP, certify=False)

    def judge(others: Contexts) -> np.ndarray:
        return acceptance_rate(others.targets, fit.kernel.redistribute(restrict(others.full_drafts, shared)))

    return Fitted(judge, fit.share, fitted=fit.acceptance, upper_bound=fit.upper_bound)


def _softmax_covariance(contexts: Contexts, seed: int) -> Fitted:
    """The first-order kernel at the smallest temperature that Cauchy's inequality shows to be legal."""
    factor = covariance_factor(contexts.targets, RANK, np.random.default_rng(seed))
    kept = np.linalg.norm(factor[contexts.vocab.kept], axis=1).max()
    centred = np.linalg.norm(factor - factor.mean(axis=0), axis=1).max()
    temperature = float(kept * centred) * (1 + ROUNDING)  # the inequality can be an equality, up to rounding
    return Fitted(_accepts(SoftmaxCovariance.from_factor(contexts.vocab, factor, temperature).first_order()))


def covariance_factor(targets: np.ndarray, rank: int, rng: np.random.Generator) -> np.ndarray:
    """`F`, ``(N, rank)``, for which ``F Fᵀ`` is near the covariance over contexts of the target's probability vector.

    Two rounds of subspace iteration from a random sketch, twice as wide (Halko, Martinsson & Tropp 2011); the centred
    matrix is used without being made.
    """
    mean = targets.mean(axis=0, dtype=np.float64).astype(targets.dtype)

    def spread(vectors: np.ndarray) -> np.ndarray:
        return np.asarray(targets @ vectors - mean @ vectors)

    def gather(coefficients: np.ndarray) -> np.ndarray:
        return np.asarray(targets.T @ coefficients - np.outer(mean, coefficients.sum(axis=0)))

    basis = rng.standard_normal((targets.shape[1], min(2 * rank, *targets.shape))).astype(targets.dtype)
    for _ in range(2):
        basis, _ = np.linalg.qr(gather(spread(basis)))
    image = spread(basis).astype(np.float64) / np.sqrt(targets.shape[0])
    _, values, turn = np.linalg.svd(image, full_matrices=False)
    return np.asarray((basis.astype(np.float64) @ turn.T * values)[:, :rank])


def _cold_mass(contexts: Contexts) -> Fitted:
    kernels = ColdMassRankOne(contexts.vocab, cold_prior(contexts.targets, contexts.vocab))

    def judge(others: Contexts) -> np.ndarray:
        return acceptance_rate(others.targets, kernels.at(others.full_drafts).redistribute(others.drafts))

    return Fitted(judge)


def _calibrated(contexts: Contexts, estimate: Estimate) -> Fitted:
    """The rank-one kernel with the weight that was fitted to an estimate of the cold mass."""
    fit = fit_cold_weight(
        contexts.targets, contexts.drafts, contexts.vocab, estimate(contexts), documents=contexts.documents
    )

    def judge(others: Contexts) -> np.ndarray:
        return acceptance_rate(others.targets, fit.at(estimate(others)).redistribute(others.drafts))

    return Fitted(judge, largest=min(1.0, float(fit.weights.max()) + ROUNDING), fitted=fit.acceptance)


def _from_rows(contexts: Contexts) -> np.ndarray:
    """The cold mass itself, which needs the whole head."""
    return np.asarray(exact_cold_mass_weight(contexts.full_drafts, contexts.vocab))


def _from_mean(contexts: Contexts) -> Estimate:
    """Jensen's bound: from the mean cold row."""
    cold = _cold_head(contexts, None)

    def estimate(others: Contexts) -> np.ndarray:
        mean, _ = cold.moments(others.states)
        return _share(others, jensen_log_mass(cold.size, mean, np.zeros_like(mean))[0])

    return estimate


def _from_covariance(contexts: Contexts, rank: int) -> Estimate:
    """The second cumulant: from the mean cold row and the leading directions of the covariance."""
    cold = _cold_head(contexts, rank)
    return lambda others: _share(others, cold.log_mass(others.states))


def _cold_head(contexts: Contexts, rank: int | None) -> ColdHead:
    """Of the rows that the drafter's head loses, in its own ids."""
    head = np.asarray(contexts.head)
    kept = Vocabulary(contexts.vocab.draft_size, contexts.vocab.draft_ids)
    return ColdHead.from_head(head, kept, None if rank is None else min(rank, head.shape[1]))


def _share(contexts: Contexts, log_mass: np.ndarray) -> np.ndarray:
    kept = np.asarray(contexts.head)[contexts.vocab.draft_ids]
    return np.asarray(cold_share(log_mass, np.asarray(contexts.states) @ kept.T))


def _oracle(contexts: Contexts) -> Fitted:
    prior = cold_prior(contexts.targets, contexts.vocab)

    def judge(others: Contexts) -> np.ndarray:
        row = prior.astype(others.targets.dtype)
        weights = best_weights(others.targets, embed(others.drafts, others.vocab), row)
        kernel = RankOne(others.vocab, weights, prior)
        return acceptance_rate(others.targets, kernel.redistribute(others.drafts))

    return Fitted(judge)
