"""Mass spreads along a graph of tokens: a random walk of random length."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

from rdk_theory._array import Array, cast_like, double, index_like, is_exact, look_up, namespace
from rdk_theory._types import Real
from rdk_theory.distributions import embed
from rdk_theory.kernels._compressed import Compressed, stochastic
from rdk_theory.kernels._matrices import Full, law
from rdk_theory.kernels.base import Kernel, Operations, check_rows, is_number
from rdk_theory.kernels.first_order_diffusion import FirstOrderDiffusion
from rdk_theory.vocabulary import Vocabulary

REMAINDER = 1e-17
"""The series ends when the mass of all further terms is below this: a tenth of a rounding of 1."""

LONGEST = 1_000_000
"""Most terms of a series."""


class Diffusion(Kernel):
    r"""Kept rows of a diffusion: :math:`(1-\theta)(I - \theta A)^{-1}` or :math:`e^{\theta(A - I)}`.

    A walk on the tokens with transition matrix :math:`A` whose number of steps is geometric, :math:`(1-\theta)
    \theta^n`, for the resolvent, and Poisson, :math:`e^{-\theta} \theta^n/n!`, for the heat kernel.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    affinity
        :math:`A`, row-stochastic, ``(N, N)``: an array, or as for `Sparse`.
    weight
        :math:`\theta`, a number in [0, 1) for the resolvent, at least 0 for the heat kernel.
    kind
        ``"resolvent"`` or ``"heat"``.

    Raises
    ------
    ValueError
        If a row of `affinity` is no distribution, `weight` leaves its range, or the series would need more than
        1,000,000 terms (`weight` above 0.99996, or 990,000 for heat).

    Notes
    -----
    Summed as a power series on rows, in float64, up to the term after which less than 1e-17 of the mass is left; that
    rest is spread over the terms in proportion, so rows sum to 1 up to rounding. No matrix is inverted, and
    :math:`A` is only ever multiplied with vectors: :math:`O(\mathrm{terms} \cdot \mathrm{nnz})`. A series has no
    rational end: with rationals only `first_order` works.
    """

    def __init__(self, vocab: Vocabulary, affinity: Any, weight: Any, kind: str = "resolvent") -> None:
        self.vocab, self.weight, self.kind = vocab, weight, kind
        if kind not in ("resolvent", "heat"):
            raise ValueError(f"kind must be 'resolvent' or 'heat', not {kind!r}")
        limit = 1 if kind == "resolvent" else math.inf
        if not is_number(weight) or not 0 <= weight < limit:
            raise ValueError(f"weight must be a number in [0, {limit}) for kind {kind!r}, not {weight!r}")
        self._coefficients = (_geometric if kind == "resolvent" else _poisson)(float(weight))
        self._affinity = _affinity(affinity, vocab.size)

    @property
    def terms(self) -> int:
        """Number of terms of the series; :math:`A` is applied one time less."""
        return int(self._coefficients.size)

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal: the law of the walk that starts from :math:`q'`."""
        self.check_draft(draft)
        if is_exact(draft):
            raise ValueError("draft is rational, and the series has no rational end: use floats, or first_order()")
        return cast_like(self._series(embed(double(draft), self.vocab), self._walk.product), draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M[:, token]``: the walk backwards from `token`, seen from the kept tokens."""
        token = self._index("token", token, self.vocab.size)
        reached = self._series(self._indicator(token), self._walk.transposed.product)
        return namespace(reached).take(reached, index_like(self.vocab.kept, reached), axis=-1)

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M[draft_id]``: the walk from one kept token."""
        draft_id = self._index("draft_id", draft_id, self.vocab.kept_size)
        return self._series(self._indicator(look_up(self.vocab.kept, draft_id)), self._walk.product)

    def first_order(self) -> FirstOrderDiffusion:
        r"""The kernel :math:`(1-\theta) I + \theta A`; needs `weight` at most 1."""
        return FirstOrderDiffusion(self.vocab, self._affinity.restricted(self.vocab.kept), self.weight, self.kind)

    @property
    def context_free(self) -> bool:
        """True: there is one affinity."""
        return True

    @staticmethod
    def cost(N: Any, K: Any, terms: Any, nnz: Any = None) -> Operations:
        r"""One product for each token and term, and for all but the first an addition and an application of :math:`A`.

        An application reads all `nnz` stored entries, or ``N²``.
        """
        step = Full.cost(N, N) if nnz is None else Compressed.cost(N, N, nnz)
        later = terms - 1
        return Operations(
            multiplications=terms * N + later * step.multiplications,
            additions=later * (N + step.additions),
            reads=K + terms + later * (step.reads - N),
            writes=N,
        )

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        nnz = int(self._affinity.data.size) if isinstance(self._affinity, Compressed) else None
        return self.cost(self.vocab.size, self.vocab.kept_size, self.terms, nnz)

    @cached_property
    def _walk(self) -> Full | Compressed:
        """The affinity in float64, in which the roundings of thousands of steps stay small."""
        held = self._affinity
        if is_exact(held.array if isinstance(held, Full) else held.data):
            raise ValueError("affinity is rational, and the series has no rational end: use floats, or first_order()")
        return held.widened() if isinstance(held, Full) else held

    def _series(self, vector: Array, step: Callable[[Array], Array]) -> Array:
        """``Σ_n c_n step^n(v)``."""
        total = vector * self._coefficients[0]
        for coefficient in self._coefficients[1:]:
            vector = step(vector)
            total = total + vector * coefficient
        return total

    def _indicator(self, token: Array) -> Array:
        walk = self._walk
        like = walk.array if isinstance(walk, Full) else walk.data
        xp = namespace(like)
        same = index_like(token, like)[..., None] == index_like(np.arange(self.vocab.size), like)
        return xp.astype(same, xp.float64)


def _affinity(affinity: Any, size: int) -> Full | Compressed:
    if scipy.sparse.issparse(affinity) or isinstance(affinity, tuple):
        return stochastic("affinity", affinity, (size, size))
    sums = check_rows("affinity", affinity, size, size)
    if affinity.ndim > 2:
        raise ValueError(f"affinity has shape {tuple(affinity.shape)}, expected ({size}, {size})")
    return law(affinity, sums)


def _geometric(theta: float) -> np.ndarray:
    """``(1−θ) θ^n``, up to the term after which the rest ``θ^n`` is negligible."""
    if theta == 0:
        return np.ones(1)
    decay = -math.log(theta)
    _bounded(-math.log(REMAINDER), decay * LONGEST, theta)
    return _normalised(-decay * np.arange(math.ceil(-math.log(REMAINDER) / decay)))


def _poisson(theta: float) -> np.ndarray:
    """``e^{−θ} θ^n/n!``, up to the term after which the rest is negligible."""
    if theta == 0:
        return np.ones(1)
    _bounded(theta + 9 * math.sqrt(theta), LONGEST, theta)
    logs: list[float] = []
    while True:
        n = len(logs)
        logs.append(n * math.log(theta) - theta - math.lgamma(n + 1))
        # Later terms fall at least as fast as a geometric series of this ratio.
        ratio = theta / (n + 2)
        if ratio < 1 and logs[-1] + math.log(theta / (n + 1)) - math.log1p(-ratio) < math.log(REMAINDER):
            return _normalised(np.asarray(logs))


def _normalised(logs: np.ndarray) -> np.ndarray:
    weights = np.exp(logs)
    return np.asarray(weights / weights.sum())


def _bounded(need: float, limit: float | int, theta: float) -> None:
    if need > limit:
        raise ValueError(f"weight {theta} needs a series of more than {LONGEST:,} terms")
