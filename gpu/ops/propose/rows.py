"""A redistribution kernel on a device, laid out so that a draw from one of its rows reads little."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpu.ops.verify.columns import Columns, prepare
from gpu.ops.verify.forms import stored
from rdk_theory.kernels import BackedOff, Dense, FirstOrderSoftmax, LowRank, RankOne, Sparse, StoredColumns
from rdk_theory.kernels.base import Kernel


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of ``M``, ``K × N``, for draws, beside its columns, for probabilities. Unused fields are empty.

    Parameters
    ----------
    columns
        The kernel as `gpu.ops.verify.columns.prepare` lays it out; its kind and its device are those of the rows.
    kept
        Target id of each kept token, ``(K,)`` int64.
    sums
        Running sums, float64: of ``π``, ``(N,)`` or one row a context, for rank one; of the entries of each row, one
        row after the other, for sparse and backed off; down each column of ``R`` transposed, ``(N, R)``, for low rank;
        row sums, ``(K,)``, for dense.
    starts, tokens
        Compressed rows: entries ``starts[i] ≤ e < starts[i + 1]`` belong to row ``i``, and to target tokens
        ``tokens[e]`` in ascending order. Sparse and backed off.
    prior_sums
        Running sums of the prior of a backed-off kernel, ``(N,)`` float64.
    matrix
        ``M`` in its own width, ``(K, N)``. Dense.
    """

    columns: Columns
    kept: Tensor
    sums: Tensor
    starts: Tensor
    tokens: Tensor
    matrix: Tensor
    prior_sums: Tensor

    def at(self, weight: Tensor, prior: Tensor | None = None) -> Rows:
        """A rank-one kernel with a weight for each context, and a prior where they are given; see `Columns.at`."""
        return self.on(self.columns.at(weight, prior))

    def on(self, columns: Columns) -> Rows:
        """The rows of a rank-one kernel whose columns were made from these; priors of its own are added up."""
        own = columns.prior is not self.columns.prior
        return replace(self, columns=columns, sums=columns.prior.double().cumsum(-1) if own else self.sums)


def prepare_rows(kernel: Kernel, device: torch.device | str = "cpu") -> Rows:
    """Lay out a kernel of `rdk_theory.kernels` for `propose`: once, before the first call.

    Parameters
    ----------
    kernel
        As for `prepare`.
    device
        Where `propose` will run.

    Raises
    ------
    ValueError
        As `prepare`.

    Notes
    -----
    A `Dense` matrix that is on the device already is not copied for its rows; its columns are a copy.
    """
    kernel = stored(kernel)
    columns = prepare(kernel, device)
    fields: dict[str, Any] = {}
    if isinstance(kernel, RankOne):
        fields["sums"] = _double(kernel.prior).cumsum(-1)
    elif isinstance(kernel, Sparse | BackedOff):
        # A backed-off row has its share of the prior in a column after the last token.
        own = kernel._rows.indices < kernel.vocab.size
        data, tokens = kernel._rows.data[own], kernel._rows.indices[own]
        starts = np.concatenate([[0], np.cumsum(own)])[kernel._rows.indptr]
        sums = np.empty(data.size)
        for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            np.cumsum(data[start:stop], out=sums[start:stop])
        fields = {"sums": sums, "starts": starts, "tokens": tokens}
        if isinstance(kernel, BackedOff):
            fields["prior_sums"] = _double(kernel.prior).cumsum(0)
    elif isinstance(kernel, LowRank):
        fields["sums"] = _double(kernel._factors.right.widened().array).T.cumsum(0)
    elif isinstance(kernel, FirstOrderSoftmax):
        fields["sums"] = columns.right.double().cumsum(0)
    elif isinstance(kernel, StoredColumns):
        fields = {"sums": columns.matrix.double().sum(dim=0), "matrix": columns.matrix.T}
    elif isinstance(kernel, Dense):
        matrix = torch.as_tensor(kernel.matrix)
        matrix = matrix.float() if matrix.dtype == torch.float64 else matrix
        fields = {"sums": matrix.double().sum(dim=1), "matrix": matrix}
    empty = {
        "sums": torch.empty(0, dtype=torch.float64),
        "starts": torch.empty(0, dtype=torch.int64),
        "tokens": torch.empty(0, dtype=torch.int64),
        "matrix": torch.empty(0),
        "prior_sums": torch.empty(0, dtype=torch.float64),
    }
    given = {name: torch.as_tensor(fields.get(name, value)).to(device).contiguous() for name, value in empty.items()}
    return Rows(columns=columns, kept=torch.tensor(kernel.vocab.kept, device=device), **given)


def _double(values: Any) -> Tensor:
    """Numpy or torch floats as a float64 tensor."""
    return torch.as_tensor(np.array(values) if isinstance(values, np.ndarray) else values).double()
