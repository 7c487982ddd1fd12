"""The context-free kernel that maximises acceptance, with a bound that certifies how far from the best it can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory._array import Array, is_exact, to_numpy
from rdk_theory._rows import block_length
from rdk_theory._types import Real
from rdk_theory.fitting.certificate import upper_bound
from rdk_theory.fitting.prior import check_fit
from rdk_theory.kernels.dense import Dense
from rdk_theory.vocabulary import Vocabulary

LARGEST = 1 << 28
"""Entries of a kernel, and of the target rows, up to which arrays of that size are made (1 GiB each in float32)."""

CHECK = 10
"""Steps between looks at the mean kernel."""

RATE = 3.0
"""Step size of the kernel, in units of the mean dual; found on small problems that HiGHS solves too."""

_BLOCK = 1 << 22
"""Entries of the proposals formed at a time: the programme separates over tokens but for the rows' sums."""

_FLOOR = 1e-30
"""Added to every entry: one that has vanished could never grow again."""


@dataclass(frozen=True)
class OptimalFit:
    """A kernel fitted for acceptance, and what is known of its distance from the best."""

    kernel: Dense
    acceptance: float
    """Mean acceptance of the kernel in the contexts of the fit."""
    upper_bound: float
    """No context-free kernel accepts more in these contexts (claim ``optimal-kernel``)."""
    steps: int
    """Steps taken up to the kernel that is kept."""

    @property
    def gap(self) -> float:
        """``upper_bound − acceptance``."""
        return self.upper_bound - self.acceptance


def fit_optimal(
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C K"],
    vocab: Vocabulary,
    *,
    steps: int = 60,
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
        Steps at most; the gap shrinks about as fast as they grow.
    tolerance
        Stop once the gap between the bound and the acceptance in these contexts is certified to be no more.
    validation
        Targets and drafts of other contexts. Of the kernels seen at every `CHECK`-th step the one that accepts most
        there is kept; without them, the one that accepts most in the contexts of the fit.

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
    :math:`\min(p, r) = \min_{s \in [0,1]} (1-s)\,p + s\,r`, so the kernel and the duals :math:`s_c` play a bilinear
    game. The kernel answers by exponentiated gradient on :math:`\mathrm E[q'_i s_j] / \mathrm E q'_i`, which is a mean
    of :math:`s` and so has one scale in every row; the duals by a clipped step of :math:`(p - r)/(p + r)`, with the
    proposal extrapolated (the primal-dual method of Chambolle and Pock 2011, with an entropy for the kernel).
    Both sides are averaged with growing weights. The averaged duals give the bound
    (`rdk_theory.fitting.certificate`), which holds whatever the iteration did.
    """
    check_fit(targets, drafts, vocab)
    if is_exact(targets):
        raise ValueError("targets are rationals, on which an iteration has no end; convert them to float64")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a positive integer, not {steps!r}")
    for name, size in (("kernel", vocab.kept_size * vocab.size), ("targets", targets.shape[0] * vocab.size)):
        if size > LARGEST:
            raise ValueError(f"{name} would have {size} entries, more than the {LARGEST} for which this fit is made")
    p, q = _rows(targets, drafts)
    held = _held_out(validation, vocab)
    game = _Game(p, q, vocab)
    best, kept, at = _value(*(held or (p, q)), game.matrix), game.matrix, 0
    bound, duals = np.inf, game.mean_duals()
    for step in range(1, steps + 1):
        game.advance(step)
        if step % CHECK and step != steps:
            continue
        mean, prices = game.mean_matrix(), game.mean_duals()
        value = _value(p, q, mean)
        score = value if held is None else _value(*held, mean)
        if score > best:
            best, kept, at = score, mean, step
        if (found := _bound(p, q, prices)) < bound:
            bound, duals = found, prices
        if bound - value <= tolerance:
            break
    return OptimalFit(Dense(vocab, kept), _value(p, q, kept), upper_bound(p, q, duals), at)


class _Game:
    """The two players, and their means over the steps."""

    def __init__(self, p: np.ndarray, q: np.ndarray, vocab: Vocabulary) -> None:
        self._p, self._q = p, q
        mass = q.sum(axis=0, dtype=np.float64)
        mass[mass == 0] = 1  # a row that is never drawn may be anything
        self._scale = (RATE / mass).astype(p.dtype)[:, None]
        start = np.broadcast_to(p.mean(axis=0) + _FLOOR, (q.shape[1], vocab.size)).copy()
        start[np.arange(q.shape[1]), vocab.kept] += 1
        self.matrix = start / start.sum(axis=1, keepdims=True)
        self._proposal = np.empty_like(p)
        self._duals = np.empty_like(p)
        for block in _blocks(*p.shape):
            r = q @ self.matrix[:, block]
            self._proposal[:, block] = r
            self._duals[:, block] = np.clip(0.5 + 0.5 * _lack(p[:, block], r, r), 0, 1)
        self._matrices, self._all_duals = np.zeros_like(self.matrix), np.zeros_like(p)
        self._weight = 0.0

    def advance(self, step: int) -> None:
        """One answer of the kernel to the duals, and one of the duals to the proposal."""
        gain = np.empty_like(self.matrix)
        for block in _blocks(*self._p.shape):
            gain[:, block] = self._q.T @ self._duals[:, block]
        gain *= self._scale
        gain -= gain.max(axis=1, keepdims=True)
        np.exp(gain, out=gain)
        gain *= self.matrix
        gain += _FLOOR
        gain /= gain.sum(axis=1, keepdims=True)
        self.matrix = gain
        self._matrices += step * gain
        self._weight += step
        for block in _blocks(*self._p.shape):
            r = self._q @ gain[:, block]
            dual = self._duals[:, block]
            dual += _lack(self._p[:, block], 2 * r - self._proposal[:, block], r)
            np.clip(dual, 0, 1, out=dual)
            self._proposal[:, block] = r
            self._all_duals[:, block] += step * dual

    def mean_matrix(self) -> np.ndarray:
        """The mean kernel; its rows are normalised against the rounding of the sum."""
        return self._matrices / self._matrices.sum(axis=1, keepdims=True)

    def mean_duals(self) -> np.ndarray:
        """The mean dual: a point of [0, 1] for each context and token."""
        return np.clip(self._all_duals / self._weight, 0, 1) if self._weight else self._duals.copy()


def _lack(p: np.ndarray, extrapolated: np.ndarray, r: np.ndarray) -> np.ndarray:
    """``(p − r̂) / (p + r)``: the step of a dual, on the scale of its own token; 0 where both are 0."""
    total = p + r
    total[total == 0] = 1
    return (p - extrapolated) / total


def _bound(p: np.ndarray, q: np.ndarray, duals: np.ndarray) -> float:
    """`certificate.upper_bound` in the precision of the rows: good enough to choose by."""
    parts = [
        (float(((1 - duals[:, b]) * p[:, b]).sum(dtype=np.float64)), (q.T @ duals[:, b]).max(axis=1))
        for b in _blocks(*p.shape)
    ]
    return (sum(part[0] for part in parts) + float(np.max([part[1] for part in parts], axis=0).sum())) / p.shape[0]


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
