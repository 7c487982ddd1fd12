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


class Split(NamedTuple):
    """Contexts of an ensemble in two halves."""

    vocab: Vocabulary
    """Kept tokens: those of the largest mean target probability in the first half."""
    calibration: ensembles.Ensemble
    fresh: ensembles.Ensemble


def prune(name: str, contexts: int, size: int, kept_size: int, rng: np.random.Generator, **options: Any) -> Pruned:
    """`contexts` for calibration and as many fresh ones, of one ensemble."""
    halves = split(name, contexts, size, kept_size, rng, **options)
    prior = np.where(halves.vocab.position < 0, halves.calibration.targets.mean(0), 0.0)
    return Pruned(halves.vocab, prior / prior.sum(), *halves.fresh)


def split(name: str, contexts: int, size: int, kept_size: int, rng: np.random.Generator, **options: Any) -> Split:
    """`contexts` for calibration and as many fresh ones, of one ensemble, with the rows of both."""
    drawn = _draw(name, 2 * contexts, size, kept_size, rng, **options)
    mine, fresh = (ensembles.Ensemble(*(x[part] for x in drawn)) for part in (slice(contexts), slice(contexts, None)))
    kept = np.argsort(-mine.targets.mean(0), kind="stable")[:kept_size]
    return Split(Vocabulary(size, kept), mine, fresh)


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
