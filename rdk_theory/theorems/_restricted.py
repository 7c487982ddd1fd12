"""Instances of a target and a full draft over another vocabulary that share some tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def restricted(source: Source, rational: bool = False) -> Instance:
    """A target `p` and a `full` draft, with the vocabulary in which `kept` and `draft_ids` are the same tokens.

    The draft has mass on kept tokens: without it, restriction is undefined.
    """
    law = source.rational_distribution if rational else source.distribution
    size, draft_size = source.size(1, 5), source.size(1, 5)
    kept = source.kept(size, 1, min(size, draft_size))
    draft_ids = source.kept(draft_size, len(kept), len(kept))
    foreign = np.setdiff1d(np.arange(draft_size), draft_ids)
    inside = law(len(kept))
    full = inside[:1].repeat(draft_size) * 0
    share = source.pick((1, 2)) if len(foreign) else 1
    full[draft_ids] = inside / share
    if share > 1:
        full[foreign] = law(len(foreign)) * (share - 1) / share
    return {"p": law(size), "full": full, "kept": kept, "draft_ids": draft_ids}


def rational_restricted(source: Source) -> Instance:
    """`restricted` in rationals from any source, for clauses on truth values."""
    return restricted(source, rational=True)


def vocabulary(p: np.ndarray, full: np.ndarray, kept: np.ndarray, draft_ids: np.ndarray) -> Vocabulary:
    """The package's object for an instance."""
    return Vocabulary(len(p), kept, draft_size=len(full), draft_ids=draft_ids)


# The other road: dictionaries from target id to mass.


def shared(full: np.ndarray, kept: np.ndarray, draft_ids: np.ndarray) -> dict[int, Any]:
    """``q`` on the shared tokens, by target id."""
    return {int(t): full[int(d)] for t, d in zip(kept, draft_ids, strict=True)}


def conditioned(full: np.ndarray, kept: np.ndarray, draft_ids: np.ndarray) -> dict[int, Any]:
    """``q'``, by target id."""
    masses = shared(full, kept, draft_ids)
    total = sum(masses.values())
    return {t: mass / total for t, mass in masses.items()}


def accepted(p: np.ndarray, masses: dict[int, Any]) -> Any:
    """Draft a token of `masses`, accept it with ``min(1, p/r)``: the probability that one is accepted."""
    return sum(mass * min(1, p[t] / mass) for t, mass in masses.items() if mass > 0)
