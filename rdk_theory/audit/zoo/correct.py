"""Correct samplers, some of which work in unusual ways: none may be flagged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rdk_theory._array import to_numpy
from rdk_theory.audit.adapters import Sampled
from rdk_theory.audit.zoo.entries import Entry, entry
from rdk_theory.audit.zoo.generation import Loop
from rdk_theory.audit.zoo.parts import Parts, right_draw
from rdk_theory.audit.zoo.sampling import rank_one, tli, with_kernel
from rdk_theory.distributions import softmax
from rdk_theory.verification import verify_block, verify_chain, verify_lazy, verify_token
from rdk_theory.verification.samplers import exact_match_sampler, race_sampler, rejection_sampler
from rdk_theory.vocabulary import Vocabulary


def _token(
    target: np.ndarray, proposal: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    accept, residual = rng.spawn(2)
    return verify_token(target, proposal, drafted, accept.random(len(drafted)), residual.random(len(drafted)))


def _chain(verify: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    def function(
        targets: np.ndarray, proposals: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        accept, residual, bonus = rng.spawn(3)
        rows = len(drafted)
        return verify(
            targets, proposals, drafted, accept.random(drafted.shape), residual.random(rows), bonus.random(rows)
        )

    return function


def _without_bonus(
    targets: np.ndarray, proposals: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    tokens, accepted = Parts()(targets, proposals, drafted, rng)
    tokens[accepted == drafted.shape[1], -1] = -1
    return tokens, accepted


def _alias(weights: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Walker's alias method, one table for rows that are alike."""
    rows, which = np.unique(weights, axis=0, return_inverse=True)
    share, other = (np.stack(x)[which.reshape(-1)] for x in zip(*map(_alias_table, rows), strict=True))
    size = weights.shape[1]
    place, at = u * size, np.arange(len(u))
    column = np.minimum(place.astype(int), size - 1)
    return np.where(place - column < share[at, column], column, other[at, column])


def _alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of its own column that each token keeps, and which token has the rest."""
    size = weights.size
    total = weights.sum()
    share = weights / total * size if total > 0 else np.ones(size)
    other = np.arange(size)
    small, large = (list(np.flatnonzero(side)) for side in (share < 1, share >= 1))
    while small and large:
        low, high = small.pop(), large.pop()
        other[low] = high
        share[high] -= 1 - share[low]
        (small if share[high] < 1 else large).append(high)
    return share, other


def _ignores_draft(
    targets: np.ndarray, proposals: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws from the target and calls it accepted where the draft happens to be the same (exact match)."""
    rows, gamma = drafted.shape
    tokens = np.full((rows, gamma + 1), -1, dtype=np.int64)
    accepted = np.zeros(rows, dtype=np.int64)
    going = np.ones(rows, dtype=bool)
    for step in range(gamma + 1):
        drawn = right_draw(targets[:, step].astype(np.float64), np.asarray(rng.random(rows)))
        tokens[going, step] = drawn[going]
        if step < gamma:
            going = going & (drawn == drafted[:, step])
            accepted += going
    return tokens, accepted


def _lazy(
    target_logits: np.ndarray, draft_logits: np.ndarray, kept: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Two-stage draw, one column for the test, at most three tries of the residual before it is formed."""
    p, q = (softmax(z.astype(np.float64)) for z in (target_logits, draft_logits))
    kernel = rank_one(Vocabulary(p.shape[-1], kept))
    first, second, accept, propose, keep, last = rng.spawn(6)
    rows = len(p)
    at = right_draw(q, np.asarray(first.random(rows)))
    token = to_numpy(kernel.draw(at, second.random(rows)))
    out = verify_lazy(
        p, q, kernel, token, accept.random(rows), propose.random((rows, 3)), keep.random((rows, 3)), last.random(rows)
    )
    return out.token


def _biased(target_logits: np.ndarray, draft_logits: np.ndarray, kept: np.ndarray, rng: np.random.Generator) -> Sampled:
    """The likeliest kept token is drafted half as often, and its law says so (Saguaro sampling)."""
    z = draft_logits.astype(np.float64)
    if z.shape[1] > 1:
        z = z.copy()
        z[np.arange(len(z)), z.argmax(axis=1)] -= np.log(2)
    return tli(target_logits, z, kept, rng)


CORRECT: tuple[Entry, ...] = (
    entry("token", "verify-token", "rdk_theory.verify_token", _token, dtypes=("float64", "float32")),
    entry("chain", "verify-chain", "rdk_theory.verify_chain", _chain(verify_chain), dtypes=("float64", "float32")),
    entry("chain", "verify-block", "rdk_theory.verify_block", _chain(verify_block), dtypes=("float64", "float32")),
    entry("chain", "inverse-cdf", "token-wise, replacements by inverse CDF", Parts(), dtypes=("float64", "float16")),
    entry("chain", "no-bonus", "no bonus token after a wholly accepted chain", _without_bonus),
    entry("chain", "alias", "replacements by Walker's alias method", Parts(draw=_alias, bonus=_alias)),
    entry("chain", "exact-match", "drawn from the target; accepted where the draft is the same", _ignores_draft),
    entry("sampler", "pruned-rejection", "two-stage draw from q′M, verified by it", with_kernel(rejection_sampler)),
    entry("sampler", "pruned-race", "drafts by an exponential race (Gumbel maximum)", with_kernel(race_sampler)),
    entry(
        "sampler",
        "pruned-exact-match",
        "the drafted token is taken as certain, in test and residual alike",
        with_kernel(exact_match_sampler),
    ),
    entry("sampler", "pruned-tli", "TLI, with its law reported", tli),
    entry("sampler", "pruned-lazy", "verification without a proposal", _lazy),
    entry("sampler", "pruned-saguaro", "a draft law biased on purpose, and reported", _biased),
    entry("generate", "generate-rounds", "rounds of two drafted tokens", Loop(), batch=1 << 12),
    entry("generate", "generate-no-bonus", "the same without bonus tokens", Loop(bonus=False), batch=1 << 12),
)
"""Every correct sampler."""
