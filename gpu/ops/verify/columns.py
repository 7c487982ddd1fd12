"""A redistribution kernel on a device, laid out so that one of its columns is read in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rdk_theory._array import is_array, is_exact
from rdk_theory.kernels import Dense, Embedding, LowRank, RankOne, Sparse
from rdk_theory.kernels.base import Kernel
from rdk_theory.vocabulary import Vocabulary

KINDS = ("embedding", "rank one", "sparse", "low rank", "dense")
"""Forms of a kernel; a kernel's place here is the number that the compiled code knows it by."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of ``M``, ``K × N``, on one device. Fields that a form does not use are empty.

    Parameters
    ----------
    kind
        One of `KINDS`.
    vocab
        The target vocabulary and its kept tokens.
    position
        Place of each target token among the kept ones, −1 for a cold one; ``(N,)`` int32. Embedding and rank one.
    weight, prior
        ``θ``, ``(1,)`` float64, and ``π``, ``(N,)`` float32. Rank one.
    starts, places, entries
        Compressed columns: those of column ``x`` are ``starts[x] ≤ e < starts[x + 1]``. Sparse.
    left, right
        ``L``, ``(K, R)``, and ``R`` transposed, ``(N, R)``, float32. Low rank.
    matrix, scale
        ``M`` transposed, ``(N, K)``, in its own width, and what each of its ``K`` rows is multiplied with, float32.
        Dense.
    """

    kind: str
    vocab: Vocabulary
    position: torch.Tensor
    weight: torch.Tensor
    prior: torch.Tensor
    starts: torch.Tensor
    places: torch.Tensor
    entries: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    matrix: torch.Tensor
    scale: torch.Tensor

    @property
    def device(self) -> torch.device:
        """Where the columns are."""
        return self.position.device

    @property
    def rank(self) -> int:
        """``R`` of a low-rank kernel, 1 for the others."""
        return int(self.right.shape[1]) if self.kind == "low rank" else 1


def prepare(kernel: Kernel, device: torch.device | str = "cpu") -> Columns:
    r"""Lay out a kernel of `rdk_theory.kernels` for `verify`: once, before the first call.

    Parameters
    ----------
    kernel
        `Embedding`, `RankOne`, `Sparse`, `LowRank` or `Dense`, with one matrix for all contexts.
    device
        Where `verify` will run.

    Raises
    ------
    ValueError
        For a kernel of another class, one whose parameters depend on the context, or one of rationals.

    Notes
    -----
    A `Dense` matrix of 16 bits stays as it is, beside one float32 number a row that makes the row sum to 1, which is
    how `Dense` reads it too; one of float64 is stored in float32, as are the parameters of the other kernels.
    """
    if not isinstance(kernel, Kernel) or not kernel.context_free:
        raise ValueError(f"kernel must be one with a single matrix for all contexts, not {type(kernel).__name__}")
    if isinstance(kernel, Embedding):
        return _columns("embedding", kernel, device, position=kernel.vocab.position.astype(np.int32))
    if isinstance(kernel, RankOne):
        return _columns(
            "rank one",
            kernel,
            device,
            position=kernel.vocab.position.astype(np.int32),
            weight=_tensor("weight", kernel.weight, torch.float64).reshape(1),
            prior=_tensor("prior", kernel.prior, torch.float32),
        )
    if isinstance(kernel, Sparse):
        stored = kernel._rows.transposed
        return _columns(
            "sparse",
            kernel,
            device,
            starts=stored.indptr.astype(np.int64),
            places=stored.indices.astype(np.int32),
            entries=_tensor("rows", stored.data, torch.float32),
        )
    if isinstance(kernel, LowRank):
        left, right = (
            _tensor("factors", factor.widened().array, torch.float32)
            for factor in (kernel._factors.left, kernel._factors.right)
        )
        return _columns("low rank", kernel, device, left=left, right=right.T)
    if isinstance(kernel, Dense):
        matrix = _tensor("matrix", kernel.matrix, None)
        matrix = matrix.float() if matrix.dtype == torch.float64 else matrix
        sums = matrix.double().sum(dim=1)
        return _columns("dense", kernel, device, matrix=matrix.T, scale=(1 / sums).float())
    raise ValueError(f"kernel must be Embedding, RankOne, Sparse, LowRank or Dense, not {type(kernel).__name__}")


def _columns(kind: str, kernel: Kernel, device: torch.device | str, **fields: Any) -> Columns:
    """The fields that `kind` has, on the device, and empty ones of the right type for the rest."""
    empty = {
        name: torch.empty(0, dtype=dtype)
        for name, dtype in (
            ("position", torch.int32),
            ("weight", torch.float64),
            ("prior", torch.float32),
            ("starts", torch.int64),
            ("places", torch.int32),
            ("entries", torch.float32),
            ("left", torch.float32),
            ("right", torch.float32),
            ("matrix", torch.float32),
            ("scale", torch.float32),
        )
    }
    given = {name: torch.as_tensor(value).to(device).contiguous() for name, value in fields.items()}
    moved = {name: value.to(device) for name, value in empty.items() if name not in given}
    return Columns(kind=kind, vocab=kernel.vocab, **given, **moved)


def _tensor(name: str, values: Any, dtype: torch.dtype | None) -> torch.Tensor:
    """Numpy or torch floats as a tensor, of `dtype` where one is given."""
    if is_array(values) and is_exact(values):
        raise ValueError(f"{name} of shape {tuple(values.shape)} must be floating point: no device holds rationals")
    tensor = torch.as_tensor(np.array(values) if isinstance(values, np.ndarray) else values)
    return tensor if dtype is None else tensor.to(dtype)
