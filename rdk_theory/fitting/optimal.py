"""The context-free kernel that maximises acceptance, with a bound that certifies how far from the best it can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory._array import Array, is_exact, to_numpy
from rdk_theory._rows import block_length
from rdk_theory._types import Real
from rdk_theory.fitting._optimal_averaging import Averaging
from rdk_theory.fitting._optimal_interior import central_path, operations
from rdk_theory.fitting._optimal_table import Table
from rdk_theory.fitting.certificate import upper_bound
from rdk_theory.fitting.prior import check_fit
from rdk_theory.fitting.safety import Bounded
from rdk_theory.kernels.dense import Dense
from rdk_theory.vocabulary import Vocabulary

LARGEST = 1 << 28
"""Entries of a kernel, and of the target rows, up to which arrays of that size are made (1 GiB each in float32)."""

CHECK = 10
"""Steps between looks at the kernel reached."""

STEPS = 60
"""Steps of the averaging method, where no number is given."""

SMALL = float(1 << 28)
"""Multiplications in one step up to which a programme counts as small, and is solved to the last digits: seconds."""

LOOSE = 1e-3
"""Tolerances above are met sooner, and by kernels that other contexts like better, by the averaging method."""

_BLOCK = 1 << 19
"""Entries of the proposals formed at a time: the programme separates over tokens but for the rows' sums."""


@dataclass(frozen=True)
class OptimalFit(Bounded):
    """A kernel fitted for acceptance, and what is known of its distance from the best."""

    kernel: Dense
    acceptance: float
    """Mean acceptance of the kernel in the contexts of the fit."""
    upper_bound: float
    """No context-free kernel accepts more in these contexts (claim ``optimal-kernel``)."""
    steps: int
    """Steps taken up to the kernel that is kept."""


def fit_optimal(
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C K"],
    vocab: Vocabulary,
    *,
    steps: int | None = None,
    tolerance: float = 0.0,
    validation: tuple[Any, Any] | None = None,
) -> OptimalFit:
    r"""Maximise :math:`\mathrm E\,\alpha(p, q'M)` over row-stochastic :math:`M`, with a bound on what is left.

    Parameters
    ----------
    targets
        :math:`p`, one row a context.
    drafts
        :math:`q'`, restricted to ``vocab.kept``.
    vocab
        The target vocabulary and its kept tokens.
    steps
        Steps of the averaging method at most; the gap shrinks about as fast as they grow. By default a small programme
        (see `SMALL`) without validation and with a tolerance of at most `LOOSE` is solved to about eight digits by an
        interior point method (`rdk_theory.fitting._optimal_interior`), and any other takes `STEPS`.
    tolerance
        Stop once the gap between the bound and the acceptance in these contexts is certified to be no more.
    validation
        Targets and drafts of other contexts. Of the kernels seen at every `CHECK`-th step the one that accepts most
        there is kept; without them, the one that accepts most in the contexts of the fit. TLI is among them.

    Returns
    -------
    OptimalFit
        With a `Dense` kernel in the precision of the rows (float32 or float64).

    Raises
    ------
    ValueError
        If rows are no distributions, shapes differ, or the kernel or the rows have more than `LARGEST` entries.

    Notes
    -----
    With :math:`x = \tilde p/p`, the objective is :math:`p \min(1, x)`; it is smoothed to :math:`p\,h_\delta(x)`, where
    :math:`h_\delta'(x) = s = \mathrm{clip}((1+\delta-x)/2\delta,\,0,\,1)`, which lowers it by at most
    :math:`\delta p/4`, so by :math:`\delta/4` in all, however large the vocabulary. The smoothed mean is smooth
    relative to the entropy :math:`\sum_{ij} \mathrm E[q'_i]\, M_{ij} \ln M_{ij}` with constant
    :math:`L = (1+\delta)/2\delta`: for a change `D` of the kernel :math:`(\sum_i q'_i D_{ij})^2/\tilde p_j \le \sum_i
    q'_i D_{ij}^2/M_{ij}` by Cauchy's inequality, and :math:`1/p \le (1+\delta)/\tilde p` where `h` bends. So each row
    takes exponentiated steps on :math:`\mathrm E[q'_i s_j]/\mathrm E q'_i \in [0, 1]`, of one scale for frequent and
    rare tokens. They are those of accelerated dual averaging (Nesterov 2005, 2009), with :math:`L` divided by
    a boldness that was found by trial and :math:`\delta` falling from 1/2 (`rdk_theory.fitting._optimal_averaging`).

    The duals `s` are averaged with the weights of the method, and their mean is the certificate
    (`rdk_theory.fitting.certificate`), evaluated in float64: it holds whatever the iteration did. The first kernel
    leaves home what TLI does not, and gives the rest mostly to what TLI lacks where that token is drafted. Memory: four
    arrays of the size of the kernel and one of that of the targets, beside the kernel that is kept.

    Where the kernel would be too large, `rdk_theory.fitting.optimal_streamed.fit_streamed` takes batches and gives a
    sparse one.
    """
    check_fit(targets, drafts, vocab)
    if is_exact(targets):
        raise ValueError("targets are rationals, on which an iteration has no end; convert them to float64")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise ValueError(f"steps must be a positive integer, not {steps!r}")
    for name, size in (("kernel", vocab.kept_size * vocab.size), ("targets", targets.shape[0] * vocab.size)):
        if size > LARGEST:
            raise ValueError(f"{name} would have {size} entries, more than {LARGEST}; fit_streamed has no such limit")
    p, q = _rows(targets, drafts)
    held = _held_out(validation, vocab)
    small = operations(p.shape[0], vocab.kept_size, vocab.size) <= SMALL
    if steps is None and held is None and tolerance <= LOOSE and small:
        return _solved(p, q, vocab, tolerance)
    return _averaged(p, q, vocab, steps or STEPS, tolerance, held)


