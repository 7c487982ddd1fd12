"""The best context-free kernel at the scale of real vocabularies, from contexts that come in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import runs, validation
from rdk_theory._array import Array, to_numpy
from rdk_theory._types import Ids
from rdk_theory.captures.base import Capture
from rdk_theory.distributions import restrict
from rdk_theory.fitting._optimal_averaging import Averaging
from rdk_theory.fitting._optimal_sparse import acceptances, cut, shrunk
from rdk_theory.fitting._optimal_table import Source, Table, Tokens, batches
from rdk_theory.fitting.safety import Bounded
from rdk_theory.kernels.backed_off import BackedOff
from rdk_theory.kernels.base import Kernel
from rdk_theory.vocabulary import Vocabulary

CHECK = 5
"""Steps between looks at the kernel reached, with validation."""

SHARES = (0.0, 0.125, 0.25, 0.5, 1.0)
"""Shares of the embedding that validation chooses among; the last is TLI."""

_MARGIN = 1e-4
"""By how much less than `tolerance` the gap must seem for the fit to stop: duals in half precision move the bound by
about 1e-5, products in `bfloat16` by a few times that."""

_READ = 1 << 24
"""Entries of the target rows of a batch that `InMemory` and `FromCapture` give."""


@dataclass(frozen=True)
class StreamedFit(Bounded):
    """A kernel fitted for acceptance, and what is known of its distance from the best."""

    kernel: BackedOff
    acceptance: float
    """Mean acceptance of the kernel in the contexts of the fit, over all tokens."""
    upper_bound: float
    """No context-free kernel accepts more in these contexts (claim ``optimal-kernel``)."""
    steps: int
    """Steps taken up to the kernel that is kept."""
    share: float
    """Share in the kernel of what was fitted, against the embedding, chosen by validation: 0 is TLI."""
    contexts: int
    """Contexts of the fit."""
    distinct: int
    """How many of them differ."""


class InMemory:
    """Batches of arrays.

    Parameters
    ----------
    targets, drafts
        :math:`p` and :math:`q'`, one row a context.
    """

    def __init__(self, targets: Array, drafts: Array) -> None:
        self._targets, self._drafts = targets, drafts

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        step = max(1, _READ // self._targets.shape[-1])
        for start in range(0, self._targets.shape[0], step):
            yield self._targets[start : start + step], self._drafts[start : start + step]


class FromCapture:
    """Batches of a capture, its drafts restricted to the kept tokens; rows are made anew at each pass.

    Parameters
    ----------
    capture
        An opened capture.
    vocab
        The target vocabulary and its kept tokens, in the drafter's ids.
    indices
        Numbers of the contexts.
    """

    def __init__(self, capture: Capture, vocab: Vocabulary, indices: Ids[np.ndarray, "contexts"]) -> None:
        self._capture, self._vocab, self._indices = capture, vocab, indices

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        step = max(1, _READ // self._vocab.size)
        for _, target, draft in self._capture.batches(self._indices, step):
            yield target, restrict(draft, self._vocab)


def fit_streamed(
    source: Source,
    vocab: Vocabulary,
    *,
    steps: int = 60,
    tolerance: float = 1e-2,
    rare: float | None = None,
    support: int = 256,
    validation_source: Source | None = None,
    start: Kernel | None = None,
    memory: float = 8e9,
    bfloat16: bool = False,
) -> StreamedFit:
    r"""Maximise :math:`\mathrm E\,\alpha(p, q'M)` as `fit_optimal` does, where arrays of :math:`K \times N` are large.

    Parameters
    ----------
    source
        Gives batches ``(targets, drafts)``, targets over the vocabulary and drafts restricted to ``vocab.kept``, the
        same at each iteration: `InMemory`, `FromCapture`, or anything like them. Read twice, and again at each
        look at the whole kernel: one or two without validation.
    vocab
        The target vocabulary and its kept tokens.
    steps
        Steps at most.
    tolerance
        Stop once the gap is certified to be no more.
    rare
        Cold tokens whose mean probabilities add up to no more than this share one column: kernels differ only in the
        mass that they give to all of these together. Costs at most `rare` of the gap. Default: a quarter of
        `tolerance`.
    support
        Entries a row that the kernel stores at most; the rest of each row goes to one law for all.
    validation_source
        Batches of other contexts. Of the kernels seen at every `CHECK`-th step, mixed with the embedding by each of
        `SHARES`, the one that accepts most there is kept. TLI is among them.
    start
        A kernel to start from: one fitted to other contexts, or by an earlier call. It saves steps if it is near.
    memory
        Bytes that the arrays of the fit may take.
    bfloat16
        Whether products within the iteration may round their factors to eight bits, which needs torch. The bound and
        the acceptance are not touched by it: they are computed anew from the rows.

    Returns
    -------
    StreamedFit
        With a `BackedOff` kernel: sparse rows and one shared law.

    Raises
    ------
    ValueError
        If rows are no distributions, shapes differ, `source` gives nothing, `start` is a kernel of another vocabulary
        or has one matrix for each context, or the arrays would exceed `memory`.

    Notes
    -----
    The iteration is that of `fit_optimal`, from a first kernel that already knows what TLI lacks where each token is
    drafted. With `n` columns for `C` contexts that differ, a step costs :math:`4 C K n` operations in two products of
    matrices, and the arrays take :math:`16 K n + C (6 n + 4 K) + B` bytes, `B` up to 1 GB for blocks; the certificate,
    in float64, takes :math:`8 K n` while three of the four of the kernel's size are freed. Equal contexts are stored
    once. The bound holds over **all** kernels: duals that are equal on the tokens of a column are duals like any
    others. The acceptance is that of the kernel returned, over all tokens.
    """
    _check(steps, tolerance, rare, support)
    if start is not None:
        _check_start(start, vocab)
    mean, contexts = _mean(source, vocab)
    tokens = Tokens(vocab, mean, tolerance / 4 if rare is None else rare)
    needed = 16.0 * vocab.kept_size * tokens.size + contexts * (6.0 * tokens.size + 4.0 * vocab.kept_size) + 1e9
    if needed > memory:
        raise ValueError(
            f"{contexts} contexts of {tokens.size} columns and {vocab.kept_size} kept tokens need "
            f"{needed / 1e9:.1f} GB, more than memory, {memory / 1e9:.1f} GB: give fewer contexts, or let more "
            "tokens be rare"
        )
    table = Table.read(source, vocab, tokens, contexts)
    mass = table.mean(table.drafts)
    rows = None if start is None else lambda part: tokens.columns(_rows(start, part))
    search = Averaging(table, tokens.home, np.float16, start=rows, bfloat16=bfloat16)
    found = _search(search, tokens, vocab, mass, source, validation_source, steps, tolerance, support)
    bound = search.certified()
    accepted = found.accepted if found.accepted is not None else float(acceptances(source, found.kernel, [0.0])[0])
    return StreamedFit(found.kernel, accepted, bound, found.step, 1 - found.embedding, contexts, table.weights.size)


@dataclass
class _Found:
    """The best kernel so far, by the contexts that judge."""

    kernel: BackedOff
    score: float
    embedding: float = 1.0
    """Share of the embedding in it."""
    step: int = 0
    accepted: float | None = None
    """Mean acceptance in the contexts of the fit, where it is known."""


def _search(
    search: Averaging,
    tokens: Tokens,
    vocab: Vocabulary,
    mass: np.ndarray,
    source: Source,
    held: Source | None,
    steps: int,
    tolerance: float,
    support: int,
) -> _Found:
    """Advance, and look at the whole kernel when the gap may be small enough, or validation wants to."""
    embedding = np.zeros((vocab.kept_size, tokens.size), dtype=np.float32)
    embedding[np.arange(vocab.kept_size), tokens.home] = 1
    tli = cut(embedding, mass, tokens, vocab, 1)
    del embedding
    best = _Found(tli, search.tli if held is None else float(acceptances(held, tli, [0.0])[0]), accepted=search.tli)
    aim = max(tolerance - _MARGIN, 0.0)
    lost = 0.0  # by shared columns and by the cut
    for step in runs.progress(range(1, steps + 1), "fit", steps):
        search.advance()
        close = search.bound - search.value + lost <= aim
        if not (close or step == steps or (held is not None and step % CHECK == 0)):
            continue
        kernel = cut(search.kernel, mass, tokens, vocab, support)
        whole = float(acceptances(source, kernel, [0.0])[0])
        lost = max(search.value - whole, 0.0)
        shares = SHARES if held is not None else SHARES[:1]
        values = acceptances(held, kernel, shares) if held is not None else np.array([whole])
        k = int(values.argmax())
        if values[k] > best.score:
            share = shares[k]
            chosen = shrunk(kernel, share) if share else kernel
            best = _Found(chosen, float(values[k]), share, step, None if share else whole)
        if search.bound - whole <= aim:
            break
    return best


def _mean(source: Source, vocab: Vocabulary) -> tuple[np.ndarray, int]:
    total, contexts = np.zeros(vocab.size), 0
    for p, _ in batches(source, vocab):
        total += p.sum(axis=0, dtype=np.float64)
        contexts += p.shape[0]
    return total / contexts, contexts


def _rows(kernel: Kernel, part: slice) -> np.ndarray:
    return to_numpy(kernel.row(np.arange(kernel.vocab.kept_size)[part]))


def _check_start(start: Kernel, vocab: Vocabulary) -> None:
    if not start.context_free:
        raise ValueError(f"start is a {type(start).__name__} with one matrix for each context")
    if start.vocab.size != vocab.size or not np.array_equal(start.vocab.kept, vocab.kept):
        raise ValueError(f"start is a kernel of {start.vocab}, not of the kept tokens of {vocab}")


def _check(steps: Any, tolerance: Any, rare: Any, support: Any) -> None:
    for name, value in (("steps", steps), ("support", support)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a positive integer, not {value!r}")
    validation.probability("tolerance", tolerance)
    if rare is not None:
        validation.probability("rare", rare)
