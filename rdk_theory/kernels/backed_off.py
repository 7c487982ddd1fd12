"""A kernel that moves each kept token to few others, and what is left of its mass to a prior."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from rdk_theory import tolerances, validation
from rdk_theory._array import Array, add_axis, cast_like, double, index_like, widen
from rdk_theory._types import Ids, Real
from rdk_theory.kernels._compressed import Compressed, stochastic
from rdk_theory.kernels.base import Kernel, Operations, beside
from rdk_theory.vocabulary import Vocabulary


class BackedOff(Kernel):
    r"""Sparse rows backed off to a prior: :math:`M_{ij} = S_{ij} + (1 - \sum_k S_{ik})\,\pi_j`.

    What was seen of a token is stored for itself, what was not is shared: the sum of `Sparse` and of a rank-one kernel
    whose weight depends on the row, :math:`O(N + \mathrm{nnz})`.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    rows
        :math:`S \ge 0`, ``(K, N)``, with row sums of at most 1: a scipy sparse array or matrix in float32 or float64.
    prior
        :math:`\pi`, a distribution over the target vocabulary in numpy's float64, shape ``(N,)``.

    Raises
    ------
    ValueError
        If a row of `rows` has a negative entry or sums to more than 1, or `prior` is no distribution.
    """

    def __init__(self, vocab: Vocabulary, rows: Any, prior: Real[np.ndarray, "N"]) -> None:
        self.vocab = vocab
        shape = (vocab.kept_size, vocab.size)
        if not scipy.sparse.issparse(rows) or tuple(rows.shape) != shape:
            raise ValueError(f"rows must be a scipy sparse array of shape {shape}, not {_form(rows)}")
        validation.distribution("prior", prior, vocab.size)
        validation.same_shape("prior", prior, (vocab.size,))
        if prior.dtype != np.float64:
            raise ValueError(f"prior must be float64, not {prior.dtype}")
        rows = rows.tocsr().astype(np.float64)
        left = 1 - np.asarray(rows.sum(axis=1)).ravel()
        over = np.flatnonzero(left < -tolerances.UNIT_SUM["float64"])
        if over.size:
            raise ValueError(f"rows of shape {shape} sum to more than 1 in row ({over[0]},): {1 - left[over[0]]}")
        self.prior = prior
        # One more column holds what is left of a row: with it the rows are laws, and all that `Sparse` does applies.
        whole = scipy.sparse.hstack([rows, scipy.sparse.csr_array(np.maximum(left, 0)[:, None])], format="csr")
        self._rows = stochastic("rows", whole, (vocab.kept_size, vocab.size + 1))

    @property
    def nnz(self) -> int:
        """Number of stored entries, shares of the prior among them."""
        return int(self._rows.data.size)

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`q' S + (1 - \sum_j (q' S)_j)\,\pi`, in float32 or wider."""
        self.check_draft(draft)
        return cast_like(self._whole(self._rows.product(widen(draft))), draft)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M[:, token]``: its stored entries, and each row's share of the prior at `token`."""
        token = self._index("token", token, self.vocab.size)
        return self._rows.column(token) + self._shares * add_axis(self.prior[index_like(token, self.prior)])

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M[draft_id]``: its stored entries, and its share of the prior."""
        return self._whole(self._rows.row(self._index("draft_id", draft_id, self.vocab.kept_size)))

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\tilde p_x`: one product for each stored entry of column `token`, and one for each kept token."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        wide = double(draft)
        left = wide @ beside(self._shares, wide)
        return self._rows.point(wide, token) + left * beside(self.prior, wide)[index_like(token, wide)]

    @property
    def context_free(self) -> bool:
        """True: there is one matrix."""
        return True

    @staticmethod
    def cost(N: Any, K: Any, nnz: Any) -> Operations:
        """One product and one addition for each stored entry, and for each token its part of the prior."""
        inner = Compressed.cost(N, K, nnz)
        return Operations(inner.multiplications + N, inner.additions + N, inner.reads + N, inner.writes)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        return self.cost(self.vocab.size, self.vocab.kept_size, self.nnz)

    @property
    def _shares(self) -> np.ndarray:
        """What each row leaves to the prior; shape ``(K,)``."""
        return self._rows.column(np.asarray(self.vocab.size))

    def _whole(self, rows: Array) -> Array:
        """Rows with the extra column, that column spread over the prior."""
        return rows[..., :-1] + rows[..., -1:] * beside(self.prior, rows)


def _form(rows: Any) -> str:
    return f"{type(rows).__name__} of shape {tuple(rows.shape)}" if hasattr(rows, "shape") else type(rows).__name__
