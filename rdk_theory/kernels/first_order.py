"""First-order form of the softmax kernel: linear time, and a proved distance from the original."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from rdk_theory import validation
from rdk_theory._array import (
    Array,
    add_axis,
    cast_like,
    constant,
    double,
    namespace,
    widen,
)
from rdk_theory._types import Ids, Real
from rdk_theory.kernels._matrices import Factored, Full
from rdk_theory.kernels._spikes import Covariance, Spikes
from rdk_theory.kernels.base import Kernel, Operations, matching
from rdk_theory.vocabulary import Vocabulary

NEAR_ONE = 0.999
"""Spread below which every entry of the first-order kernel is far enough from 0 for any rounding of float32."""


def softmax_first_order_bound(s: float | int) -> float:
    r"""Bound on :math:`\mathrm{TV}(e^x/\sum e^x,\ (1 + x)/N)` for :math:`x` of mean 0 with :math:`|x_j| \le s \le 1`.

    .. math:: \mathrm{TV} \le \frac{s^2}{8}

    Parameters
    ----------
    s
        :math:`s \in [0, 1]`.

    Raises
    ------
    ValueError
        If `s` leaves [0, 1].

    Notes
    -----
    Holds for every :math:`N`; no smaller constant does: for :math:`x = 0` on half of the tokens and :math:`\pm s` on a
    quarter each, TV is :math:`\tfrac12 \tanh^2(s/2) = s^2/8 + O(s^4)`. The proof stands in
    ``rdk_theory/theorems/_softmax_proof.py`` (claim ``softmax-first-order``). A bound that is easier to prove,
    :math:`1 - 1/\cosh s`, is four times as large for small :math:`s`.
    """
    if isinstance(s, bool) or not 0 <= s <= 1:
        raise ValueError(f"s must be in [0, 1], not {s!r}")
    return s * s / 8


class FirstOrderSoftmax(Kernel):
    r"""First-order kernel :math:`M^1_{ij} = (1 + x_{ij})/N`, :math:`x_{ij} = (\Omega_{ij} - \bar\Omega_i)/\tau`.

    The proposal is :math:`\tilde p_j = \tfrac1N \sum_i q'_i (1 + x_{ij})`: :math:`O(NR)` for a covariance with a factor
    of :math:`R` columns, :math:`O(N)` for a diagonal one, :math:`O(KN)` for one stored whole.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    covariance
        The kept rows of :math:`\Omega`; made by `SoftmaxCovariance.first_order`.
    temperature
        :math:`\tau > 0`.

    Raises
    ------
    ValueError
        If some :math:`|x_{ij}| > 1`, where an entry of :math:`M^1` could be negative: with the place of the largest
        :math:`|x_{ij}|`, and the smallest temperature that would do.

    Notes
    -----
    Each row is within `error_bound` of that of the softmax kernel in total variation, and so is the acceptance rate of
    the proposal (claims ``softmax-first-order``, ``lipschitz``). Exact on rationals.
    """

    def __init__(self, vocab: Vocabulary, covariance: Covariance, temperature: Any) -> None:
        self.vocab, self.temperature, self._covariance = vocab, temperature, covariance
        reach = covariance.reach if isinstance(covariance, Factored) else None
        # Looking at every entry takes O(KN); norms of the factors, O((K + N) R), often show that none is too large.
        self._near_one = reach is None or not reach / float(temperature) < NEAR_ONE
        if self._near_one and self.spread > 1:
            (value, place, token), spread = largest_deviation(covariance, temperature)
            raise ValueError(
                f"temperature {temperature} is too low for first order: |x| reaches {float(spread):.6g} > 1 at kept "
                f"token {place} (target id {vocab.kept[place]}), token {token}; the smallest that would do is "
                f"{abs(value)}"
            )
        self._near_one = self._near_one and bool(self.spread >= NEAR_ONE)
        exact = reach is None and isinstance(self.spread, Fraction)
        self._uniform = Fraction(1, vocab.size) if exact else 1 / vocab.size
        self._deviations = covariance.centred(self._uniform / matching(temperature, self._uniform))

    @cached_property
    def spread(self) -> Any:
        r""":math:`\max_{i \in I, j} |x_{ij}|`: looks at every entry, once."""
        return largest_deviation(self._covariance, self.temperature)[1]

    @property
    def error_bound(self) -> float:
        """Largest total variation between a row of this kernel and of the softmax kernel; bounds acceptance too."""
        return softmax_first_order_bound(float(self.spread))

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`q' M^1`; the ``K × N`` kernel is not formed."""
        self.check_draft(draft)
        wide = widen(draft)
        mass = namespace(wide).sum(wide, axis=-1)
        proposal = self._deviations.product(wide)
        proposal += add_axis(mass / self.vocab.size)
        return cast_like(self._at_least_zero(proposal), draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M¹[:, token]``."""
        token = self._index("token", token, self.vocab.size)
        return self._at_least_zero(self._deviations.column(token) + self._uniform)

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M¹[draft_id]``."""
        draft_id = self._index("draft_id", draft_id, self.vocab.kept_size)
        return self._at_least_zero(self._deviations.row(draft_id) + self._uniform)

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\tilde p_x`: one column of deviations, or of their factor."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        wide = double(draft)
        mass = namespace(wide).sum(wide, axis=-1)
        return self._at_least_zero(self._deviations.point(wide, token) + mass / self.vocab.size)

    @property
    def context_free(self) -> bool:
        """True: there is one covariance."""
        return True

    @staticmethod
    def cost(N: Any, K: Any, R: Any = None, *, diagonal: bool = False) -> Operations:
        """That of the deviations, and the mass of the draft row spread evenly: linear in `N` but for a whole matrix."""
        inner = Spikes.cost(N, K) if diagonal else Full.cost(N, K) if R is None else Factored.cost(N, K, R)
        return replace(inner, multiplications=inner.multiplications + 1, additions=inner.additions + K - 1 + N)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        held = self._deviations
        rank = held.left.shape[1] if isinstance(held, Factored) else None
        return self.cost(self.vocab.size, self.vocab.kept_size, rank, diagonal=isinstance(held, Spikes))

    def _at_least_zero(self, x: Array) -> Array:
        """Take away the rounding of an entry that is 0, which needs a deviation of −1."""
        return x if not self._near_one else namespace(x).maximum(x, constant(0, x))


def largest_deviation(covariance: Covariance, temperature: Any) -> tuple[tuple[Any, int, int], Any]:
    r"""The entry of largest :math:`|\Omega_{ij} - \bar\Omega_i|` with its place, and that over :math:`\tau`."""
    low, high = covariance.extremes
    worst = high if high[0] >= -low[0] else low
    return worst, abs(worst[0]) / matching(temperature, worst[0])
