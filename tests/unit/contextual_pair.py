"""A small pair whose drafter has a head: its states, its logits, and a target that is near it."""

from dataclasses import dataclass

import numpy as np

from rdk_theory import Vocabulary, restrict
from rdk_theory.distributions import softmax

WIDTH, SIZE, KEPT = 6, 30, 5


@dataclass(frozen=True)
class Pair:
    """Contexts of one pair."""

    vocab: Vocabulary
    head: np.ndarray
    hidden: np.ndarray
    targets: np.ndarray
    full: np.ndarray
    documents: np.ndarray

    @property
    def drafts(self):
        """``q'``."""
        return restrict(self.full, self.vocab)

    @property
    def kept_logits(self):
        """``z_I``."""
        return self.hidden @ self.head[self.vocab.kept].T

    def part(self, members):
        """Some of the contexts."""
        arrays = (x[members] for x in (self.hidden, self.targets, self.full, self.documents))
        return Pair(self.vocab, self.head, *arrays)


def pair(seed=0, contexts=240, size=SIZE, kept=KEPT, width=WIDTH, noise=0.3):
    """States of unequal spread; the target's logits are the drafter's with noise."""
    rng = np.random.default_rng(seed)
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    head = rng.normal(size=(size, width))
    head[vocab.kept] += 0.3
    hidden = rng.normal(size=(contexts, width)) * np.geomspace(2, 0.2, width)
    logits = hidden @ head.T
    targets = softmax(logits + noise * rng.normal(size=logits.shape))
    return Pair(vocab, head, hidden, targets, softmax(logits), np.arange(contexts) // 4)
