"""First-order form of the diffusion kernels: one step of the walk, and a proved distance from the original."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, add_axis, cast_like, double, index_like, look_up, namespace, widen
from rdk_theory._types import Ids, Real
from rdk_theory.kernels._compressed import Compressed
from rdk_theory.kernels._matrices import Full
from rdk_theory.kernels.base import Kernel, Operations, add_kept, matching
from rdk_theory.vocabulary import Vocabulary


class FirstOrderDiffusion(Kernel):
    r"""First-order kernel: the kept rows of :math:`(1-\theta) I + \theta A`, one step of the walk.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    affinity
        The kept rows of :math:`A`; made by `Diffusion.first_order`.
    weight
        :math:`\theta \in [0, 1]`.
    kind
        ``"resolvent"`` or ``"heat"``: the kernel that it approximates, which decides `error_bound`.

    Raises
    ------
    ValueError
        If `weight` exceeds 1.

    Notes
    -----
    Claim ``diffusion-first-order``. Exact on rationals.
    """

    def __init__(self, vocab: Vocabulary, affinity: Full | Compressed, weight: Any, kind: str) -> None:
        self.vocab, self.weight, self.kind = vocab, weight, kind
        if weight > 1:
            raise ValueError(f"weight must be at most 1 for first order, not {weight}")
        self._affinity = affinity

    @property
    def error_bound(self) -> float:
        r""":math:`\theta^2` (resolvent) or :math:`\theta(1 - e^{-\theta})` (heat): row-wise total variation, attained.

        Term by term in powers of :math:`A`: the first-order kernel has more weight than the original on :math:`A`
        itself, by :math:`\theta^2` or :math:`\theta(1 - e^{-\theta})`, and no more on any other power; the distance is
        at most that excess, and equal to it where the powers have disjoint supports.
        """
        theta = float(self.weight)
        return theta**2 if self.kind == "resolvent" else -theta * math.expm1(-theta)

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`(1-\theta) q' + \theta\, q' A`."""
        self.check_draft(draft)
        wide = widen(draft)
        theta = matching(self.weight, wide)
        out = self._affinity.product(wide * theta)
        add_kept(out, wide * (1 - theta), self.vocab)
        return cast_like(out, draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        r""":math:`(1-\theta)[i = x] + \theta A_{ix}`."""
        token = self._index("token", token, self.vocab.size)
        return self._mixed(self._affinity.column(token), add_axis(token), self.vocab.kept)

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        r""":math:`(1-\theta)[i = j] + \theta A_{ij}`."""
        draft_id = self._index("draft_id", draft_id, self.vocab.kept_size)
        own = add_axis(look_up(self.vocab.kept, draft_id))
        return self._mixed(self._affinity.row(draft_id), own, np.arange(self.vocab.size))

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`(1-\theta) q'_x + \theta \sum_i q'_i A_{ix}`: one look-up, and one column of :math:`A`."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        wide = double(draft)
        theta = matching(self.weight, wide)
        own = index_like(token, wide)[..., None] == index_like(self.vocab.kept, wide)
        stays = namespace(wide).sum(namespace(wide).where(own, wide, wide * 0), axis=-1)
        return stays * (1 - theta) + self._affinity.point(wide, token) * theta

    @property
    def context_free(self) -> bool:
        """True: there is one affinity."""
        return True

    @staticmethod
    def cost(N: Any, K: Any, nnz: Any = None) -> Operations:
        """One application of the kept rows of the affinity, with `nnz` stored entries or all; then the kept tokens."""
        inner = Full.cost(N, K) if nnz is None else Compressed.cost(N, K, nnz)
        return replace(
            inner,
            multiplications=inner.multiplications + 2 * K,
            additions=inner.additions + K + 1,
            reads=inner.reads + 1,
        )

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        held = self._affinity
        if isinstance(held, Full):
            return held.rescaled(self.cost(self.vocab.size, self.vocab.kept_size))
        return self.cost(self.vocab.size, self.vocab.kept_size, int(held.data.size))

    def _mixed(self, entries: Array, own: Array, tokens: np.ndarray) -> Array:
        theta = matching(self.weight, entries)
        same = index_like(own, entries) == index_like(tokens, entries)
        moved = entries * theta
        return namespace(entries).where(same, moved + (1 - theta), moved)
