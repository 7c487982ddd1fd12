"""A kernel that moves each kept token to few others."""

from __future__ import annotations

from typing import Any

from rdk_theory import validation
from rdk_theory._array import Array, cast_like, double, widen
from rdk_theory._types import Ids, Real
from rdk_theory.kernels._compressed import Compressed, stochastic
from rdk_theory.kernels.base import Kernel, Operations
from rdk_theory.vocabulary import Vocabulary


class Sparse(Kernel):
    r"""A kernel given by its entries that are not zero: :math:`\tilde p = q' M` in :math:`O(N + \mathrm{nnz})`.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    rows
        :math:`M`, row-stochastic, ``(K, N)``: a scipy sparse array or matrix (CSR; others are converted), in float32 or
        float64. For rationals, which scipy does not hold: the CSR arrays ``(data, indices, indptr)``. Repeated entries
        mean their sum.

    Raises
    ------
    ValueError
        If a row is no distribution, an entry is negative or not finite, or the arrays form no ``K × N`` matrix.

    Notes
    -----
    The same entries are stored a second time, by column, when a column is first asked for. Rows are numpy's, and in
    float64: :math:`M_{ij}` *is* the given entry divided by the sum of its row, which in float32 is not quite 1.
    `redistribute`, `probability` and `draw` give the library of their argument.
    """

    def __init__(self, vocab: Vocabulary, rows: Any) -> None:
        self.vocab = vocab
        self._rows = stochastic("rows", rows, (vocab.kept_size, vocab.size))

    @property
    def nnz(self) -> int:
        """Number of stored entries."""
        return int(self._rows.data.size)

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`q' M`, in float32 or wider."""
        self.check_draft(draft)
        return cast_like(self._rows.product(widen(draft)), draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M[:, token]``: its stored entries, and zeros."""
        return self._rows.column(self._index("token", token, self.vocab.size))

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M[draft_id]``: its stored entries, and zeros."""
        return self._rows.row(self._index("draft_id", draft_id, self.vocab.kept_size))

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\tilde p_x`: one product for each stored entry of column `token`."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        return self._rows.point(double(draft), token)

    def draw(self, draft_id: Ids[Array, "*batch"], uniform: Real[Array, "*batch"]) -> Ids[Array, "*batch"]:
        r""":math:`x \sim M_i` by inverse CDF over the stored entries of one row, in ascending order of token."""
        validation.token_ids("draft_id", draft_id, self.vocab.kept_size)
        validation.uniform("uniform", uniform, tuple(draft_id.shape))
        return self._rows.draw(draft_id, double(uniform))

    @property
    def context_free(self) -> bool:
        """True: there is one matrix."""
        return True

    @staticmethod
    def cost(N: Any, K: Any, nnz: Any) -> Operations:
        """One product and one addition for each stored entry."""
        return Compressed.cost(N, K, nnz)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        return self.cost(self.vocab.size, self.vocab.kept_size, self.nnz)
