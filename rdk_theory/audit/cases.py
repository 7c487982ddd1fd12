"""Contexts on which a sampler is audited: small laws in sixteenths, exact in every float of at least 16 bits."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from rdk_theory._types import Ids, Real
from rdk_theory.vocabulary import Vocabulary


@dataclass(frozen=True)
class ChainCase:
    r"""Laws of a chain, each row by the token before: :math:`p_1`, :math:`p(\cdot \mid x)`, and the same of `r`.

    The laws of every position after the first are one table, so that a row that belongs to another position or to
    another token is a wrong row.
    """

    name: str
    first: Real[np.ndarray, "N"]
    """:math:`p_1`."""
    after: Real[np.ndarray, "N N"]
    """Row `x`: the target after token `x`."""
    draft_first: Real[np.ndarray, "N"]
    """:math:`r_1`."""
    draft_after: Real[np.ndarray, "N N"]
    """Row `x`: the proposal after token `x`."""

    @property
    def size(self) -> int:
        """``N``."""
        return int(self.first.size)


@dataclass(frozen=True)
class TokenCase:
    """One context of a pruned drafter: the target's law, the drafter's over kept tokens, and which tokens these are."""

    name: str
    target: Real[np.ndarray, "N"]
    draft: Real[np.ndarray, "K"]
    kept: Ids[np.ndarray, "K"]

    @property
    def vocab(self) -> Vocabulary:
        """The vocabulary, with the kept tokens in the order of the case."""
        return Vocabulary(self.target.size, self.kept)


def _sixteenths(*numerators: int) -> np.ndarray:
    return np.array(numerators, dtype=np.float64) / 16


_AFTER = np.stack([np.roll(_sixteenths(8, 4, 3, 1), k) for k in range(4)])
_DRAFT_AFTER = np.stack([np.roll(_sixteenths(2, 3, 4, 7), k) for k in range(4)])
_ROUGH_AFTER = np.stack([np.roll(_sixteenths(6, 9, 1, 0), k) for k in range(4)])
_ROUGH_DRAFT_AFTER = np.stack([np.roll(_sixteenths(0, 6, 3, 7), k) for k in range(4)])
_SPARSE_AFTER = np.stack([np.roll(_sixteenths(0, 9, 0, 7), k) for k in range(4)])

CHAINS = (
    ChainCase("opposed", _sixteenths(1, 2, 5, 8), _AFTER, _sixteenths(8, 5, 2, 1), _DRAFT_AFTER),
    ChainCase("equal", _sixteenths(7, 5, 3, 1), _AFTER, _sixteenths(7, 5, 3, 1), _AFTER),
    ChainCase(
        "disjoint supports",
        _sixteenths(0, 6, 0, 10),
        _SPARSE_AFTER,
        _sixteenths(12, 0, 4, 0),
        _SPARSE_AFTER[[1, 2, 3, 0]],
    ),
    # Here a block that is replaced like a token misses the law of two tokens by 0.08.
    ChainCase("blocks", _sixteenths(0, 3, 10, 3), _ROUGH_AFTER, _sixteenths(0, 0, 16, 0), _ROUGH_DRAFT_AFTER),
    ChainCase("ties", _sixteenths(4, 4, 4, 4), _AFTER, _sixteenths(8, 0, 8, 0), _DRAFT_AFTER),
    ChainCase("certain draft", _sixteenths(2, 6, 5, 3), _AFTER, _sixteenths(0, 16, 0, 0), np.eye(4)[[1, 2, 3, 0]]),
    ChainCase(
        "certain target", _sixteenths(0, 0, 16, 0), np.eye(4)[[3, 0, 1, 2]], _sixteenths(5, 5, 5, 1), _DRAFT_AFTER
    ),
)
"""Chains over four tokens."""

TOKENS = (
    TokenCase("kept ids ascending", _sixteenths(5, 4, 3, 2, 2), _sixteenths(4, 3, 9), np.array([0, 1, 3])),
    TokenCase("kept ids in another order", _sixteenths(5, 4, 3, 2, 2), _sixteenths(9, 3, 4), np.array([3, 0, 2])),
    TokenCase("one token kept", _sixteenths(3, 6, 7), _sixteenths(16), np.array([1])),
    TokenCase("all tokens kept, in reverse", _sixteenths(1, 2, 5, 8), _sixteenths(1, 4, 5, 6), np.array([3, 2, 1, 0])),
    TokenCase("mostly cold", _sixteenths(1, 9, 1, 5), _sixteenths(10, 6), np.array([2, 0])),
    TokenCase("a target of its own support", _sixteenths(0, 8, 0, 8), _sixteenths(8, 8), np.array([2, 1])),
)
"""Single contexts of a pruned drafter."""


def wide_chain(size: int = 2048) -> ChainCase:
    """A chain over a wide vocabulary, in powers of two, the proposal rising where the target falls."""
    target, draft = _stairs(size), _stairs(size)[::-1].copy()
    turned = np.arange(size)[:, None] % 2 == 0
    # Only two rows differ, in turn: the table of `size` rows is a view of them.
    after = np.where(turned, target, np.roll(target, 1))
    draft_after = np.where(turned, draft, target)
    return ChainCase("wide vocabulary", target, after, draft, draft_after)


def _stairs(size: int) -> np.ndarray:
    """A quarter of the mass on each of four runs of tokens, of an eighth, an eighth, a quarter and a half of them."""
    edges = (0, size // 8, size // 4, size // 2, size)
    row = np.empty(size)
    for low, high in itertools.pairwise(edges):
        row[low:high] = 0.25 / (high - low)
    return row
