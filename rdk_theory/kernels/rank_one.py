"""Mixing with a prior: ``(1−θ) E_I + θ 1 πᵀ``, the cheapest kernel that reaches cold tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory import _rows, validation
from rdk_theory._array import (
    Array,
    add_axis,
    cast_like,
    convert,
    double,
    dtype_name,
    gather_last,
    index_like,
    is_array,
    is_exact,
    look_up,
    namespace,
    widen,
)
from rdk_theory._types import Ids, Real
from rdk_theory.kernels.base import Kernel, Operations, contiguous_floats, parameter
from rdk_theory.vocabulary import Vocabulary


class RankOne(Kernel):
    r"""Rank-one redistribution :math:`M = (1-\theta) E_I + \theta \mathbf 1 \pi^\top`.

    The proposal is :math:`\tilde p = (1-\theta) q' + \theta \pi`, in :math:`O(N)`.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    weight
        :math:`\theta \in [0, 1]`: a number, or an array with one weight for each context.
    prior
        :math:`\pi`, a distribution over the target vocabulary: shape ``(N,)``, or ``(*batch, N)`` with
        one prior for each context. Usually it lives on cold tokens; it need not.

    Raises
    ------
    ValueError
        If `weight` leaves [0, 1], or `prior` is no distribution over ``vocab.size`` tokens.

    Notes
    -----
    A prior narrower than float64 sums to 1 only within its rounding; :math:`\pi` *is* its entries over their sum, in
    float64, so that proposals of every width are laws.
    """

    def __init__(self, vocab: Vocabulary, weight: Any, prior: Real[Array, "..."]) -> None:
        self.vocab = vocab
        validation.probability("weight", weight)
        validation.distribution("prior", prior, vocab.size)
        self.weight = parameter("weight", weight)
        self.prior = prior if is_exact(prior) or dtype_name(prior) == "float64" else _relative(prior)
        if prior.ndim > 1 and tuple(prior.shape[:-1]) != tuple(self.weight.shape):
            raise ValueError(
                f"weight has shape {tuple(self.weight.shape)}, expected {tuple(prior.shape[:-1])}: one for each prior"
            )

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`(1-\theta) q' + \theta \pi`."""
        if self.context_free and is_array(draft) and contiguous_floats(draft):
            return self._redistribute_by_rows(draft)
        self.check_draft(draft)
        self._check_batch(tuple(draft.shape[:-1]))
        weight = self._weight(draft)
        wide = widen(draft)
        xp = namespace(draft)
        prior = xp.broadcast_to(weight * convert(self.prior, wide), (*draft.shape[:-1], self.vocab.size))
        out = xp.asarray(prior, copy=True)
        kept = index_like(self.vocab.kept, draft)
        out[..., kept] = out[..., kept] + (1 - weight) * wide
        return cast_like(out, draft)

    def _redistribute_by_rows(self, draft: np.ndarray) -> np.ndarray:
        """One weight and one prior: the prior's part is made once; drafts are checked while they are in cache."""
        validation.vocabulary_axis("draft", draft, self.vocab.kept_size, "the kept set")
        weight = convert(self.weight, draft)
        prior = convert(self.prior, draft) * weight
        rows = draft.size // draft.shape[-1]
        sums, lowest = _rows.Sums(rows, draft.shape[-1], draft.dtype), np.zeros(rows, dtype=draft.dtype)

        def look(start: int, block: np.ndarray) -> None:
            sums.add(start, block)
            lowest[start : start + block.shape[0]] = block.min()

        kept, cold = prior[self.vocab.kept], prior[self.vocab.cold]
        out = _rows.spread(draft, self.vocab.place, cold, 1 - weight, kept if kept.any() else None, look)
        validation.unit_sums("draft", draft, sums.total().reshape(draft.shape[:-1]))
        if not (lowest >= 0).all():
            self.check_draft(draft)
        return out

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        r""":math:`M_{ix} = (1-\theta)[i = x] + \theta \pi_x`."""
        token = self._index("token", token, self.vocab.size)
        kept = index_like(self.vocab.kept, self.prior)
        same = namespace(self.prior).astype(index_like(token, self.prior)[..., None] == kept, self.prior.dtype)
        weight = convert(self.weight, self.prior)[..., None]
        return (1 - weight) * same + weight * add_axis(self._prior_at(token))

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        r""":math:`M_{ij} = (1-\theta)[i = j] + \theta \pi_j`."""
        draft_id = self._index("draft_id", draft_id, self.vocab.kept_size)
        xp = namespace(self.prior)
        tokens = index_like(np.arange(self.vocab.size), self.prior)
        same = xp.astype(
            index_like(look_up(self.vocab.kept, draft_id), self.prior)[..., None] == tokens, self.prior.dtype
        )
        weight = convert(self.weight, self.prior)[..., None]
        return (1 - weight) * same + weight * self.prior

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\tilde p_x = (1-\theta) q'_x + \theta \pi_x`: two look-ups a row."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        self._check_batch(tuple(draft.shape[:-1]))
        xp = namespace(draft)
        wide = double(draft)
        place = look_up(self.vocab.position, token)
        kept = gather_last(wide, xp.where(place < 0, place - place, place))
        kept = xp.where(place < 0, kept - kept, kept)
        weight = convert(self.weight, wide)
        return (1 - weight) * kept + weight * convert(self._prior_at(token), wide)

    @property
    def context_free(self) -> bool:
        """Whether there is one weight and one prior."""
        return bool(self.weight.ndim == 0 and self.prior.ndim == 1)

    @staticmethod
    def cost(N: Any, K: Any) -> Operations:
        r"""One product for each token, and one more with an addition for each kept token (and :math:`1-\theta`)."""
        return Operations(multiplications=N + K, additions=K + 1, reads=N + K + 1, writes=N)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        return self.cost(self.vocab.size, self.vocab.kept_size)

    def _check_batch(self, batch: tuple[int, ...]) -> None:
        if self.weight.ndim and tuple(self.weight.shape) != batch:
            raise ValueError(
                f"draft has batch shape {batch}, expected {tuple(self.weight.shape)}: one row for each weight"
            )

    def _weight(self, draft: Array) -> Array:
        weight = convert(self.weight, widen(draft))
        return weight[..., None] if self.weight.ndim else weight

    def _prior_at(self, token: Array) -> Array:
        index = index_like(token, self.prior)
        return gather_last(self.prior, index) if self.prior.ndim > 1 else self.prior[index]


def _relative(prior: Array) -> Array:
    """Entries over their sum, in float64."""
    wide = double(prior)
    return wide / validation.row_sums(wide)[..., None]
