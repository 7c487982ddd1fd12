"""Whole generation with a drafter, right, and with one thing wrong in each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rdk_theory.audit.adapters import ToyModel
from rdk_theory.audit.zoo.entries import Entry, entry
from rdk_theory.audit.zoo.parts import Parts
from rdk_theory.distributions import softmax

GAMMA = 2


@dataclass(frozen=True)
class Loop:
    """Generation in rounds of `GAMMA` drafted tokens, a row at a time through the same steps."""

    verifier: Parts = field(default_factory=Parts)
    same_stream: bool = False
    """Whether every round starts from the same random numbers."""
    stale: bool = False
    """Whether the target's last row is computed from the drafted text, though its last token was replaced."""
    bonus: bool = True
    """Whether the token after a wholly accepted chain is used."""
    doubled: bool = False
    """Whether a rejected token stays in the text, with its replacement after it."""

    def __call__(
        self, target: ToyModel, drafter: ToyModel, prompt: np.ndarray, length: int, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Texts, ``(count, length)``: rows that are ahead wait for the others."""
        texts = np.full((count, len(prompt) + length + GAMMA + 1), -1, dtype=np.int64)
        texts[:, : len(prompt)] = prompt
        ends = np.full(count, len(prompt))
        seen = texts[:, : len(prompt)].copy()
        while (going := np.flatnonzero(ends < len(prompt) + length)).size:
            stream = np.random.default_rng(7) if self.same_stream else rng
            rows = np.stack([texts[i, ends[i] - 2 : ends[i]] for i in going])
            context = seen[going, -2:] if self.stale else rows
            tokens, accepted, drafted = self._round(target, drafter, rows, context, stream)
            for k, i in enumerate(going):
                new = tokens[k, : accepted[k] + 1]
                if accepted[k] == GAMMA and not self.bonus:
                    new = new[:-1]
                if self.doubled and accepted[k] < GAMMA:
                    new = np.concatenate([drafted[k, : accepted[k] + 1], new[-1:]])
                texts[i, ends[i] : ends[i] + len(new)] = new
                ends[i] += len(new)
                seen[i, -2:] = np.concatenate([rows[k], drafted[k]])[-2:]
        return texts[:, len(prompt) : len(prompt) + length]

    def _round(
        self, target: ToyModel, drafter: ToyModel, rows: np.ndarray, context: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One round; `context` is what the target's first row is computed from."""
        streams = rng.spawn(2)
        text, read, proposals, drafted = rows, context, [], []
        targets = [softmax(target(read))]
        for _ in range(GAMMA):
            law = np.zeros_like(targets[0])
            law[:, drafter.kept] = softmax(drafter(text))
            cumulative = np.cumsum(law, axis=1)
            u = streams[0].random(len(law)) * cumulative[:, -1]
            token = np.minimum((cumulative <= u[:, None]).sum(axis=1), law.shape[1] - 1)
            text, read = (np.concatenate([each, token[:, None]], axis=1) for each in (text, read))
            proposals.append(law)
            drafted.append(token)
            targets.append(softmax(target(read)))
        chain = np.stack(drafted, axis=1)
        tokens, accepted = self.verifier(np.stack(targets, axis=1), np.stack(proposals, axis=1), chain, streams[1])
        return tokens, accepted, chain


GENERATION_MUTANTS: tuple[Entry, ...] = tuple(
    entry("generate", name, about, loop, batch=1 << 12)
    for name, about, loop in (
        ("generate-stream-restarted", "every round starts from the same random numbers", Loop(same_stream=True)),
        (
            "generate-stale-cache",
            "the target goes on from the rejected token, not from its replacement",
            Loop(stale=True),
        ),
        ("generate-doubled", "a rejected token stays, with its replacement after it", Loop(doubled=True)),
        (
            "generate-bonus-row",
            "the bonus token is drawn with a stale row",
            Loop(Parts(row=lambda n, gamma: np.minimum(n, gamma - 1))),
        ),
    )
)
"""Whole generation."""
