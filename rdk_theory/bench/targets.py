"""What was aimed at, what was found, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from rdk_theory.bench import _tasks
from rdk_theory.bench._kernels import KERNELS
from rdk_theory.bench._timing import LEVEL
from rdk_theory.bench.curves import SHARE, number, pick
from rdk_theory.tables import Row
from rdk_theory.verification import linear_tries
from rdk_theory.vocabulary import Vocabulary

LINEAR = 1.05
QUADRATIC = 1.9
MEMORY = 1e6
"""Bytes a row that lazy verification may hold at `MEMORY_SIZE` tokens or fewer."""
MEMORY_SIZE = 1 << 17
SLOWER = 1.2
"""How much slower than plain verification of the embedding's proposal lazy verification of a dense kernel may be."""

ERRORS = 5.0
"""Standard errors above 2 at which the mean number of columns is held to be too large."""


class Target(NamedTuple):
    """A number, its interval where it has one, and the bound that it should keep."""

    name: str
    value: float
    low: float | None
    high: float | None
    bound: str
    held: bool
    timed: bool
    """Whether it depends on the machine and its load; such a target is reported, and never fails a run."""


class Columns(NamedTuple):
    """Kernel columns read for a verified token: mean with a 95 % interval, and how often all tries failed."""

    kernel: str
    tries: int
    tokens: int
    mean: float
    low: float
    high: float
    acceptance: float
    fell_back: int

    @property
    def held(self) -> bool:
        """Whether a mean of 2 or less explains what was read: it fails by chance once in three million times."""
        return self.mean - (self.high - self.mean) * ERRORS / float(stats.norm.isf((1 - LEVEL) / 2)) <= 2


def columns(seed: int, *, batches: int, size: int = 2048, rows: int = 512) -> list[Columns]:
    """Count columns over many tokens, with few tries and with as many as keep falling back linear."""
    rng = np.random.default_rng([seed, 1])
    found = []
    vocab = Vocabulary(size, rng.permutation(size)[: size // SHARE])
    for name in ("columns", "sparse", "low rank"):
        kernel = KERNELS[name](vocab, rng)
        for tries in (4, linear_tries(vocab.kept_size)):
            done = _tasks.verifier(kernel, rng, lazy=True, rows=rows, tries=tries)(batches)
            read = np.concatenate([x.columns for x in done if x.columns is not None])
            mean = float(read.mean())
            reach = float(stats.t.ppf((1 + LEVEL) / 2, read.size - 1) * read.std(ddof=1) / np.sqrt(read.size))
            accepted = float(np.mean([x.accepted.mean() for x in done]))
            fell = sum(int(x.fell_back.sum()) for x in done if x.fell_back is not None)
            found.append(Columns(name, tries, read.size, mean, mean - reach, mean + reach, accepted, fell))
    return found


def targets(rows: Sequence[Row], read: Sequence[Columns]) -> list[Target]:
    """Every target that the curves and the counted columns decide."""
    found = []
    for task, kernel in dict.fromkeys((str(row["task"]), str(row["kernel"])) for row in rows):
        row = pick(rows, task, kernel)[0]
        slope, low, high, counted = (
            number(row, c) for c in ("exponent", "exponent_low", "exponent_high", "counted_exponent")
        )
        quadratic = kernel == "dense"
        bound = f"at least {QUADRATIC}" if quadratic else f"at most {LINEAR}"
        if task == "redistribute" or not quadratic:
            held = slope >= QUADRATIC if quadratic else slope <= LINEAR
            found.append(Target(f"exponent, {task}, {kernel}", slope, low, high, bound, held, True))
        counted_held = counted >= QUADRATIC if quadratic else counted <= LINEAR
        found.append(Target(f"counted exponent, {task}, {kernel}", counted, None, None, bound, counted_held, False))
    within = [row for row in pick(rows, "verify lazily", "columns") if number(row, "size") <= MEMORY_SIZE][-1]
    memory = number(within, "peak_bytes")
    name = f"peak bytes a row, lazy columns, N = {within['size']}"
    found.append(Target(name, memory, None, None, f"below {MEMORY:.0f}", memory < MEMORY, False))
    for task, label in (("verify whole", "verify_token"), ("verify lazily", "verify_lazy")):
        pairs = {row["size"]: row for row in pick(rows, task, "embedding")}
        ratio = number(within, "seconds") / number(pairs[within["size"]], "seconds")
        name = f"lazy dense float16 over TLI by {label}, N = {within['size']}"
        found.append(Target(name, ratio, None, None, f"at most {SLOWER}", ratio <= SLOWER, True))
    for x in read:
        name = f"mean columns, {x.kernel}, {x.tries} tries"
        found.append(Target(name, x.mean, x.low, x.high, "at most 2", x.held, False))
    return found
