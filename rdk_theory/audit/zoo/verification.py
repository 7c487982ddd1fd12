"""Verifiers of chains with one part wrong, each a bug met in engines or one keystroke away from them."""

from __future__ import annotations

import numpy as np

from rdk_theory.audit.zoo.entries import Entry, entry
from rdk_theory.audit.zoo.parts import Parts, right_draw, right_uniforms
from rdk_theory.verification import verify_block


def _no_proposal(p: np.ndarray, r: np.ndarray, drafted: np.ndarray) -> np.ndarray:
    return p


def _absolute(p: np.ndarray, r: np.ndarray, drafted: np.ndarray) -> np.ndarray:
    return np.abs(p - r)


def _wrong_sign(p: np.ndarray, r: np.ndarray, drafted: np.ndarray) -> np.ndarray:
    excess = np.maximum(r - p, 0)
    return np.where(excess.sum(axis=1, keepdims=True) > 0, excess, p)


def _at_drafted_only(p: np.ndarray, r: np.ndarray, drafted: np.ndarray) -> np.ndarray:
    weights, at = p.copy(), np.arange(len(p))
    weights[at, drafted] = np.maximum(p[at, drafted] - r[at, drafted], 0)
    return weights


def _floored(p: np.ndarray, r: np.ndarray, drafted: np.ndarray) -> np.ndarray:
    return np.maximum(p - r, 0.05)


def _shared(rng: np.random.Generator, rows: int, gamma: int) -> tuple[np.ndarray, np.ndarray]:
    accept, _ = right_uniforms(rng, rows, gamma)
    return accept, accept[:, 0]


def _one_for_all_rows(rng: np.random.Generator, rows: int, gamma: int) -> tuple[np.ndarray, np.ndarray]:
    accept, last = right_uniforms(rng, 1, gamma)
    return np.repeat(accept, rows, axis=0), np.repeat(last, rows)


def _one_for_all_steps(rng: np.random.Generator, rows: int, gamma: int) -> tuple[np.ndarray, np.ndarray]:
    accept, last = right_uniforms(rng, rows, gamma)
    return np.repeat(accept[:, :1], gamma, axis=1), last


def _same_seed(rng: np.random.Generator, rows: int, gamma: int) -> tuple[np.ndarray, np.ndarray]:
    return right_uniforms(np.random.default_rng(0), rows, gamma)


def _goes_on(passed: np.ndarray) -> np.ndarray:
    return np.asarray(passed.sum(axis=1))


def _greedy(weights: np.ndarray, u: np.ndarray) -> np.ndarray:
    return np.asarray(weights.argmax(axis=1))


def _last_row(accepted: np.ndarray, gamma: int) -> np.ndarray:
    return np.full_like(accepted, gamma)


def _never_last(weights: np.ndarray, u: np.ndarray) -> np.ndarray:
    return np.minimum(right_draw(weights, u), weights.shape[1] - 2)


def _first_more(weights: np.ndarray, u: np.ndarray) -> np.ndarray:
    """`searchsorted` on the wrong side of a table that lacks its leading 0."""
    return np.maximum(right_draw(weights, u) - 1, 0)


def _half_cumulative(weights: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Running sums in 16 bits: the small steps of a wide vocabulary are lost."""
    total = np.zeros(len(weights), dtype=np.float16)
    cumulative = np.empty(weights.shape, dtype=np.float16)
    for token in range(weights.shape[1]):
        total = total + weights[:, token].astype(np.float16)
        cumulative[:, token] = total
    threshold = (u * cumulative[:, -1].astype(np.float64)).astype(np.float16)
    return np.minimum((cumulative <= threshold[:, None]).sum(axis=1), weights.shape[1] - 1)


def _block_with_token_residual(
    targets: np.ndarray, proposals: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Blocks are accepted as they should be, but the replacement is that of token-wise verification."""
    p, r = targets.astype(np.float64), proposals.astype(np.float64)
    rows, gamma = drafted.shape
    tests, last = right_uniforms(rng, rows, gamma)
    tokens, accepted = verify_block(p, r, drafted, tests, last, last)
    at, step = np.arange(rows), np.minimum(accepted, gamma - 1)
    weights = np.maximum(p[at, step] - r[at, step], 0)
    weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, p[at, step])
    tokens = tokens.copy()
    tokens[at, accepted] = np.where(accepted == gamma, tokens[at, accepted], right_draw(weights, last))
    return tokens, accepted


