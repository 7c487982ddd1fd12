"""What samplers emit: instances, and laws found by running the samplers on every cell of their uniforms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.kernels.base import Kernel
from rdk_theory.kernels.embedding import Embedding
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._sequences import fractions
from rdk_theory.theorems._source import Source
from rdk_theory.verification import law as exact_law
from rdk_theory.verification import samplers, verify_token
from rdk_theory.vocabulary import Vocabulary

Cuts = Callable[[np.ndarray, np.ndarray, Kernel], Iterable[Any]]
"""From target, draft and kernel: thresholds beyond those of the right verifier."""

DRAWS = 40_000
"""Draws of a sampler that has no finite enumeration: 6.5 standard errors of a frequency are at most 0.0163."""


def laws(source: Source) -> Instance:
    size, denominator = source.size(1, 4), 4 if source.exact else 6
    return {"p": source.parts(size, denominator), "r": source.parts(size, denominator)}


def misreported(source: Source) -> Instance:
    size = source.size(1, 3)
    reported = (source.parts(size, 4) + 1) / (size + 1)
    return {"p": source.parts(size, 4), "r": source.parts(size, 4), "reported": reported}


def mixture(source: Source) -> Instance:
    """A target, a draft over kept tokens in any order, and what mixes it with a prior; all of small denominators."""
    if source.pick((True, False)):
        return three_tokens(source)
    size = source.size(1, 3)
    kept = source.kept(size)
    return {
        "p": source.parts(size, 3),
        "draft": source.parts(len(kept), 3),
        "kept": kept,
        "prior": source.parts(size, 3),
        "weight": source.pick((Fraction(1, 2), Fraction(1))),
    }


def three_tokens(source: Source) -> Instance:
    """Kept ids that are not ascending, and residuals of two tokens: the fewest tokens on which some bugs show."""
    return {
        "p": fractions(*source.pick(((2, 1, 3), (1, 1, 1), (3, 2, 1)))),
        "draft": fractions(*source.pick(((2, 1), (1, 5)))),
        "kept": np.array(source.pick(((2, 0), (2, 1)))),
        "prior": fractions(*source.pick(((0, 1, 0), (1, 1, 1)))),
        "weight": Fraction(1, 2),
    }


def tiny(source: Source) -> Instance:
    """All tokens kept; the draft gives the last a probability that half precision rounds to 0."""
    size = source.size(2, 3)
    tiny = Fraction(1, 2 ** (26 if source.exact else source.size(26, 60)))
    draft = np.array([*source.parts(size - 1, 3) * (1 - tiny), tiny], dtype=object)
    rare = source.pick((Fraction(0), tiny / 2, tiny, 2 * tiny))
    target = np.array([*source.parts(size - 1, 3) * (1 - rare), rare], dtype=object)
    kept = np.arange(size)
    return {"p": target, "draft": draft, "kept": kept, "prior": draft, "weight": Fraction(0)}


def raced(source: Source) -> Instance:
    """All tokens kept; the target never emits the last, which the draft likes."""
    size = source.size(3, 4)
    wasted = source.open_weight()
    zero = source.array([0])
    draft = np.concatenate([source.distribution(size - 1) * (1 - wasted), zero + wasted])
    target = np.concatenate([source.distribution(size - 1), zero])
    return {"p": target, "draft": draft, "seed": source.size(0, 1000)}


def join(law: Any, acceptance: Any) -> np.ndarray:
    """A law and a probability of acceptance, as one row."""
    return np.array([*law, acceptance], dtype=object)


def token_law(p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Law of the emitted token and probability of acceptance, the verifier run on every cell of its uniforms."""
    found = exact_law.emitted_law(verify_token, p, r)
    return join(*found)


def misreported_bias(p: np.ndarray, r: np.ndarray, reported: np.ndarray) -> Any:
    """Distance of the emitted law from the target's when the verifier is told another law than that of the draw."""

    def verify(target: np.ndarray, proposal: np.ndarray, *uniforms: np.ndarray) -> tuple[Any, Any]:
        return verify_token(target, np.broadcast_to(reported, proposal.shape), *uniforms)

    law = exact_law.emitted_law(verify, p, r, exact_law.thresholds(p, reported)).law
    return sum(_roads.positive_part(law, p))


def sampled(sampler: samplers.Sampler, cuts: Cuts | None = None) -> Callable[..., np.ndarray]:
    """Law of what a sampler emits, by running it on every cell of its uniforms."""

    def road(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> np.ndarray:
        kernel = RankOne(Vocabulary(len(p), kept), weight, prior)
        return exact_law.sampler_law(sampler, p, draft, kernel, cuts(p, draft, kernel) if cuts else ())

    return road


def restricted_ratios(p: np.ndarray, draft: np.ndarray, kernel: Kernel) -> list[Any]:
    """Target over restricted draft, where that is positive."""
    return [a / b for a, b in zip(p[kernel.vocab.kept], draft, strict=True) if b > 0]


def single_residuals(p: np.ndarray, draft: np.ndarray, kernel: Kernel) -> list[Any]:
    """Steps of the residuals that subtract the proposal at one token only."""
    proposal = kernel.redistribute(draft)
    only = [np.where(np.arange(len(p)) == x, proposal, p - p) for x in range(len(p))]
    return [step for row in only for step in exact_law.steps(_roads.positive_part(p, row))]


def ascending_thresholds(p: np.ndarray, draft: np.ndarray, kernel: Kernel) -> list[Any]:
    """Those of the proposal that is reported when kept ids are taken as ascending."""
    rank = np.argsort(kernel.vocab.order)
    return exact_law.thresholds(p, kernel.redistribute(draft[rank]))


def match_law(p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Verified as if the drafted token had been certain: the verifier run on every cell of its uniforms."""
    law, accepted = p * 0, Fraction(0)
    for x, chance in enumerate(r):
        certain = np.array([Fraction(t == x) for t in range(len(p))], dtype=object)
        found = exact_law.emitted_law(verify_token, p, certain)
        law, accepted = law + chance * found.law, accepted + chance * found.acceptance
    return join(law, accepted)


def match_then_target(p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Accept with ``p_x``, else draw from the whole target."""
    matched = [a * b for a, b in zip(p, r, strict=True)]
    return join([m + (1 - sum(matched)) * a for m, a in zip(matched, p, strict=True)], sum(matched))


def frequencies(sampler: samplers.Sampler) -> Callable[..., np.ndarray]:
    """How often each token is emitted in many draws."""

    def road(p: np.ndarray, draft: np.ndarray, seed: int) -> np.ndarray:
        kernel = Embedding(Vocabulary.full(len(p)))
        target, drafts = (np.broadcast_to(x, (DRAWS, len(x))) for x in (p, draft))
        uniforms = samplers.randomness(np.random.default_rng(seed), (DRAWS,), len(p))
        return np.bincount(sampler(target, drafts, kernel, uniforms), minlength=len(p)) / DRAWS

    return road


def played(p: np.ndarray, r: np.ndarray, left: list[Any]) -> np.ndarray:
    """Accept by ratio, else draw from `left`; law of the emitted token and probability of acceptance."""
    kept = [rx * min(1, px / rx) if rx > 0 else Fraction(0) for px, rx in zip(p, r, strict=True)]
    law = [a + (1 - sum(kept)) * b / sum(left) for a, b in zip(kept, left, strict=True)]
    return join(law, sum(kept))
