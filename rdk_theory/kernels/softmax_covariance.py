"""Mass moves between tokens whose target probabilities vary together: a softmax over rows of a covariance."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from rdk_theory import tolerances, validation
from rdk_theory._array import Array, cast_like, double, dtype_name, index_like, is_exact, namespace, to_numpy, widen
from rdk_theory._rows import block_length
from rdk_theory._types import Real
from rdk_theory.kernels._matrices import BLOCK, Factored, Full
from rdk_theory.kernels._spikes import Covariance, Spikes
from rdk_theory.kernels.base import Kernel, Operations, beside, is_number, matching
from rdk_theory.kernels.first_order import FirstOrderSoftmax, largest_deviation
from rdk_theory.vocabulary import Vocabulary


class SoftmaxCovariance(Kernel):
    r"""Softmax over covariances: :math:`M_{ij} = e^{\Omega_{ij}/\tau} / \sum_k e^{\Omega_{ik}/\tau}` for kept `i`.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    covariance
        :math:`\Omega`, ``(N, N)``, symmetric and finite: usually the covariance over contexts of the target's
        probability vector. `from_factor` and `from_diagonal` make the kernel without it.
    temperature
        :math:`\tau > 0`, in the units of :math:`\Omega`.

    Raises
    ------
    ValueError
        If :math:`\Omega` is not finite, square of the size of the vocabulary, or symmetric up to the rounding of its
        dtype; or the temperature is not positive and finite.

    Notes
    -----
    The kernel is not stored: `redistribute` makes it in blocks of kept rows, in float64; memory beyond the kept rows of
    :math:`\Omega`, or its factor, is bounded. :math:`O(KN)` exponentials a call, where `first_order` needs none.
    Every entry is at most `entry_ceiling` (claim ``flat-kernel-limit``). With rationals only `first_order` works:
    an exponential is no rational.
    """

    def __init__(self, vocab: Vocabulary, covariance: Real[Array, "..."], temperature: Any) -> None:
        validation.finite("covariance", covariance)
        _symmetric(covariance, vocab.size)
        covariance = widen(covariance)
        self._set(vocab, Full(covariance[index_like(vocab.kept, covariance)]), temperature)

    @classmethod
    def from_factor(cls, vocab: Vocabulary, factor: Real[Array, "..."], temperature: Any) -> SoftmaxCovariance:
        r"""The kernel of :math:`\Omega = F F^\top`, with `factor` :math:`F`, ``(N, R)``; ``Ω`` is not formed."""
        validation.finite("factor", factor)
        if factor.ndim != 2 or factor.shape[0] != vocab.size or factor.shape[1] == 0:
            raise ValueError(f"factor has shape {tuple(factor.shape)}, expected ({vocab.size}, R) with R at least 1")
        factor = widen(factor)
        kernel = cls.__new__(cls)
        kernel._set(vocab, Factored(Full(factor[index_like(vocab.kept, factor)]), Full(factor.T)), temperature)
        return kernel

    @classmethod
    def from_diagonal(cls, vocab: Vocabulary, variances: Real[Array, "..."], temperature: Any) -> SoftmaxCovariance:
        r"""The kernel of a diagonal :math:`\Omega` with `variances`, ``(N,)``, on it; ``Ω`` is not formed."""
        validation.non_negative("variances", variances)
        validation.same_shape("variances", variances, (vocab.size,))
        variances = widen(variances)
        kernel = cls.__new__(cls)
        kernel._set(vocab, Spikes(variances[index_like(vocab.kept, variances)], vocab), temperature)
        return kernel

    def _set(self, vocab: Vocabulary, covariance: Covariance, temperature: Any) -> None:
        if not is_number(temperature) or not 0 < temperature < math.inf:
            raise ValueError(f"temperature must be a positive finite number, not {temperature!r}")
        self.vocab, self._covariance, self.temperature = vocab, covariance, temperature

    @cached_property
    def deviation(self) -> Any:
        r""":math:`s' = \max_{i \in I, j} (\Omega_{ij} - \bar\Omega_i)/\tau`, over the mean of row `i`."""
        value, _, _ = self._covariance.extremes[1]
        return value / matching(self.temperature, value)

    @cached_property
    def spread(self) -> Any:
        r""":math:`s = \max_{i \in I, j} |\Omega_{ij} - \bar\Omega_i|/\tau`."""
        return largest_deviation(self._covariance, self.temperature)[1]

    @property
    def entry_ceiling(self) -> float:
        r""":math:`e^{s'}/N`, which no entry exceeds: the normaliser is at least :math:`N e^{\bar\Omega_i/\tau}`."""
        exponent = float(self.deviation) - math.log(self.vocab.size)
        return math.exp(exponent) if exponent < math.log(np.finfo(np.float64).max) else math.inf

    def first_order(self) -> FirstOrderSoftmax:
        r"""The kernel :math:`(1 + x_{ij})/N`; needs `spread` at most 1."""
        return FirstOrderSoftmax(self.vocab, self._covariance, self.temperature)

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`q' M`, summed over blocks of kept rows."""
        self.check_draft(draft)
        if is_exact(draft):
            raise ValueError("draft is rational, and an exponential is not: use floats, or first_order()")
        xp = namespace(draft)
        flat = xp.reshape(double(draft), (-1, self.vocab.kept_size))
        top, total = (beside(x, flat) for x in self._normalisers)
        out = self._streamed(flat, top, total)
        return cast_like(xp.reshape(out, (*draft.shape[:-1], self.vocab.size)), draft)

    def _streamed(self, flat: Array, top: Array, total: Array) -> Array:
        """``Σ_i (q'_i / total_i) exp((Ω_i − top_i)/τ)``."""
        weights = flat / total
        out = 0
        step = block_length(self.vocab.size, BLOCK)
        for start in range(0, self.vocab.kept_size, step):
            stop = min(start + step, self.vocab.kept_size)
            block = double(beside(self._covariance.block(start, stop), flat))
            out = weights[:, start:stop] @ self._exp(block - top[start:stop, None]) + out
        return out

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M[:, token]``, in float64; the normalisers of all kept rows are computed when first needed."""
        top, total = self._normalisers
        entries = double(self._covariance.column(self._index("token", token, self.vocab.size)))
        return self._exp(entries - top) / total

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M[draft_id]``, in float64."""
        entries = double(self._covariance.row(self._index("draft_id", draft_id, self.vocab.kept_size)))
        self._refuse_rationals(entries)
        xp = namespace(entries)
        weights = self._exp(entries - xp.max(entries, axis=-1, keepdims=True))
        return weights / xp.sum(weights, axis=-1, keepdims=True)

    @property
    def context_free(self) -> bool:
        """True: there is one covariance."""
        return True

    @staticmethod
    def cost(N: Any, K: Any, R: Any = None) -> Operations:
        """Every entry is formed (with a factor, by ``R`` products), shifted, scaled, exponentiated and added."""
        form = 0 if R is None else R
        return Operations(
            multiplications=K * N * (form + 2) + K,
            additions=K * N * (2 if R is None else R + 1),
            reads=(K * N if R is None else (K + N) * R) + 3 * K,
            writes=N,
            exponentials=K * N,
        )

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row, once the normalisers are known; a diagonal is streamed as if whole."""
        rank = self._covariance.left.shape[1] if isinstance(self._covariance, Factored) else None
        return self.cost(self.vocab.size, self.vocab.kept_size, rank)

    @cached_property
    def _normalisers(self) -> tuple[Array, Array]:
        """For each kept row the largest entry, and the sum of exponentials relative to it."""
        tops, totals = [], []
        step = block_length(self.vocab.size, BLOCK)
        for start in range(0, self.vocab.kept_size, step):
            block = double(self._covariance.block(start, min(start + step, self.vocab.kept_size)))
            self._refuse_rationals(block)
            xp = namespace(block)
            top = xp.max(block, axis=-1)
            tops.append(top)
            totals.append(xp.sum(self._exp(block - top[:, None]), axis=-1))
        return xp.concat(tops), xp.concat(totals)

    def _exp(self, below: Array) -> Array:
        """``exp(x/τ)`` for ``x ≤ 0``; at a very small temperature the quotient is −inf, and the weight rightly 0."""
        with np.errstate(over="ignore"):
            return namespace(below).exp(below / matching(self.temperature, below))

    def _refuse_rationals(self, entries: Array) -> None:
        if is_exact(entries):
            raise ValueError("covariance is rational, and an exponential is not: use floats, or first_order()")


def _symmetric(covariance: Array, size: int) -> None:
    """`covariance` is ``(N, N)``; its two halves are the same numbers, up to the rounding of computing them twice."""
    validation.same_shape("covariance", covariance, (size, size))
    xp = namespace(covariance)
    tolerance = 0 if is_exact(covariance) else tolerances.SAME_DTYPE[dtype_name(covariance)]
    largest = max(xp.max(covariance), -xp.min(covariance))
    step = block_length(size, BLOCK)
    for start in range(0, size, step):
        gap = xp.abs(covariance[start : start + step, :] - covariance[:, start : start + step].T)
        bad = gap > tolerance * largest
        if bool(bad.any()):
            i, j = (int(x) for x in np.argwhere(to_numpy(bad))[0])
            upper, lower = covariance[start + i, j], covariance[j, start + i]
            raise ValueError(
                f"covariance of shape ({size}, {size}) is not symmetric at index ({start + i}, {j}): "
                f"{upper} against {lower}"
            )
