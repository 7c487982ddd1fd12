"""Where a fit of gated priors begins: clusters of the hidden states, each with its mean target on cold tokens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rdk_theory.fitting.prior import cold_prior
from rdk_theory.vocabulary import Vocabulary

ROUNDS = 8
"""Of Lloyd's algorithm."""

SHARPNESS = 0.5
"""Gates begin as this power of Gaussian bumps about the centres, of the states' own spread."""

LEAST = 1e-9
"""Smallest probability with which a step begins: from a logarithm of 0 none would ever move."""


class Start(NamedTuple):
    """First parameters, float32, and the states that they are for."""

    shared: np.ndarray
    """Logits of the mean cold target, ``(n,)``: what all priors begin from."""
    rows: np.ndarray
    """Of the gates, ``(m, d + 1)``; the last column is the bias."""
    logits: np.ndarray
    """Of the priors on cold tokens, beyond the shared ones, ``(m, n)``."""
    states: np.ndarray
    """Standardised, with a 1 at the end of each, ``(C, d + 1)``."""
    centre: np.ndarray
    spread: np.ndarray


def start(
    p: np.ndarray, vocab: Vocabulary, hidden: np.ndarray, masses: np.ndarray, count: int, rng: np.random.Generator
) -> Start:
    """Cluster the contexts by state, those with much cold mass counting more.

    Parameters
    ----------
    p
        Targets, ``(C, N)``.
    vocab
        Whose cold tokens the priors are on.
    hidden
        States, ``(C, d)``.
    masses
        Logarithm of the mass of kept logits in each context.
    count
        Number of clusters.
    rng
        Of the first centres.
    """
    prior = cold_prior(p, vocab)[vocab.cold]
    centre, spread = hidden.mean(axis=0), hidden.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    states = np.column_stack([(hidden - centre) / spread, np.ones(len(hidden))]).astype(np.float32)
    mass = np.maximum(1 - p[:, vocab.kept].sum(axis=1, dtype=np.float64), 0) + LEAST
    centres, labels = _clusters(states[:, :-1], mass, count, rng)
    shared = np.log(np.maximum(prior, LEAST))
    logits = np.empty((count, vocab.cold.size), dtype=np.float32)
    for k in range(count):
        found = p[labels == k][:, vocab.cold].sum(axis=0, dtype=np.float64)
        logits[k] = np.log(np.maximum((found + prior) / (found.sum() + 1), LEAST)) - shared
    rows = SHARPNESS * np.column_stack([centres, -(centres**2).sum(axis=1) / 2])
    # The gates together take, in the middle context, the mean cold mass.
    scores = states @ rows.astype(np.float32).T
    top = scores.max(axis=1)
    held = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    share = np.clip(mass.mean(), LEAST, 1 - LEAST)
    rows[:, -1] += np.log(share / (1 - share)) - np.median(held - masses)
    return Start(shared.astype(np.float32), rows.astype(np.float32), logits, states, centre, spread)


def _clusters(
    states: np.ndarray, weights: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Centres, and the cluster of each state."""
    centres = states[rng.choice(len(states), count, replace=False, p=weights / weights.sum())].astype(np.float64)
    for left in range(ROUNDS, -1, -1):
        labels = np.argmin((centres**2).sum(axis=1) - 2 * states @ centres.T, axis=1)
        if not left:
            break
        held = np.bincount(labels, weights, count)
        sums = np.zeros_like(centres)
        np.add.at(sums, labels, weights[:, None] * states)
        centres[held > 0] = sums[held > 0] / held[held > 0, None]
    return centres, labels
