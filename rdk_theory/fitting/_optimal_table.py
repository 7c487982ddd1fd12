"""Contexts of a fit in memory, with the tokens that hardly ever matter counted as one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from rdk_theory._array import Array, is_exact, to_numpy
from rdk_theory._rows import block_length
from rdk_theory.fitting.prior import check_fit
from rdk_theory.vocabulary import Vocabulary

Source = Iterable[tuple[Array, Array]]
"""Batches ``(targets, drafts)``, as often as it is iterated."""

_BLOCK = 1 << 25
"""Entries of the proposals formed at a time (128 MiB in float32)."""


def batches(source: Source, vocab: Vocabulary) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches, checked and in float32 on the host."""
    none = True
    for targets, drafts in source:
        none = False
        check_fit(targets, drafts, vocab)
        if is_exact(targets):
            raise ValueError("targets are rationals, on which an iteration has no end; convert them to float64")
        p, q = (np.ascontiguousarray(to_numpy(x), dtype=np.float32) for x in (targets, drafts))
        yield p, q
    if none:
        raise ValueError("source holds no batch: it must give its batches anew each time it is iterated")


class Tokens:
    """Which tokens have a column of their own, and how the others share the last one.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens; these have columns.
    mean
        Mean target law; shape ``(N,)``.
    rare
        Mass that the tokens which share a column may hold together; the least frequent do.
    """

    def __init__(self, vocab: Vocabulary, mean: np.ndarray, rare: float) -> None:
        cold = vocab.cold[np.argsort(mean[vocab.cold], kind="stable")]
        shared = cold[: int(np.searchsorted(np.cumsum(mean[cold]), rare, side="right"))]
        self.shared = np.sort(shared if shared.size > 1 else shared[:0])
        self.alone = np.setdiff1d(np.arange(vocab.size), self.shared, assume_unique=True)
        self.home = np.searchsorted(self.alone, vocab.kept)
        self.size = self.alone.size + bool(self.shared.size)
        self.law = np.zeros(vocab.size)
        """How the mass of the shared column spreads."""
        if self.shared.size:
            weight = mean[self.shared] if mean[self.shared].sum() > 0 else np.ones(self.shared.size)
            self.law[self.shared] = weight / weight.sum()

    def columns(self, targets: np.ndarray) -> np.ndarray:
        """Target rows by column: what shares one is added up."""
        if not self.shared.size:
            return targets
        out = np.empty((targets.shape[0], self.size), dtype=targets.dtype)
        np.take(targets, self.alone, axis=1, out=out[:, :-1])
        out[:, -1] = targets[:, self.shared].sum(axis=1, dtype=np.float64)
        return out


class Table:
    """Targets by column, drafts, and how often each context came: equal ones are stored once.

    Attributes
    ----------
    targets, drafts
        Shapes ``(C, columns)`` and ``(C, K)``.
    weights
        Shares of the contexts, float64, of sum 1; shape ``(C,)``.
    """

    def __init__(self, targets: np.ndarray, drafts: np.ndarray, weights: np.ndarray) -> None:
        self.targets, self.drafts, self.weights = targets, drafts, weights / weights.sum()

    @classmethod
    def read(cls, source: Source, vocab: Vocabulary, tokens: Tokens, contexts: int) -> Table:
        """One pass; no more than `contexts` are expected."""
        targets = np.empty((contexts, tokens.size), dtype=np.float32)
        drafts = np.empty((contexts, vocab.kept_size), dtype=np.float32)
        weights = np.zeros(contexts)
        known: dict[bytes, int] = {}
        for p, q in batches(source, vocab):
            columns = tokens.columns(p)
            for k in range(p.shape[0]):
                digest = hashlib.blake2b(p[k], digest_size=16)
                digest.update(q[k])
                place = known.setdefault(digest.digest(), len(known))
                if place == contexts:
                    raise ValueError(f"source gives more contexts than the {contexts} it gave before")
                if not weights[place]:
                    targets[place], drafts[place] = columns[k], q[k]
                weights[place] += 1
        used = len(known)
        return cls(targets[:used], drafts[:used], weights[:used])

    def blocks(self) -> Iterator[slice]:
        """Contexts, a block at a time."""
        step = block_length(self.targets.shape[1], _BLOCK)
        return (slice(start, start + step) for start in range(0, self.targets.shape[0], step))

    def mean(self, rows: np.ndarray) -> np.ndarray:
        """Weighted mean over the contexts, in float64."""
        return np.einsum("c,cj->j", self.weights, rows, dtype=np.float64)
