"""Which contexts are captured: a window in each document, and positions in it, by a seed.

A window is a piece of text that both tokenizers encode. A context is a position where a token ends in both
encodings at one character, so that both models have read the same text; with one tokenizer, any position.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tokenizers import Encoding, Tokenizer

from gpu.pairs.tokenizers import same_tokenizer

LEAST_LEFT = 8
"""Tokens that stand before a context at the least: with fewer, a model knows next to nothing."""

_CHARACTERS = 6
"""Characters of text cut for each token wanted; most tokenizers need fewer."""


@dataclass(frozen=True)
class Window:
    """The contexts of one document.

    Attributes
    ----------
    target_ids, draft_ids
        The window in tokens of each model, from its beginning to its last context; shape ``(length,)``.
    target_places, draft_places
        For each context the place of its last token in them; shape ``(n,)``.
    next_ids
        The target token that really follows; shape ``(n,)``.
    """

    target_ids: np.ndarray
    draft_ids: np.ndarray
    target_places: np.ndarray
    draft_places: np.ndarray
    next_ids: np.ndarray

    def first(self, count: int) -> Window:
        """The first `count` contexts."""
        chosen = (self.target_places[:count], self.draft_places[:count], self.next_ids[:count])
        return Window(self.target_ids, self.draft_ids, *chosen)


class Sampler:
    """Cuts windows and chooses contexts; the choice in a document depends on its text and the seed alone.

    Parameters
    ----------
    target, draft
        The two tokenizers, with the special tokens that they put before a text.
    length
        Most tokens in a window, in either encoding.
    per_document
        Most contexts in a document.
    seed
        Seed of the choice.
    """

    def __init__(self, target: Tokenizer, draft: Tokenizer, length: int, per_document: int, seed: int) -> None:
        if length < 2 * LEAST_LEFT:
            raise ValueError(f"context_length must be at least {2 * LEAST_LEFT}, not {length}")
        if per_document < 1:
            raise ValueError(f"per_document must be at least 1, not {per_document}")
        self.target, self.draft = target, draft
        self.same = same_tokenizer(target, draft)
        self.length, self.per_document, self.seed = length, per_document, seed

    def window(self, text: str, digest: str) -> Window | None:
        """The window of a document and the contexts in it; `None` if it is too short to have any."""
        rng = np.random.default_rng([self.seed, int(digest[:15], 16)])
        piece = self._piece(text, rng)
        first = self.target.encode(piece)
        second = first if self.same else self.draft.encode(piece)
        places = self._places(first, second)
        if not len(places):
            return None
        chosen = np.sort(rng.choice(len(places), min(self.per_document, len(places)), replace=False))
        target_places, draft_places = places[chosen].T
        target_ids, draft_ids = np.array(first.ids), np.array(second.ids)
        return Window(
            target_ids[: target_places[-1] + 1],
            draft_ids[: draft_places[-1] + 1],
            target_places,
            draft_places,
            target_ids[target_places + 1],
        )

    def _piece(self, text: str, rng: np.random.Generator) -> str:
        """A piece of the text from a random place, moved forward to a line's beginning if one is near."""
        size = self.length * _CHARACTERS
        begin = int(rng.integers(max(len(text) - size, 0) + 1))
        line = text.find("\n", begin, begin + size // 4) + 1 if begin else 0
        begin = line or begin
        return text[begin : begin + size]

    def _places(self, first: Encoding, second: Encoding) -> np.ndarray:
        """Places of the last token of each possible context in both encodings; shape ``(count, 2)``.

        The last token of all neither ends a context nor follows one: the text may be cut inside a word.
        """
        if self.same:
            last = min(len(first.ids) - 1, self.length) - 1
            inner = np.arange(LEAST_LEFT - 1, max(last, LEAST_LEFT - 1))
            inner = inner[np.array(first.special_tokens_mask)[inner + 1] == 0]
            return np.stack([inner, inner], axis=1)
        ends = [_ends(encoding, self.length) for encoding in (first, second)]
        common = sorted(ends[0].keys() & ends[1].keys())
        places = np.array([(ends[0][end], ends[1][end]) for end in common], dtype=np.int64).reshape(-1, 2)
        return places[(places >= LEAST_LEFT - 1).all(axis=1)]


def _ends(encoding: Encoding, length: int) -> dict[int, int]:
    """Where tokens end: character offset to place, for tokens followed by one that begins at or after it.

    Tokens inside one character share its offsets; only the last of them ends there.
    """
    ends = {}
    offsets, special = encoding.offsets, encoding.special_tokens_mask
    for place in range(min(len(offsets) - 1, length) - 1):
        (_, end), (after, after_end) = offsets[place], offsets[place + 1]
        if not special[place] and not special[place + 1] and end <= after and end < after_end:
            ends[end] = place
    return ends
