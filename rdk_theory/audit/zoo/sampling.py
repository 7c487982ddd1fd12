"""Samplers with a pruned head, one thing wrong in each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rdk_theory._array import to_numpy
from rdk_theory.audit.adapters import Sampled
from rdk_theory.audit.zoo.entries import Entry, entry
from rdk_theory.distributions import softmax
from rdk_theory.kernels import Embedding, Kernel, RankOne
from rdk_theory.verification import mutants, verify_token
from rdk_theory.verification.samplers import Sampler, randomness
from rdk_theory.vocabulary import Vocabulary

Function = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], "np.ndarray | Sampled"]


def with_kernel(sampler: Sampler) -> Function:
    """A sampler of `rdk_theory.verification` behind the audit's protocol, with a rank-one kernel where it can be."""

    def function(
        target_logits: np.ndarray, draft_logits: np.ndarray, kept: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        p, q = (softmax(z.astype(np.float64)) for z in (target_logits, draft_logits))
        kernel = rank_one(Vocabulary(p.shape[-1], kept))
        return to_numpy(sampler(p, q, kernel, randomness(rng, (len(p),), p.shape[-1])))

    return function


def rank_one(vocab: Vocabulary) -> Kernel:
    """A quarter of the mass evenly to the cold tokens; TLI where none is cold."""
    if not vocab.cold.size:
        return Embedding(vocab)
    prior = np.zeros(vocab.size)
    prior[vocab.cold] = 1 / vocab.cold.size
    return RankOne(vocab, 0.25, prior)


def tli(
    target_logits: np.ndarray,
    draft_logits: np.ndarray,
    kept: np.ndarray,
    rng: np.random.Generator,
    *,
    draw_kept: Callable[[np.ndarray], np.ndarray] = lambda kept: kept,
    report_kept: Callable[[np.ndarray], np.ndarray] = lambda kept: kept,
    draw_logits: Callable[[np.ndarray], np.ndarray] = lambda z: z,
    target_mask: bool = False,
) -> Sampled:
    """TLI, with places where it can be made wrong: how draft ids become target ids, and what is drawn from."""
    size = target_logits.shape[-1]
    p, q = (softmax(z.astype(np.float64)) for z in (target_logits, draft_logits))
    if target_mask:
        # What a head of kept rows alone can verify: where the target has no mass there, it stays as it is.
        masked = np.zeros_like(p)
        masked[:, kept] = p[:, kept]
        mass = masked.sum(axis=1, keepdims=True)
        p = np.where(mass > 0, masked / np.where(mass > 0, mass, 1), p)
    drawn = softmax(draw_logits(draft_logits.astype(np.float64)))
    streams = rng.spawn(3)
    cumulative = np.cumsum(drawn, axis=1)
    u = streams[0].random(len(p)) * cumulative[:, -1]
    at = np.minimum((cumulative <= u[:, None]).sum(axis=1), len(kept) - 1)
    token = draw_kept(kept)[at]
    reported = np.zeros_like(p)
    reported[:, report_kept(kept)] = q
    rows = np.arange(len(p))
    accept = streams[1].random(len(p)) * reported[rows, token] < p[rows, token]
    residual = np.maximum(p - reported, 0)
    residual = np.where(residual.sum(axis=1, keepdims=True) > 0, residual, p)
    sums = np.cumsum(residual, axis=1)
    other = np.minimum((sums <= (streams[2].random(len(p)) * sums[:, -1])[:, None]).sum(axis=1), size - 1)
    return Sampled(np.where(accept, token, other), token, reported)


def _weight_by_token(
    target_logits: np.ndarray, draft_logits: np.ndarray, kept: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The share that moves depends on the drafted token, but the law is computed with its mean."""
    p, q = (softmax(z.astype(np.float64)) for z in (target_logits, draft_logits))
    vocab = Vocabulary(p.shape[-1], kept)
    kernel = rank_one(vocab)
    u = randomness(rng, (len(p),), vocab.size)
    cumulative = np.cumsum(q, axis=1)
    at = np.minimum((cumulative <= (u.first * cumulative[:, -1])[:, None]).sum(axis=1), len(kept) - 1)
    moves = u.second < np.where(at == 0, 0.5, 0.0)
    cold = vocab.cold if vocab.cold.size else np.asarray(kept)
    token = np.where(moves, cold[(u.second * 2 * len(cold)).astype(int) % len(cold)], np.asarray(kept)[at])
    law = to_numpy(kernel.redistribute(q))
    possible = law[np.arange(len(p)), token] > 0
    token = np.where(possible, token, np.asarray(kept)[at])
    return verify_token(p, law, token, u.accept, u.residual)[0]


def _top(z: np.ndarray) -> np.ndarray:
    """All but the least likely token, where there are two."""
    if z.shape[-1] < 2:
        return z
    out = z.copy()
    np.put_along_axis(out, z.argmin(axis=1)[:, None], -np.inf, axis=1)
    return out


def _changed(**options: object) -> Function:
    def function(
        target_logits: np.ndarray, draft_logits: np.ndarray, kept: np.ndarray, rng: np.random.Generator
    ) -> Sampled:
        return tli(target_logits, draft_logits, kept, rng, **options)  # type: ignore[arg-type]

    return function


SAMPLER_MUTANTS: tuple[Entry, ...] = (
    *(
        entry("sampler", f"pruned-{name}", mutant.bug, with_kernel(mutant.sampler))
        for name, mutant in zip(
            (
                "accept-by-restricted",
                "residual-at-drafted-only",
                "draft-probability-one",
                "uniform-shared",
                "gumbel-shared",
                "reported-as-if-sorted",
            ),
            mutants.MUTANTS,
            strict=False,
        )
    ),
    entry(
        "sampler",
        "pruned-law-permuted",
        "the reported law is that of kept ids in ascending order",
        _changed(report_kept=np.sort),
    ),
    entry(
        "sampler",
        "pruned-draft-ids",
        "draft ids are used as target ids",
        _changed(draw_kept=lambda kept: np.arange(len(kept))),
    ),
    entry("sampler", "pruned-target-masked", "the target is restricted to the kept tokens", _changed(target_mask=True)),
    entry(
        "sampler",
        "pruned-temperature",
        "drafts are drawn at another temperature than their law",
        _changed(draw_logits=lambda z: 2 * z),
    ),
    entry(
        "sampler", "pruned-top-k", "drafts are drawn from fewer tokens than their law has", _changed(draw_logits=_top)
    ),
    entry("sampler", "pruned-weight-by-token", "the mixing weight depends on the drafted token", _weight_by_token),
)
"""Samplers with a pruned head."""
