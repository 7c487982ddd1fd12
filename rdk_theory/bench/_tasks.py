"""What is timed: redistribution, and drafting with verification; with the operations and bytes that it counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rdk_theory.bench._kernels import laws
from rdk_theory.distributions import embed
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Embedding, Kernel, StoredColumns
from rdk_theory.verification import linear_tries, verify_lazy, verify_token

ROWS = 8
"""Rows of a batch."""
DRAWS = 8
"""Batches of a call of verification, each with uniforms of its own, the same ones at every repeat: how many tokens are
rejected, and how many tries they take, is chance, and a call of few tokens would be told by it."""
ACCEPTANCE = 0.63
"""Acceptance of the embedding; that of random kernels on random targets is about as large: E min(1, X) = 1 − 1/e for
an exponential variable, where the proposal is nearly flat."""


class Task(NamedTuple):
    """A call, and what it counts for one row."""

    call: Callable[[], object]
    rows: int
    multiplications: int
    additions: int
    bytes: int
    """Bytes that must be moved for one row: parameters are read once a batch, so each row has its share."""


class Verification(NamedTuple):
    """What one batch of verified tokens came to."""

    accepted: np.ndarray
    columns: np.ndarray | None
    fell_back: np.ndarray | None


def redistribution(kernel: Kernel, rng: np.random.Generator, draws: int = DRAWS) -> Task:
    """`redistribute` on one batch in float32; nothing is drawn, whatever `draws`."""
    draft = laws((ROWS, kernel.vocab.kept_size), rng)
    cost = kernel.operations
    return Task(lambda: kernel.redistribute(draft), ROWS, cost.multiplications, cost.additions, _bytes(kernel))


def plain(kernel: Kernel, rng: np.random.Generator, draws: int = DRAWS) -> Task:
    """Draw in two stages, form the proposal, verify against it."""
    run = verifier(kernel, rng, lazy=False)
    cost, size = kernel.operations, kernel.vocab.size
    return Task(
        lambda: run(draws),
        ROWS * draws,
        cost.multiplications + 1,
        cost.additions + 2 * size,
        _bytes(kernel) + 4 * size,
    )


def lazy(kernel: Kernel, rng: np.random.Generator, draws: int = DRAWS) -> Task:
    """Draw in two stages, verify by columns: the target and the draft are summed, two columns read in expectation."""
    run = verifier(kernel, rng, lazy=True)
    size, kept = kernel.vocab.size, kernel.vocab.kept_size
    # A column is the part of the kernel that belongs to one token: 1/N of what all take; that of the embedding is none.
    entries = 0 if isinstance(kernel, Embedding) else max(1, (kernel.operations.reads - kept) // size)
    width = 2 if isinstance(kernel, StoredColumns) else 4
    return Task(
        lambda: run(draws),
        ROWS * draws,
        2 * entries,
        2 * entries + size + kept,
        4 * (size + kept) + 2 * entries * width,
    )


def _bytes(kernel: Kernel) -> int:
    """Of redistribution: the row's own entries, and its share of the kernel's."""
    own = kernel.vocab.kept_size + kernel.vocab.size
    return int(4 * (own + (kernel.operations.reads + kernel.operations.writes - own) // ROWS))


def verifier(
    kernel: Kernel, rng: np.random.Generator, *, lazy: bool, rows: int = ROWS, tries: int | None = None
) -> Callable[[int], list[Verification]]:
    """A function that verifies so many batches, the same ones whenever it is called.

    Parameters
    ----------
    rows
        Of a batch.
    tries
        Default `linear_tries`.
    """
    vocab = kernel.vocab
    draft = laws((rows, vocab.kept_size), rng)
    if isinstance(kernel, Embedding):
        cold = np.zeros((rows, vocab.size), dtype=np.float32)
        cold[:, vocab.cold] = laws((rows, vocab.cold.size), rng)
        target = (ACCEPTANCE * embed(draft, vocab) + (1 - ACCEPTANCE) * cold).astype(np.float32)
    else:
        target = laws((rows, vocab.size), rng)
    tries = linear_tries(vocab.kept_size) if tries is None else tries
    streams = rng.spawn(6)
    kept: list[list[np.ndarray]] = []

    def uniforms(batch: int) -> list[np.ndarray]:
        while len(kept) <= batch:
            shapes = [(rows,)] * 4 + ([(rows, tries)] * 2 if lazy else [])
            kept.append([s.random(shape) for s, shape in zip(streams, shapes, strict=False)])
        return kept[batch]

    def run(batches: int) -> list[Verification]:
        done = []
        for batch in range(batches):
            first, second, accept, last, *pair = uniforms(batch)
            _, token = draft_token(draft, kernel, first, second)
            if lazy:
                propose, keep = pair
                out = verify_lazy(target, draft, kernel, token, accept, propose, keep, last)
                done.append(Verification(out.accepted, out.columns, out.fell_back))
            else:
                _, accepted = verify_token(target, kernel.redistribute(draft), token, accept, last)
                done.append(Verification(accepted, None, None))
        return done

    return run
