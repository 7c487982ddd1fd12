"""An ensemble with its drafter pruned: kept tokens and prior from calibration contexts, the rest from fresh ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rdk_theory import ensembles
from rdk_theory.vocabulary import Vocabulary

NAMES = ("zipf", "dirichlet", "low rank", "adversarial")


class Pruned(NamedTuple):
    """Fresh contexts of an ensemble, and what was fitted on others."""

    vocab: Vocabulary
    """Kept tokens: those of the largest mean target probability."""
    prior: np.ndarray
    """``(N,)``: the mean target law on cold tokens, normalised."""
    targets: np.ndarray
    """``(C, N)``."""
    full_drafts: np.ndarray
    """``(C, N)``, before pruning."""


def prune(name: str, contexts: int, size: int, kept_size: int, rng: np.random.Generator, **options: Any) -> Pruned:
    """`contexts` for calibration and as many fresh ones, of one ensemble."""
    drawn = _draw(name, 2 * contexts, size, kept_size, rng, **options)
    mean = drawn.targets[:contexts].mean(0)
    vocab = Vocabulary(size, np.argsort(-mean, kind="stable")[:kept_size])
    prior = np.where(vocab.position < 0, mean, 0.0)
    return Pruned(vocab, prior / prior.sum(), drawn.targets[contexts:], drawn.drafts[contexts:])


def _draw(
    name: str, contexts: int, size: int, kept_size: int, rng: np.random.Generator, **options: Any
) -> ensembles.Ensemble:
    if name == "zipf":
        return ensembles.zipf(rng, contexts, size, **options)
    if name == "dirichlet":
        return ensembles.dirichlet(rng, contexts, size, **options)
    if name == "low rank":
        return ensembles.low_rank_softmax(rng, contexts, size, **options)
    return ensembles.adversarial(rng, contexts, size, kept_size, **options)
