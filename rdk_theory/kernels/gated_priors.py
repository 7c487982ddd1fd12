"""A mixture of priors with a gate for each context: ``g₀ E_I + Σ_k g_k 1 π_kᵀ``."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import (
    Array,
    add_axis,
    broadcast,
    cast_like,
    convert,
    double,
    gather_last,
    index_like,
    is_exact,
    look_up,
    namespace,
    widen,
)
from rdk_theory._types import Ids, Real
from rdk_theory.kernels.base import Kernel, Operations, add_kept, check_rows
from rdk_theory.vocabulary import Vocabulary


class GatedPriors(Kernel):
    r"""Redistribution to `m` priors, :math:`M = g_0 E_I + \sum_{k=1}^m g_k \mathbf 1 \pi_k^\top`.

    The proposal is :math:`\tilde p = g_0 q' + \sum_k g_k \pi_k`. The gates may differ from context to context; the
    priors do not. At one token it takes :math:`O(m)`, and a draw :math:`O(m \log N)`: the vocabulary is never passed
    over.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    gates
        :math:`g`, a distribution over staying and the priors: shape ``(m + 1,)``, or ``(*batch, m + 1)`` with one for
        each context.
    priors
        :math:`\pi`, ``(m, N)``, row-stochastic.

    Raises
    ------
    ValueError
        If a row of gates or of priors is no distribution, or their shapes do not meet.

    Notes
    -----
    As in `RankOne`, rows narrower than float64 *are* their entries over their sum, in float64.
    """

    def __init__(self, vocab: Vocabulary, gates: Real[Array, "..."], priors: Real[Array, "..."]) -> None:
        self.vocab = vocab
        validation.real("priors", priors)
        if priors.ndim != 2 or priors.shape[0] == 0:
            raise ValueError(f"priors has shape {tuple(priors.shape)}, expected (m, {vocab.size}) with m at least 1")
        validation.same_library("gates and priors", gates, priors)
        validation.distribution("gates", gates, int(priors.shape[0]) + 1, "staying and the priors")
        sums = check_rows("priors", priors, int(priors.shape[0]), vocab.size)
        self.gates = _over(gates, validation.row_sums(double(gates)))
        self.priors = _over(priors, sums)

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`g_0 q' + \sum_k g_k \pi_k`."""
        self.check_draft(draft)
        batch = tuple(draft.shape[:-1])
        self._check_batch(batch)
        wide = widen(draft)
        gates = convert(self.gates, wide)
        out = broadcast(gates[..., 1:] @ convert(self.priors, wide), (*batch, self.vocab.size))
        out = namespace(wide).asarray(out, copy=True)
        add_kept(out, gates[..., :1] * wide, self.vocab)
        return cast_like(out, draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        r""":math:`M_{ix} = g_0 [i = x] + \sum_k g_k \pi_{kx}`, in :math:`O(K + m)`."""
        token = self._index("token", token, self.vocab.size)
        kept = index_like(self.vocab.kept, self.priors)
        same = self._where(index_like(token, self.priors)[..., None] == kept)
        return self.gates[..., :1] * same + add_axis(self._drawn(self.gates, self.priors, token))

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        r""":math:`M_{ij} = g_0 [i = j] + \sum_k g_k \pi_{kj}`, in :math:`O(Nm)`."""
        draft_id = self._index("draft_id", draft_id, self.vocab.kept_size)
        tokens = index_like(np.arange(self.vocab.size), self.priors)
        same = self._where(index_like(look_up(self.vocab.kept, draft_id), self.priors)[..., None] == tokens)
        return self.gates[..., :1] * same + self.gates[..., 1:] @ self.priors

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\tilde p_x = g_0 q'_x + \sum_k g_k \pi_{kx}`: `m` products and one look-up a row."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        self._check_batch(tuple(draft.shape[:-1]))
        wide = double(draft)
        xp = namespace(wide)
        place = look_up(self.vocab.position, token)
        kept = gather_last(wide, xp.where(place < 0, place - place, place))
        kept = xp.where(place < 0, kept - kept, kept)
        gates = convert(self.gates, wide)
        return gates[..., 0] * kept + self._drawn(gates, convert(self.priors, wide), token)

    def draw(self, draft_id: Ids[Array, "*batch"], uniform: Real[Array, "*batch"]) -> Ids[Array, "*batch"]:
        r""":math:`x \sim M_i` by inverse CDF, bisecting :math:`g_0 [x \ge i] + \sum_k g_k F_k(x)` for the token."""
        validation.token_ids("draft_id", draft_id, self.vocab.kept_size)
        validation.uniform("uniform", uniform, tuple(draft_id.shape))
        self._check_batch(tuple(draft_id.shape))
        wide = double(uniform)
        xp = namespace(wide)
        gates, running = convert(self.gates, wide), convert(self._running, wide)
        kept = look_up(self.vocab.kept, draft_id)
        low = kept - kept
        high = low + (self.vocab.size - 1)

        def below(token: Array) -> Array:
            stays = xp.where(token >= kept, gates[..., 0], gates[..., 0] - gates[..., 0])
            return stays + self._drawn(gates, running, token)

        # Of the total, so that rounding leaves no uniform beyond the last token.
        goal = wide * below(high)
        for _ in range(self.vocab.size.bit_length()):
            middle = (low + high) // 2
            passed = below(middle) > goal
            low, high = xp.where(passed, low, xp.where(middle < high, middle + 1, high)), xp.where(passed, middle, high)
        return high

    @property
    def context_free(self) -> bool:
        """Whether there is one row of gates."""
        return bool(self.gates.ndim == 1)

    @staticmethod
    def cost(N: Any, K: Any, m: Any) -> Operations:
        """A dot product of length `m` for each token, and a product and an addition for each kept one."""
        return Operations(multiplications=N * m + K, additions=N * (m - 1) + K, reads=N * m + K + m + 1, writes=N)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        return self.cost(self.vocab.size, self.vocab.kept_size, int(self.priors.shape[0]))

    @cached_property
    def _running(self) -> Array:
        """Distribution functions of the priors."""
        if is_exact(self.priors):
            return np.cumsum(self.priors, axis=-1)
        return namespace(self.priors).cumulative_sum(self.priors, axis=-1)

    def _drawn(self, gates: Array, table: Array, token: Array) -> Array:
        """``Σ_k g_k table[k, token]``."""
        found = namespace(table).moveaxis(table[:, index_like(token, table)], 0, -1)
        return namespace(table).sum(gates[..., 1:] * found, axis=-1)

    def _where(self, same: Array) -> Array:
        return namespace(self.priors).astype(same, self.priors.dtype)

    def _check_batch(self, batch: tuple[int, ...]) -> None:
        if self.gates.ndim > 1 and tuple(self.gates.shape[:-1]) != batch:
            raise ValueError(
                f"draft has batch shape {batch}, expected {tuple(self.gates.shape[:-1])}: one row for each row of gates"
            )


def _over(rows: Array, sums: Array) -> Array:
    """Rows over their sums in float64; rationals and float64 as they are."""
    if is_exact(rows) or rows.dtype == namespace(rows).float64:
        return rows
    return double(rows) / sums[..., None]