def _solved(p: np.ndarray, q: np.ndarray, vocab: Vocabulary, tolerance: float) -> OptimalFit:
    """By `central_path`, as far as it goes or is asked to."""
    path = enumerate(central_path(p, q, vocab.kept))
    step, point = next(path)
    while point.gap > tolerance and (after := next(path, None)) is not None:
        step, point = after
    kernel = Dense(vocab, point.matrix.astype(p.dtype))
    return OptimalFit(kernel, _value(p, q, kernel.matrix), upper_bound(p, q, point.duals.astype(p.dtype)), step)


def _averaged(
    p: np.ndarray,
    q: np.ndarray,
    vocab: Vocabulary,
    steps: int,
    tolerance: float,
    held: tuple[np.ndarray, np.ndarray] | None,
) -> OptimalFit:
    """By `Averaging`, with the best kernel of every `CHECK`-th step."""
    search = Averaging(Table(p, q, np.ones(p.shape[0])), vocab.kept, p.dtype)
    kept, at = np.zeros_like(search.kernel), 0
    kept[np.arange(vocab.kept_size), vocab.kept] = 1  # TLI, which no fit need be worse than
    best = _value(*(held or (p, q)), kept)
    for step in range(1, steps + 1):
        search.advance()
        if step % CHECK and step != steps:
            continue
        value = _value(p, q, search.kernel)
        score = value if held is None else _value(*held, search.kernel)
        if score > best:
            best, kept, at = score, search.kernel.copy(), step
        if search.bound - value <= tolerance:
            break
    kernel = Dense(vocab, kept / kept.sum(axis=1, keepdims=True))
    return OptimalFit(kernel, _value(p, q, kernel.matrix), upper_bound(p, q, np.clip(search.duals, 0, 1)), at)


def _value(p: np.ndarray, q: np.ndarray, matrix: np.ndarray) -> float:
    """``E α(p, q'M)``."""
    parts = (np.minimum(p[:, b], q @ matrix[:, b]).sum(dtype=np.float64) for b in _blocks(*p.shape))
    return float(sum(parts)) / p.shape[0]


def _blocks(contexts: int, size: int) -> Iterator[slice]:
    step = block_length(contexts, _BLOCK)
    return (slice(start, start + step) for start in range(0, size, step))


def _rows(targets: Array, drafts: Array) -> tuple[np.ndarray, np.ndarray]:
    """Both on the host, float64 if both are, else float32."""
    p, q = to_numpy(targets), to_numpy(drafts)
    dtype = np.float64 if p.dtype == q.dtype == np.float64 else np.float32
    return np.ascontiguousarray(p, dtype=dtype), np.ascontiguousarray(q, dtype=dtype)


def _held_out(pair: tuple[Any, Any] | None, vocab: Vocabulary) -> tuple[np.ndarray, np.ndarray] | None:
    if pair is None:
        return None
    targets, drafts = pair
    check_fit(targets, drafts, vocab)
    return _rows(targets, drafts)
