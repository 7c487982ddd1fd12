"""A head of low rank on the cold tokens: the truncated singular value decomposition of the pruned rows."""

from __future__ import annotations

from dataclasses import dataclass

from rdk_theory import validation
from rdk_theory._array import Array, convert, double, is_exact, namespace
from rdk_theory._types import Real
from rdk_theory.fitting.cold_head import ContextualHead, count_of, head_rows
from rdk_theory.fitting.cold_head_cost import HeadCost
from rdk_theory.vocabulary import Vocabulary

FLOOR = 1e-10
"""Eigenvalues of the states' second moments are raised to this share of the largest: no direction is free."""


@dataclass(frozen=True, eq=False)
class LowRankHead(ContextualHead):
    r"""Cold logits :math:`\hat z = \bar w \cdot h + U V^\top h` of rank `R` beside the mean row.

    `cost`: :math:`R(n + d) + d` multiply-adds, and as many entries read, :math:`n = |C|`; `n` exponentials.
    """

    vocab: Vocabulary
    left: Real[Array, "n R"]
    """`U`, a row for each cold token in the order of ``vocab.cold``."""
    right: Real[Array, "d R"]
    """`V`."""
    mean: Real[Array, "d"]
    r""":math:`\bar w`, the part that all cold tokens share; it moves their mass and not their law."""

    def __post_init__(self) -> None:
        """Raise unless the shapes meet and the entries are finite floats."""
        for name, array in (("left", self.left), ("right", self.right), ("mean", self.mean)):
            validation.finite(name, array)
            if is_exact(array):
                raise ValueError(f"{name} is rational, and a softmax is not: use floats")
        if self.left.ndim != 2 or self.left.shape[1] == 0:
            raise ValueError(f"left has shape {tuple(self.left.shape)}, expected (n, R) with R at least 1")
        validation.same_shape("left", self.left, (int(self.vocab.cold.size), self.rank))
        validation.same_shape("right", self.right, (self.width, self.rank))

    @classmethod
    def from_head(
        cls, head: Real[Array, "N d"], vocab: Vocabulary, rank: int, states: Real[Array, "C d"] | None = None
    ) -> LowRankHead:
        r"""The best approximation of rank `rank` of the cold rows about their mean.

        Parameters
        ----------
        head
            A row for each target token, ``(N, d)``; its bias, if any, is one more column, and 1 the last entry of
            every state.
        vocab
            The target vocabulary and its kept tokens, at least one token cold.
        rank
            :math:`R \in [1, d]`.
        states
            Hidden states of calibration contexts. With them the error is :math:`\mathrm E\,\|(W - W_R) h\|^2`, without
            them :math:`\|W - W_R\|_F^2`.

        Returns
        -------
        LowRankHead
            Exact, up to rounding, where `rank` is `d`.

        Raises
        ------
        ValueError
            If `head` or `states` are not finite floats of these shapes, no token is cold, or `rank` is out of range.

        Notes
        -----
        With :math:`S = \mathrm E\,h h^\top = A A^\top` the error is :math:`\|(W - W_R) A\|_F^2`, so that by
        Eckart and Young :math:`W_R A` is the truncated decomposition of :math:`W A`, and
        :math:`W_R = U_R U_R^\top W` with the left singular vectors :math:`U_R`.
        """
        rows = head_rows(head, vocab)
        width = int(rows.shape[1])
        rank = count_of("rank", rank, 1, width)
        xp = namespace(rows)
        mean = xp.sum(rows, axis=0) / rows.shape[0]
        rows = rows - mean
        # Of W S Wᵀ the eigenvectors come from the d × d matrix Aᵀ Wᵀ W A.
        scale = _root(states, rows, width)
        _, vectors = xp.linalg.eigh(scale.T @ (rows.T @ rows) @ scale)
        turn = scale @ vectors[:, width - rank :]
        left = rows @ turn
        return cls(vocab, left, xp.linalg.inv(scale).T @ vectors[:, width - rank :], mean)

    @property
    def rank(self) -> int:
        """`R`."""
        return int(self.left.shape[1])

    @property
    def width(self) -> int:
        """`d`."""
        return int(self.mean.shape[-1])

    @property
    def cost(self) -> HeadCost:
        """Exact cost of one drafted token."""
        cold = int(self.vocab.cold.size)
        work = self.rank * (cold + self.width) + self.width
        return HeadCost(
            multiply_adds=work,
            reads=work,
            exponentials=cold,
            compared=0,
            full=self.vocab.size * self.width,
            kept=self.vocab.kept_size * self.width,
        )

    def _logits(self, hidden: Array) -> Array:
        left, right, mean = (convert(x, hidden) for x in (self.left, self.right, self.mean))
        shared = namespace(hidden).sum(hidden * mean, axis=-1)
        return (hidden @ right) @ left.T + shared[..., None]


def _root(states: Array | None, rows: Array, width: int) -> Array:
    """The symmetric root of the states' second moments, beside `rows`; the identity without states."""
    xp = namespace(rows)
    if states is None:
        return xp.eye(width, dtype=rows.dtype)
    validation.finite("states", states)
    if states.ndim != 2 or states.shape[1] != width or not states.shape[0]:
        raise ValueError(f"states has shape {tuple(states.shape)}, expected (C, {width}) with C at least 1")
    h = convert(double(states), rows)
    values, vectors = xp.linalg.eigh(h.T @ h / h.shape[0])
    top = float(values[-1])
    if top <= 0:
        raise ValueError(f"states of shape {tuple(states.shape)} are all 0: they have no directions")
    floor = FLOOR * top
    values = xp.where(values > floor, values, xp.zeros_like(values) + floor)
    return (vectors * xp.sqrt(values)) @ vectors.T
