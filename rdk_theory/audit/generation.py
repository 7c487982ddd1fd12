"""Experiments on whole generation: two toy models, a prompt, and the joint law of the tokens that follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rdk_theory.audit.adapters import Adapter
from rdk_theory.audit.experiments import Draws, Experiment, Law, integers, label, labels

SIZE, LENGTH = 4, 3
PROMPT = np.array([2, 0])


@dataclass(frozen=True)
class Table:
    """A model whose next token depends on the last two: row ``(a, b)`` is its law after ``…, a, b``."""

    name: str
    laws: np.ndarray
    """``(N, N, K)``: it reads target ids, and speaks kept tokens."""
    kept: np.ndarray
    """``(K,)``: the target id of each token that it speaks."""

    def __call__(self, texts: np.ndarray) -> np.ndarray:
        """Logits after each text, ``(B, L)`` with at least two tokens."""
        ids = integers("texts", texts, np.asarray(texts).shape, 0, self.laws.shape[0])
        with np.errstate(divide="ignore"):
            return np.log(self.laws[ids[:, -2], ids[:, -1]])


def models(case: str) -> tuple[Table, Table]:
    """Target and drafter of a case: drafter ids ascending or not, and the drafter's vocabulary pruned or whole."""
    base = np.array([[7, 5, 3, 1], [1, 8, 2, 5], [4, 4, 4, 4], [0, 6, 9, 1]]) / 16
    target = np.stack([np.roll(base, a, axis=0) for a in range(SIZE)])
    kept = {"pruned": [0, 1, 3], "pruned, in another order": [3, 0, 2], "whole": [0, 1, 2, 3]}[case]
    size = len(kept)
    rows = np.array([[9, 4, 2, 1], [2, 3, 10, 1], [5, 5, 1, 5], [1, 1, 6, 8]])[:, :size].astype(float)
    rows /= rows.sum(axis=1, keepdims=True)
    drafter = np.stack([np.roll(rows, a, axis=0) for a in range(SIZE)])
    return Table("target", target, np.arange(SIZE)), Table("drafter", drafter, np.array(kept))


def generation_experiments(adapter: Adapter) -> Iterator[Experiment]:
    """Each pair of models."""
    for case in ("whole", "pruned", "pruned, in another order"):
        yield _experiment(adapter, case)


def generate(adapter: Adapter, target: Table, drafter: Table, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Texts of the implementation, checked."""
    given = adapter.function(target, drafter, PROMPT.copy(), LENGTH, rows, rng)
    return integers("tokens", given, (rows, LENGTH), 0, SIZE)


def _experiment(adapter: Adapter, case: str) -> Experiment:
    target, drafter = models(case)
    start = target.laws[PROMPT[-2], PROMPT[-1]]
    second = start[:, None] * target.laws[PROMPT[-1]]
    joint = second[..., None] * target.laws
    laws = (
        Law("first token", start, label),
        Law("second token", second.sum(axis=0), label),
        Law("all tokens together", joint.ravel(), labels(SIZE, LENGTH)),
    )

    def draw(count: int, rng: np.random.Generator) -> Draws:
        tokens = generate(adapter, target, drafter, min(count, adapter.batch), rng)
        return {
            "first token": tokens[:, 0],
            "second token": tokens[:, 1],
            "all tokens together": np.ravel_multi_index(tuple(tokens.T), (SIZE,) * LENGTH),
        }

    return Experiment(case, laws, draw)
