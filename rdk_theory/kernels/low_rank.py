"""A kernel through a bottleneck: each kept token chooses one of a few topics, each topic a token."""

from __future__ import annotations

from typing import Any

from rdk_theory import validation
from rdk_theory._array import Array, cast_like, double, widen
from rdk_theory._types import Ids, Real
from rdk_theory.kernels._matrices import Factored, law
from rdk_theory.kernels.base import Kernel, Operations, check_rows
from rdk_theory.vocabulary import Vocabulary


class LowRank(Kernel):
    r"""A product of two row-stochastic factors, :math:`M = L R`: :math:`\tilde p = (q' L) R`, in :math:`O((K + N) R)`.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    left
        :math:`L`, row-stochastic, ``(K, R)``, rows in the order of ``vocab.kept``.
    right
        :math:`R`, row-stochastic, ``(R, N)``.

    Raises
    ------
    ValueError
        If the shapes do not meet, or a row of a factor is no distribution within the tolerance of its dtype.

    Notes
    -----
    Below float64, as in `Dense`, entries of a factor are taken relative to the sum of their row.
    `draw` is by inverse CDF over the row :math:`L_i R`, and so needs one uniform; drawing the topic first would need
    two.
    """

    def __init__(self, vocab: Vocabulary, left: Real[Array, "..."], right: Real[Array, "..."]) -> None:
        self.vocab = vocab
        validation.real("left", left)
        validation.same_library("left and right", left, right)
        if left.ndim != 2 or left.shape[1] == 0:
            raise ValueError(f"left has shape {tuple(left.shape)}, expected ({vocab.kept_size}, R) with R at least 1")
        rank = int(left.shape[1])
        if right.ndim != 2:
            raise ValueError(f"right has shape {tuple(right.shape)}, expected ({rank}, {vocab.size})")
        self._factors = Factored(
            law(left, check_rows("left", left, vocab.kept_size, rank)),
            law(right, check_rows("right", right, rank, vocab.size)),
        )

    @property
    def rank(self) -> int:
        """``R``."""
        return self._factors.left.shape[1]

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`(q' L) R`, in float32 or wider."""
        self.check_draft(draft)
        return cast_like(self._factors.product(widen(draft)), draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M[:, token]``: ``left`` times one column of ``right``, ``O(KR)``."""
        return self._factors.column(self._index("token", token, self.vocab.size))

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M[draft_id]``: one row of ``left`` times ``right``, ``O(NR)``."""
        return self._factors.row(self._index("draft_id", draft_id, self.vocab.kept_size))

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\tilde p_x = (q' L) R_{:,x}`, :math:`O(KR)`."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        return self._factors.point(double(draft), token)

    @property
    def context_free(self) -> bool:
        """True: there is one pair of factors."""
        return True

    @staticmethod
    def cost(N: Any, K: Any, R: Any) -> Operations:
        """``R`` dot products of length ``K``, then ``N`` of length ``R``; below float64, ``K + R`` more products."""
        return Factored.cost(N, K, R)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        cost = self.cost(self.vocab.size, self.vocab.kept_size, self.rank)
        return self._factors.right.rescaled(self._factors.left.rescaled(cost))
