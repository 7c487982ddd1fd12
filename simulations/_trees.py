"""Small trees of laws: a target and a proposal whose next-token law depends on the whole prefix.

Level ``t`` holds one row for each prefix of ``t`` tokens, ``(N ** t, N)``; the children of prefix ``i`` are
``i N, …, i N + N − 1``. So a prefix is a number, and the law of whole sequences is an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rdk_theory.sampling import inverse_cdf


class Drafted(NamedTuple):
    """A batch of drafted chains with the laws along each."""

    tokens: np.ndarray
    """``(n, γ)``."""
    targets: np.ndarray
    """``(n, γ + 1, N)``."""
    proposals: np.ndarray
    """``(n, γ, N)``, the laws that `tokens` were drawn from."""


def random_levels(size: int, depth: int, concentration: float, rng: np.random.Generator) -> list[np.ndarray]:
    """A tree whose rows are independent symmetric Dirichlet laws: `depth` levels over `size` tokens."""
    return [rng.dirichlet(np.full(size, concentration), size=size**level) for level in range(depth)]


def blend(target: Sequence[np.ndarray], noise: Sequence[np.ndarray], weight: float) -> list[np.ndarray]:
    """The tree of a drafter that errs by `weight`: 0 gives the target, 1 the noise."""
    return [(1 - weight) * p + weight * r for p, r in zip(target, noise, strict=True)]


def by_prefix(levels: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The levels with one axis for each token of the prefix, the form that `rdk_theory.trajectories` takes."""
    size = levels[0].shape[-1]
    return [rows.reshape((size,) * (level + 1)) for level, rows in enumerate(levels)]


def sequence_law(levels: Sequence[np.ndarray]) -> np.ndarray:
    """Probability of every sequence of ``len(levels)`` tokens, by its number."""
    law = np.ones(1)
    for rows in levels:
        law = (law[:, None] * rows).ravel()
    return law


def draw_chains(
    targets: Sequence[np.ndarray], proposals: Sequence[np.ndarray], count: int, rng: np.random.Generator
) -> Drafted:
    """`count` chains from `proposals`; `targets` has one level more."""
    prefix = np.zeros(count, dtype=np.int64)
    tokens, p, r = [], [targets[0][prefix]], []
    for level, rows in enumerate(proposals):
        r.append(rows[prefix])
        tokens.append(inverse_cdf(r[-1], rng.random(count)))
        prefix = extend(prefix, tokens[-1], rows.shape[-1])
        p.append(targets[level + 1][prefix])
    return Drafted(np.stack(tokens, 1), np.stack(p, 1), np.stack(r, 1))


def extend(prefix: np.ndarray, token: np.ndarray, size: int) -> np.ndarray:
    """The numbers of the prefixes that are one token longer."""
    return prefix * size + token


def finish(tokens: np.ndarray, targets: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Numbers of the sequences that begin with `tokens` (−1 where none was emitted) and go on by the target's law."""
    size = targets[0].shape[-1]
    prefix = np.zeros(tokens.shape[0], dtype=np.int64)
    for level, rows in enumerate(targets):
        drawn = inverse_cdf(rows[prefix], rng.random(tokens.shape[0]))
        prefix = extend(prefix, np.where(tokens[:, level] < 0, drawn, tokens[:, level]), size)
    return prefix
