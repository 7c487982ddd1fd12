"""Any kernel, stored whole."""

from __future__ import annotations

from typing import Any

from rdk_theory._array import Array, cast_like, widen
from rdk_theory._types import Real
from rdk_theory.kernels._matrices import Full, law
from rdk_theory.kernels.base import Kernel, Operations, check_rows
from rdk_theory.vocabulary import Vocabulary


class Dense(Kernel):
    r"""A kernel given by all its entries: :math:`\tilde p_j = \sum_i q'_i M_{ij}`, :math:`O(KN)`.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    matrix
        :math:`M`, row-stochastic: shape ``(K, N)``, rows in the order of ``vocab.kept``, or ``(*batch, K, N)`` with one
        matrix for each context. Floats of any width, or rationals.

    Raises
    ------
    ValueError
        If a row is no distribution within the tolerance of its dtype.

    Notes
    -----
    Rows stored in 16 bits sum to 1 only within 2 %, in 32 bits within rounding, and what is drawn from a row is drawn
    in proportion to its entries. So below float64 :math:`M_{ij}` *is* the stored entry divided by the sum of its row:
    one number a row is stored beside the matrix, which keeps its dtype and is widened block by block.
    """

    def __init__(self, vocab: Vocabulary, matrix: Real[Array, "..."]) -> None:
        self.vocab = vocab
        sums = check_rows("matrix", matrix, vocab.kept_size, vocab.size)
        self.matrix = matrix
        self._full = law(matrix, sums)

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`q' M`: one matrix product, in float32 or wider."""
        self.check_draft(draft)
        if self._full.batch and tuple(draft.shape[:-1]) != self._full.batch:
            raise ValueError(
                f"draft has batch shape {tuple(draft.shape[:-1])}, expected {self._full.batch}: one row for each matrix"
            )
        return cast_like(self._full.product(widen(draft)), draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M[:, token]``, read without touching the rest of the matrix; in float64, or rational."""
        return self._full.column(self._place("token", token, self.vocab.size))

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M[draft_id]``, in float64, or rational."""
        return self._full.row(self._place("draft_id", draft_id, self.vocab.kept_size))

    @property
    def context_free(self) -> bool:
        """Whether there is one matrix."""
        return not self._full.batch

    @staticmethod
    def cost(N: Any, K: Any) -> Operations:
        """``N`` dot products of length ``K``; below float64, ``K`` more multiplications and reads."""
        return Full.cost(N, K)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        return self._full.rescaled(self.cost(self.vocab.size, self.vocab.kept_size))

    def _place(self, name: str, index: Any, size: int) -> Array:
        """Ids, one for each context of a batched matrix or one for all."""
        index = self._index(name, index, size)
        if self._full.batch and tuple(index.shape) not in ((), self._full.batch):
            raise ValueError(f"{name} has shape {tuple(index.shape)}, expected {self._full.batch}: one for each matrix")
        return index
