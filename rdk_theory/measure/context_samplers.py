"""Samplers whose kernel knows the context: low rank, with a shortlist, or with gated priors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.fitting.cold_head import CalibratedHead, ContextualHead
from rdk_theory.fitting.cold_head_low_rank import LowRankHead
from rdk_theory.fitting.cold_head_refined import refine_head
from rdk_theory.fitting.gated_priors import Gated, fit_gated_priors
from rdk_theory.fitting.shortlist import ShortlistHead
from rdk_theory.measure.samplers import Contexts, Fitted, Sampler

CONTEXT_NAMES = ("gated-priors", "low-rank-eighth", "shortlist-sixteenth", "shortlist-eighth")
"""Every sampler of this file, in the order of the tables."""

PRIORS = 64
"""Priors of the gated sampler, or one a context where these are fewer."""

Contextual: TypeAlias = ContextualHead | CalibratedHead | Gated


def context_samplers(names: Sequence[str] = CONTEXT_NAMES, seed: int = 0) -> tuple[Sampler, ...]:
    """The samplers of these names.

    Parameters
    ----------
    names
        Some of `CONTEXT_NAMES`. The fractions are of the cost of the full head, in multiply-adds and in bytes; the
        kept rows are not in them. The cost of gated priors does not grow with the vocabulary.
    seed
        Of the order of contexts in fits by steps.

    Raises
    ------
    ValueError
        If a name is none of them.

    Notes
    -----
    All need hidden states and a head with one row for each target token, as a drafter of the target's own vocabulary
    has; elsewhere they do not apply.
    """
    unknown = [name for name in names if name not in CONTEXT_NAMES]
    if unknown:
        raise ValueError(f"no sampler {unknown[0]!r} of contexts; there are {', '.join(CONTEXT_NAMES)}")

    def gated(c: Contexts) -> Gated:
        count = min(PRIORS, c.targets.shape[0])
        rng = np.random.default_rng(seed)
        return fit_gated_priors(c.targets, c.drafts, c.vocab, _states(c), kept_logits(c), rng, priors=count)

    def low_rank(c: Contexts) -> LowRankHead:
        begun = LowRankHead.from_head(_head(c), c.vocab, _rank(c, 1 / 8), _states(c))
        rng = np.random.default_rng(seed)
        return refine_head(begun, c.targets, c.drafts, _states(c), kept_logits(c), rng)

    def shortlist(share: float) -> Callable[[Contexts], ShortlistHead]:
        return lambda c: ShortlistHead.within(share, _head(c), c.vocab, _states(c))

    fits: dict[str, tuple[Callable[[Contexts], Contextual], float]] = {
        "gated-priors": (gated, 0.0),
        "low-rank-eighth": (low_rank, 1 / 8),
        "shortlist-sixteenth": (shortlist(1 / 16), 1 / 16),
        "shortlist-eighth": (shortlist(1 / 8), 1 / 8),
    }
    return tuple(_sampler(name, *fits[name]) for name in CONTEXT_NAMES if name in names)


def kept_logits(contexts: Contexts) -> np.ndarray:
    """What the pruned head says of the kept tokens."""
    return np.asarray(_states(contexts) @ _head(contexts)[contexts.vocab.kept].T)


def _sampler(name: str, fit: Callable[[Contexts], Contextual], share: float) -> Sampler:
    def fitted(contexts: Contexts) -> Fitted:
        found = fit(contexts)
        return Fitted(lambda others: _accepted(found, others))

    return Sampler(name, fitted, lambda contexts: _applies(contexts, share))


def _accepted(fit: Contextual, contexts: Contexts) -> np.ndarray:
    kernel = fit.at(_states(contexts), kept_logits(contexts))
    return acceptance_rate(contexts.targets, kernel.redistribute(contexts.drafts))


def _applies(contexts: Contexts, share: float) -> bool:
    """Whether the head has a row for each target token, some are cold, and the share pays for a direction."""
    vocab = contexts.vocab
    if contexts.head is None or contexts.states is None or not vocab.cold.size:
        return False
    same = contexts.head.shape[0] == vocab.size and np.array_equal(vocab.kept, vocab.draft_ids)
    # Half of the share buys a direction of the scorer, the other half a row beside it.
    width, size = contexts.head.shape[1], contexts.head.shape[0]
    return same and (share == 0 or (share * width >= 2 and share * size >= share * width + 4))


def _rank(contexts: Contexts, share: float) -> int:
    """The largest rank whose cost, ``R (n + d) + d``, is within a share of the head's."""
    size, width = _head(contexts).shape
    return max(1, min(width, int((share * size * width - width) / (contexts.vocab.cold.size + width))))


def _states(contexts: Contexts) -> np.ndarray:
    return np.asarray(contexts.states)


def _head(contexts: Contexts) -> np.ndarray:
    return np.asarray(contexts.head)
