"""What speculative decoding gave, and what it took."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Generated:
    """Outcome of generation for a batch of prompts.

    Attributes
    ----------
    tokens
        New tokens of each prompt, int64, on the CPU; the end-of-sequence token, if one came, is the last.
    accepted, drafted
        For each prompt, the number of tokens accepted and drafted in each call of the target that it took part in.
        Counted before a text is cut at its end.
    target_calls, draft_calls
        Forward passes of each model, over the batch.
    seconds
        Wall-clock time, reading the prompts included.
    """

    tokens: list[torch.Tensor]
    accepted: list[list[int]]
    drafted: list[list[int]]
    target_calls: int
    draft_calls: int
    seconds: float

    @property
    def acceptance_rate(self) -> float | None:
        """Accepted tokens over tokens tested: those up to the first of a call that was not accepted.

        None where nothing was drafted.
        """
        return sum(map(sum, self.accepted)) / self.tested if self.tested else None

    @property
    def tested(self) -> int:
        """Drafted tokens that were tested, over all prompts and calls."""
        rows = zip(self.accepted, self.drafted, strict=True)
        return sum(tested_tokens(*pair) for row in rows for pair in zip(*row, strict=True))

    @property
    def block_efficiency(self) -> float:
        """New tokens a call, each prompt's calls counted for themselves; 1 is plain decoding."""
        return sum(map(len, self.tokens)) / sum(map(len, self.accepted))

    @property
    def tokens_per_second(self) -> float:
        """New tokens of all prompts over wall-clock time."""
        return sum(map(len, self.tokens)) / self.seconds


def tested_tokens(accepted: int, drafted: int) -> int:
    """Of a chain's drafted tokens, those up to the first that was not accepted."""
    return min(accepted + 1, drafted)
