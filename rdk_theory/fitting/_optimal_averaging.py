"""Accelerated dual averaging over kernels: the iteration of `fit_optimal` where a programme is not small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rdk_theory._rows import block_length
from rdk_theory.fitting._optimal_table import Table

BOLDNESS = 6.0
"""Steps are this many times those at which a step without momentum is sure to rise. With `_SHARPENING` found on neural
and count pairs and a synthetic one: 4 and 1/4 take a fifth more steps to the same gap; from 8 with 1/4 acceptance falls
while the bound still does."""

_SHARPENING = 1 / 3
"""How fast the smoothing falls: it is ``1 / (2 + steps · _SHARPENING)``."""

_BLOCK = 1 << 22
"""Entries of a kernel that are worked on at a time."""

_ALONE = 1e4
"""Logarithm of odds that no gradient makes up for."""

_STAYS = (0.1, 0.9)
"""Least and largest share of a row that the first kernel leaves at home."""

_OWN, _COMMON, _EVEN = 0.6, 0.35, 0.05
"""What else a row of the first kernel goes to: what TLI lacks where that token is drafted, what it lacks in the mean,
and all tokens. Beside the mean alone this saves a quarter of the steps on a neural pair."""

_TRUST = 0.7
"""Share of a kernel to start from in the first kernel."""

Rows = Callable[[slice], np.ndarray]
"""Rows of a kernel, by columns."""


class Averaging:
    """The mean kernel so far, the mean duals, and their bound.

    Three kernels move together: `kernel`, the mean; `_leader`, the best answer to the mean gradient, held near the
    first kernel by its divergence from it; and a point between the two, at which the next gradient is taken, and which
    overwrites the leader. With `_first` and `_gradient` that is four arrays of kept tokens by columns.
    """

    def __init__(
        self, table: Table, home: np.ndarray, duals: Any, *, start: Rows | None = None, bfloat16: bool = False
    ) -> None:
        self._table = table
        self._products = _BFloat16() if bfloat16 else _Plain()
        self._first, self._mass, self.tli = _first_kernel(table, home, start)
        self._gradient = np.zeros_like(self._first)
        self._leader = np.empty_like(self._first)
        self._weight, self._unpriced = 0.0, 0.0
        self.steps = 0
        self._lead()
        self.kernel = self._leader.copy()
        self.duals = np.zeros(table.targets.shape, dtype=duals)
        self.value = 0.0
        """Mean acceptance, by columns, where the last gradient was taken: hardly less than that of `kernel`."""

    @property
    def bound(self) -> float:
        """`certified`, as the iteration has it: good enough to stop by."""
        return self._unpriced + float(self._gradient.max(axis=1).sum(dtype=np.float64))

    def advance(self) -> None:
        """One gradient, and the answer to the mean of all so far."""
        smoothing = 1 / (2 + self.steps * _SHARPENING)
        curvature = (1 + smoothing) / (2 * smoothing * BOLDNESS)
        new = (1 + np.sqrt(1 + 4 * curvature * self._weight)) / (2 * curvature)
        self._weight += new
        self.steps += 1
        share = self._first.dtype.type(new / self._weight)
        for rows in _chunks(self.kernel):
            self._leader[rows] -= self.kernel[rows]
            self._leader[rows] *= share
            self._leader[rows] += self.kernel[rows]
        self._gradient *= 1 - share
        right = self._products.right(self._leader)
        unpriced = value = 0.0
        table = self._table
        for part in table.blocks():
            p, q, w = table.targets[part], table.drafts[part], table.weights[part]
            s = self._products.forward(q, right)
            value += float(w @ np.minimum(s, p).sum(axis=1, dtype=np.float64))
            duals_at(p, s, smoothing)
            unpriced += float(w @ np.einsum("ij,ij->i", 1 - s, p).astype(np.float64))
            self._products.add(self._gradient, q * (share * w).astype(q.dtype)[:, None], s)
            s -= self.duals[part]
            s *= share
            self.duals[part] += s.astype(self.duals.dtype, copy=False)
        self._unpriced += float(share) * (unpriced - self._unpriced)
        self.value = value
        self._lead()
        for rows in _chunks(self.kernel):
            self.kernel[rows] += share * (self._leader[rows] - self.kernel[rows])

    def certified(self) -> float:
        r"""The bound of `rdk_theory.fitting.certificate` at `duals`, in float64.

        Duals that are equal for all tokens of a column are duals like any others, and for these the columns are as good
        as tokens: :math:`\sum_{t \in g} (1-s_g) p_t = (1-s_g) p_g`. Frees what the iteration holds, which is over.
        """
        del self._first, self._gradient, self._leader
        table = self._table
        prices = np.zeros((table.drafts.shape[1], table.targets.shape[1]))
        unpriced = 0.0
        for part in table.blocks():
            w = table.weights[part]
            wide = (table.drafts[part] * w[:, None]).T
            step = block_length(max(wide.shape), _BLOCK)
            for start in range(0, prices.shape[1], step):
                block = slice(start, start + step)
                s = np.clip(self.duals[part, block].astype(np.float64), 0, 1)
                prices[:, block] += wide @ s
                unpriced += float(w @ np.einsum("ij,ij->i", 1 - s, table.targets[part, block]))
        return unpriced + float(prices.max(axis=1).sum())

    def _lead(self) -> None:
        """Each row in proportion to the first kernel times ``exp(weight · mean gradient / E q'_i)``."""
        scale = (self._weight / self._mass).astype(self._leader.dtype)[:, None]
        for rows in _chunks(self._leader):
            raised = np.multiply(self._gradient[rows], scale[rows], out=self._leader[rows])
            raised += self._first[rows]
            raised -= raised.max(axis=1, keepdims=True)
            np.exp(raised, out=raised)
            raised /= raised.sum(axis=1, keepdims=True)


def _first_kernel(table: Table, home: np.ndarray, start: Rows | None) -> tuple[np.ndarray, np.ndarray, float]:
    """Logarithm of the kernel from which the iteration starts, the mean drafts (1 where 0), and what TLI accepts."""
    p, q = table.targets, table.drafts
    mass = table.mean(q)
    met = np.zeros_like(mass)
    first = np.zeros((q.shape[1], p.shape[1]), dtype=np.result_type(p, q))
    for part in table.blocks():
        lack = p[part].copy()
        least = np.minimum(lack[:, home], q[part])
        lack[:, home] -= least
        met += table.weights[part] @ least.astype(np.float64)
        _Plain().add(first, q[part] * table.weights[part].astype(q.dtype)[:, None], lack)
    common = first.sum(axis=0, dtype=np.float64)
    even = np.full(p.shape[1], 1 / p.shape[1])
    common = common / common.sum() if common.sum() > 0 else even
    drafted = mass > 0
    mass[~drafted] = 1
    stays = np.where(drafted, np.clip(met / mass, *_STAYS), 0.0)
    for rows in _chunks(first):
        own = first[rows]
        total = own.sum(axis=1, keepdims=True)
        own /= np.where(total > 0, total, 1)
        own *= np.where(total > 0, _OWN, 0)
        own += np.where(total > 0, _COMMON, _COMMON + _OWN).astype(own.dtype) * common.astype(own.dtype)
        own += own.dtype.type(_EVEN / p.shape[1])
        own *= (1 - stays[rows]).astype(own.dtype)[:, None]
        own[np.arange(own.shape[0]), home[rows]] += stays[rows].astype(own.dtype)
        if start is not None:
            own *= 1 - _TRUST
            own += own.dtype.type(_TRUST) * start(rows).astype(own.dtype)
        np.log(own, out=own)
    lonely = np.flatnonzero(~drafted)
    first[lonely, home[lonely]] = _ALONE  # a token that is never drafted stays home
    return first, mass, float(met.sum())


def duals_at(target: np.ndarray, proposal: np.ndarray, smoothing: float) -> np.ndarray:
    """``clip((1 + δ − r/p)/2δ, 0, 1)``, in the array of the proposal; 0 where ``p = 0``."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        np.divide(proposal, target, out=proposal)
        proposal *= -0.5 / smoothing
        proposal += (1 + smoothing) / (2 * smoothing)
    np.fmax(proposal, 0, out=proposal)  # 0/0 is NaN, and nothing is accepted there
    return np.minimum(proposal, 1, out=proposal)


def value_of(table: Table, matrix: np.ndarray) -> float:
    """``E α(p, q'M)``, by columns."""
    total = 0.0
    for part in table.blocks():
        met = np.minimum(table.targets[part], table.drafts[part] @ matrix)
        total += float(table.weights[part] @ met.sum(axis=1, dtype=np.float64))
    return total


class _Plain:
    """Products in the precision of the rows."""

    def right(self, matrix: np.ndarray) -> Any:
        return matrix

    def forward(self, left: np.ndarray, right: Any) -> np.ndarray:
        return np.asarray(left @ right)

    def add(self, out: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
        """``out += left.T @ right``, some columns at a time."""
        step = block_length(out.shape[0], _BLOCK)
        for start in range(0, out.shape[1], step):
            out[:, start : start + step] += left.T @ right[:, start : start + step]


class _BFloat16(_Plain):
    """Products of factors rounded to eight bits, by torch: four times as fast where the processor has them."""

    def __init__(self) -> None:
        import torch

        self._torch = torch

    def right(self, matrix: np.ndarray) -> Any:
        return self._torch.from_numpy(matrix).bfloat16()

    def forward(self, left: np.ndarray, right: Any) -> np.ndarray:
        return np.asarray((self._torch.from_numpy(left).bfloat16() @ right).float().numpy())

    def add(self, out: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
        narrow = self._torch.from_numpy(left).bfloat16().T
        step = block_length(out.shape[0], _BLOCK)
        for start in range(0, out.shape[1], step):
            part = self._torch.from_numpy(np.ascontiguousarray(right[:, start : start + step])).bfloat16()
            out[:, start : start + step] += (narrow @ part).float().numpy()


def _chunks(matrix: np.ndarray) -> Iterator[slice]:
    step = block_length(matrix.shape[1], _BLOCK)
    return (slice(start, start + step) for start in range(0, matrix.shape[0], step))
