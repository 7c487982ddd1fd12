"""Counts of n-grams as sparse rows: for each context seen, the tokens that followed it and how often.

An n-gram is packed into one int64, so that counting is one sort, without a loop over tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

MAX_SIZE = 2_000_000
"""Largest vocabulary for which three token ids fit in one int64."""


@dataclass(frozen=True)
class NGramTable:
    """Counts ``c(h, w)`` of token ``w`` after context ``h``, one sparse row a context.

    Attributes
    ----------
    contexts
        The contexts seen, packed, ascending; shape ``(M,)``.
    starts
        Row ``i`` is entries ``starts[i]:starts[i+1]``; shape ``(M + 1,)``.
    tokens, counts
        The entries, tokens ascending in each row; shape ``(nnz,)``.
    """

    contexts: np.ndarray
    starts: np.ndarray
    tokens: np.ndarray
    counts: np.ndarray

    @classmethod
    def count(cls, contexts: np.ndarray, tokens: np.ndarray, size: int) -> NGramTable:
        """Count the pairs ``(contexts[k], tokens[k])``; tokens are in ``range(size)``."""
        return cls.from_keys(contexts.astype(np.int64) * size + tokens, size)

    @classmethod
    def from_keys(cls, keys: np.ndarray, size: int) -> NGramTable:
        """Count packed n-grams ``context · size + token``."""
        unique, counts = np.unique(keys, return_counts=True)
        context, token = np.divmod(unique, size)
        first = np.flatnonzero(np.diff(context, prepend=-1))
        starts = np.append(first, unique.size)
        return cls(context[first], starts, token.astype(np.int32), counts.astype(np.int32))

    @cached_property
    def totals(self) -> np.ndarray:
        """``c(h, ·) = Σ_w c(h, w)``; shape ``(M,)``."""
        if not self.contexts.size:
            return np.zeros(0, dtype=np.int64)
        return np.add.reduceat(self.counts.astype(np.int64), self.starts[:-1])

    @cached_property
    def types(self) -> np.ndarray:
        """Number of distinct tokens after each context; shape ``(M,)``."""
        return np.diff(self.starts)

    @cached_property
    def discount(self) -> float:
        """Absolute discount ``n₁ / (n₁ + 2 n₂)``, ``n_k`` the number of n-grams with count ``k``; ½ where ``n₁ = 0``.

        The estimate of Ney, Essen and Kneser (1994). It is positive, so that every token keeps some
        probability, and at most 1, so that no count turns negative.
        """
        once, twice = (int(np.count_nonzero(self.counts == k)) for k in (1, 2))
        return once / (once + 2 * twice) if once else 0.5

    def keys(self, size: int) -> np.ndarray:
        """The packed n-grams, ascending: ``context · size + token``; shape ``(nnz,)``."""
        return np.repeat(self.contexts, self.types) * size + self.tokens

    def find(self, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row of each context, and whether it was seen; the row of an unseen one is meaningless."""
        if not self.contexts.size:
            return np.zeros(contexts.shape, dtype=np.int64), np.zeros(contexts.shape, dtype=bool)
        row = np.minimum(np.searchsorted(self.contexts, contexts), self.contexts.size - 1)
        return row, self.contexts[row] == contexts

    def entries(self, rows: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All entries of the rows that were seen: which of `rows` each belongs to, and its place in `tokens`."""
        lengths = np.where(seen, self.types[rows], 0) if self.contexts.size else np.zeros(rows.shape, dtype=np.int64)
        owner = np.repeat(np.arange(rows.size), lengths)
        before = np.cumsum(lengths) - lengths
        begin = self.starts[rows] if self.contexts.size else np.zeros(rows.shape, dtype=np.int64)
        return owner, np.arange(owner.size) + np.repeat(begin - before, lengths)