CHAIN_MUTANTS: tuple[Entry, ...] = tuple(
    entry("chain", name, about, verifier)
    for name, about, verifier in (
        (
            "residual-is-target",
            "after a rejection the target is drawn from, not the residual",
            Parts(residual=_no_proposal),
        ),
        (
            "residual-at-drafted-only",
            "the residual drops draft mass at the drafted token alone, as if the draft had been certain",
            Parts(residual=_at_drafted_only),
        ),
        ("residual-absolute", "the residual is |p − r|", Parts(residual=_absolute)),
        ("residual-wrong-sign", "the residual is (r − p)₊", Parts(residual=_wrong_sign)),
        (
            "residual-floored",
            "the residual is floored by a small constant, against division by 0",
            Parts(residual=_floored),
        ),
        ("residual-greedy", "after a rejection the likeliest token is taken", Parts(draw=_greedy)),
        ("bonus-greedy", "the bonus token is the likeliest one", Parts(bonus=_greedy)),
        ("draft-probability-one", "the accept test takes the draft probability as 1", Parts(ratio=lambda p, r: p)),
        (
            "ratio-inverted",
            "the accept test has r/p in place of p/r",
            Parts(ratio=lambda p, r: np.minimum(1, r / np.where(p > 0, p, 1)) * (p > 0)),
        ),
        ("accept-always", "every drafted token is accepted", Parts(ratio=lambda p, r: np.ones_like(p))),
        (
            "accept-typical",
            "tokens above a threshold of target probability are accepted",
            Parts(ratio=lambda p, r: (p > 0.15).astype(float)),
        ),
        (
            "accept-lenient",
            "a tolerance of 0.1 is added to the ratio",
            Parts(ratio=lambda p, r: np.minimum(1, p / np.where(r > 0, r, 1) + 0.1)),
        ),
        ("uniform-shared", "accept test and residual draw share one uniform", Parts(uniforms=_shared)),
        ("uniform-for-all-steps", "all tests of a chain share one uniform", Parts(uniforms=_one_for_all_steps)),
        ("uniform-for-all-rows", "all rows of a batch share their uniforms", Parts(uniforms=_one_for_all_rows)),
        ("seed-constant", "every call starts from the same seed", Parts(uniforms=_same_seed)),
        ("goes-on-after-rejection", "passed tests are counted, also those after a rejection", Parts(count=_goes_on)),
        (
            "row-too-early",
            "the last token is drawn with the target row before its own",
            Parts(row=lambda n, gamma: np.maximum(n - 1, 0)),
        ),
        (
            "row-of-bonus",
            "the last token is always drawn with the last target row",
            Parts(row=_last_row),
        ),
        (
            "row-stale-bonus",
            "the bonus token is drawn with the row of the last drafted token",
            Parts(row=lambda n, gamma: np.minimum(n, gamma - 1)),
        ),
        ("draw-never-last", "the last token of the vocabulary is out of reach of the draw", Parts(draw=_never_last)),
        ("draw-off-by-one", "an index of the cumulative sums is one too small", Parts(draw=_first_more)),
        ("bonus-off-by-one", "the same for the bonus token", Parts(bonus=_first_more)),
        (
            "draw-half-precision",
            "running sums in 16 bits lose the tail of a wide vocabulary",
            Parts(draw=_half_cumulative),
        ),
        ("block-token-residual", "blocks are accepted as blocks, but replaced as tokens", _block_with_token_residual),
    )
)
"""Verifiers of chains."""
