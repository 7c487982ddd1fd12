"""The words of one step's softmax where the vocabulary is too large for all of them: the frequent ones, and a sample.

Of a sum over the vocabulary, the terms of the frequent words and of the words that follow in the batch are taken as
they are, and those of the others from a uniform sample, each for as many as it stands for. So every sum of a softmax
is estimated without bias, and the logits of the sample need only the logarithm of that number added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Drawn:
    """The words of one step.

    Attributes
    ----------
    words
        Distinct ids, ``(V,)``.
    shift
        Logarithm of how many words each stands for, ``(V,)`` float32.
    answers
        The places of the following tokens among them, in their order.
    """

    words: torch.Tensor
    shift: torch.Tensor
    answers: torch.Tensor


class Shortlist:
    """Draws the words of each step.

    Parameters
    ----------
    counts
        How often each token occurs in the training text, ``(N,)``.
    words
        How many are drawn beside those that follow: half of them the most frequent, which are always there.
    seed
        With the number of the step it decides the sample.

    Raises
    ------
    ValueError
        If `words` is not from 2 to ``N − 1``.
    """

    def __init__(self, counts: np.ndarray, words: int, seed: int) -> None:
        if not 2 <= words < len(counts):
            raise ValueError(f"words must be from 2 to {len(counts) - 1}, not {words}")
        order = np.argsort(-counts, kind="stable")
        self.frequent, self.others = np.sort(order[: words // 2]), np.sort(order[words // 2 :])
        self.sampled = words - words // 2
        self.seed = seed

    def draw(self, step: int, following: torch.Tensor) -> Drawn:
        """The words of a step after which `following`, ``(n,)``, are to be predicted."""
        answers = following.cpu().numpy()
        certain = np.union1d(self.frequent, answers)
        rng = np.random.default_rng([self.seed, step, 1])  # apart from the stream that cuts the batch
        sample = self.others[rng.choice(len(self.others), self.sampled, replace=False, shuffle=False)]
        # Given how many are left, they are a uniform sample of the words that are not certain.
        left = np.setdiff1d(sample, certain)
        if not len(left):  # all of the sample follows in the batch: a small vocabulary, so take the rest of it
            left = np.setdiff1d(self.others, certain)
        words = np.concatenate([certain, left])
        shift = np.zeros(len(words), dtype=np.float32)
        if len(left):
            shift[len(certain) :] = np.log((len(self.frequent) + len(self.others) - len(certain)) / len(left))
        tensors = (words, shift, np.searchsorted(certain, answers))
        return Drawn(*(torch.as_tensor(x, device=following.device) for x in tensors))
