"""A redistribution kernel on a device, laid out so that a draw from one of its rows reads little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpu.ops.verify.columns import Columns, prepare
from rdk_theory.kernels import Dense, LowRank, RankOne, Sparse
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
        Running sums, float64: of ``π``, ``(N,)``, for rank one; of the entries of each row, one row after the other,
        for sparse; down each column of ``R`` transposed, ``(N, R)``, for low rank; row sums, ``(K,)``, for dense.
    starts, tokens
        Compressed rows: entries ``starts[i] ≤ e < starts[i + 1]`` belong to row ``i``, and to target tokens
        ``tokens[e]`` in ascending order. Sparse.
    matrix
        ``M`` in its own width, ``(K, N)``. Dense.
    """

    columns: Columns
    kept: Tensor
    sums: Tensor
    starts: Tensor
    tokens: Tensor
    matrix: Tensor


def prepare_rows(kernel: Kernel, device: torch.device | str = "cpu") -> Rows:
    """Lay out a kernel of `rdk_theory.kernels` for `propose`: once, before the first call.

    Parameters
    ----------
    kernel
        `Embedding`, `RankOne`, `Sparse`, `LowRank` or `Dense`, with one matrix for all contexts.
    device
        Where `propose` will run.

    Raises
    ------
    ValueError
        For a kernel of another class, one whose parameters depend on the context, or one of rationals.

    Notes
    -----
    A `Dense` matrix that is on the device already is not copied for its rows; its columns are a copy.
    """
    columns = prepare(kernel, device)
    fields: dict[str, Any] = {}
    if isinstance(kernel, RankOne):
        fields["sums"] = _double(kernel.prior).cumsum(0)
    elif isinstance(kernel, Sparse):
        stored = kernel._rows
        sums = np.empty(stored.data.size)
        for start, stop in zip(stored.indptr[:-1].tolist(), stored.indptr[1:].tolist(), strict=True):
            np.cumsum(stored.data[start:stop], out=sums[start:stop])
        fields = {"sums": sums, "starts": stored.indptr, "tokens": stored.indices}
    elif isinstance(kernel, LowRank):
        fields["sums"] = _double(kernel._factors.right.widened().array).T.cumsum(0)
    elif isinstance(kernel, Dense):
        matrix = torch.as_tensor(kernel.matrix)
        matrix = matrix.float() if matrix.dtype == torch.float64 else matrix
        fields = {"sums": matrix.double().sum(dim=1), "matrix": matrix}
    empty = {
        "sums": torch.empty(0, dtype=torch.float64),
        "starts": torch.empty(0, dtype=torch.int64),
        "tokens": torch.empty(0, dtype=torch.int64),
        "matrix": torch.empty(0),
    }
    given = {name: torch.as_tensor(fields.get(name, value)).to(device).contiguous() for name, value in empty.items()}
    return Rows(columns=columns, kept=torch.tensor(kernel.vocab.kept, device=device), **given)


def _double(values: Any) -> Tensor:
    """Numpy or torch floats as a float64 tensor."""
    return torch.as_tensor(np.array(values) if isinstance(values, np.ndarray) else values).double()
