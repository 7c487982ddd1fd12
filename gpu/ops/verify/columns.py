"""A redistribution kernel on a device, laid out so that one of its columns is read in one piece."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from gpu.ops.verify.forms import stored
from rdk_theory import validation
from rdk_theory._array import is_array, is_exact
from rdk_theory.kernels import BackedOff, Dense, Embedding, FirstOrderSoftmax, LowRank, RankOne, Sparse, StoredColumns
from rdk_theory.kernels._compressed import Compressed
from rdk_theory.kernels.base import Kernel
from rdk_theory.vocabulary import Vocabulary

KINDS = ("embedding", "rank one", "sparse", "low rank", "dense", "backed off")
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
        ``θ``, ``(1,)`` float64, and ``π``, ``(N,)`` float32. Rank one. Of one that depends on the context:
        ``(*batch,)``, and ``(N,)`` or ``(*batch, N)``.
    starts, places, entries
        Compressed columns: those of column ``x`` are ``starts[x] ≤ e < starts[x + 1]``. Sparse and backed off.
    left, right
        ``L``, ``(K, R)``, and ``R`` transposed, ``(N, R)``, float32; products below 0 count as 0. Low rank. Of a
        backed-off kernel what each row leaves to the prior, ``(K, 1)``, and the prior, ``(N, 1)``.
    matrix, scale
        ``M`` transposed, ``(N, K)``, in its own width, and what each of its ``K`` rows is multiplied with, float32.
        Dense.
    contextual
        Whether weights, and priors where there is one for each, belong to single contexts.
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
    contextual: bool = False

    @property
    def device(self) -> torch.device:
        """Where the columns are."""
        return self.position.device

    @property
    def rank(self) -> int:
        """``R`` of a low-rank kernel, 1 for the others."""
        return int(self.right.shape[1]) if self.kind == "low rank" else 1

    @property
    def batch(self) -> tuple[int, ...] | None:
        """The shape of the contexts, `None` if one matrix serves them all."""
        return tuple(self.weight.shape) if self.contextual else None

    @property
    def steps(self) -> tuple[int, int]:
        """From one context to the next: how far weights lie apart, and priors; 0 where there is one for all."""
        return int(self.contextual), self.vocab.size if self.prior.ndim > 1 else 0

    def at(self, weight: torch.Tensor, prior: torch.Tensor | None = None) -> Columns:
        r"""A rank-one kernel with a weight for each context; nothing that is prepared already is copied.

        Parameters
        ----------
        weight
            ``θ`` of each context, any shape, floats.
        prior
            ``π`` of each context, one axis more; by default the one that was prepared, for all.

        Raises
        ------
        ValueError
            For another kind of kernel, a weight outside [0, 1], a prior that is no law, or shapes that do not meet.
        """
        if self.kind != "rank one":
            raise ValueError(f"kernel of kind {self.kind!r} has no weight: only rank one can be given one a context")
        validation.probability("weight", weight)
        given = {"weight": weight}
        if prior is not None:
            given["prior"] = _tensor("prior", RankOne(self.vocab, weight, prior).prior, torch.float32)
        widths = {"weight": torch.float64, "prior": torch.float32}
        moved: dict[str, Any] = {
            name: value.to(self.device, widths[name]).contiguous() for name, value in given.items()
        }
        return replace(self, contextual=True, **moved)

    def check_batch(self, batch: tuple[int, ...]) -> None:
        """Raise unless there is one matrix for all contexts, or one for each of this shape."""
        if self.contextual and self.batch != batch:
            raise ValueError(f"kernel has weights of shape {self.batch}, expected {batch}: one for each draft row")


def prepare(kernel: Kernel, device: torch.device | str = "cpu") -> Columns:
    r"""Lay out a kernel of `rdk_theory.kernels` for `verify`: once, before the first call.

    Parameters
    ----------
    kernel
        Any kernel with one matrix for all contexts, or a `RankOne` with a weight, and perhaps a prior, for each.
    device
        Where `verify` will run.

    Raises
    ------
    ValueError
        For another kernel whose parameters depend on the context, one of rationals, and one that can only be stored
        whole and is too large for it; see `gpu.ops.verify.forms`.

    Notes
    -----
    A `Dense` matrix of 16 bits stays as it is, beside one float32 number a row that makes the row sum to 1, which is
    how `Dense` reads it too, and so do `StoredColumns`; one of float64 is stored in float32, as are the parameters of
    the other kernels.
    """
    kernel = stored(kernel)
    if isinstance(kernel, Embedding):
        return _columns("embedding", kernel, device, position=kernel.vocab.position.astype(np.int32))
    if isinstance(kernel, RankOne):
        weight = _tensor("weight", kernel.weight, torch.float64)
        out = _columns(
            "rank one",
            kernel,
            device,
            position=kernel.vocab.position.astype(np.int32),
            weight=weight if weight.ndim else weight.reshape(1),
            prior=_tensor("prior", kernel.prior, torch.float32),
        )
        return replace(out, contextual=not kernel.context_free)
    if isinstance(kernel, Sparse):
        return _columns("sparse", kernel, device, **_entries(kernel._rows.transposed, kernel.vocab.size))
    if isinstance(kernel, BackedOff):
        return _columns(
            "backed off",
            kernel,
            device,
            left=_tensor("shares", kernel._shares, torch.float32)[:, None],
            right=_tensor("prior", kernel.prior, torch.float32)[:, None],
            **_entries(kernel._rows.transposed, kernel.vocab.size),
        )
    if isinstance(kernel, LowRank):
        left, right = (
            _tensor("factors", factor.widened().array, torch.float32)
            for factor in (kernel._factors.left, kernel._factors.right)
        )
        return _columns("low rank", kernel, device, left=left, right=right.T)
    if isinstance(kernel, FirstOrderSoftmax):
        deviations: Any = kernel._deviations
        left, right = (
            _tensor("factors", factor.array, torch.float64) for factor in (deviations.left, deviations.right)
        )
        even = torch.full((1, right.shape[1]), 1 / kernel.vocab.size, dtype=torch.float64)
        return _columns(
            "low rank",
            kernel,
            device,
            left=torch.cat([torch.ones_like(left[:, :1]), left], dim=1).float(),
            right=torch.cat([even, right]).T.float(),
        )
    if isinstance(kernel, StoredColumns):
        weights = _tensor("columns", kernel._file.columns, None)
        return _columns("dense", kernel, device, matrix=weights, scale=torch.from_numpy(kernel._scale).float())
    assert isinstance(kernel, Dense)
    matrix = _tensor("matrix", kernel.matrix, None)
    matrix = matrix.float() if matrix.dtype == torch.float64 else matrix
    sums = matrix.double().sum(dim=1)
    return _columns("dense", kernel, device, matrix=matrix.T, scale=(1 / sums).float())


def _entries(columns: Compressed, size: int) -> dict[str, Any]:
    """The first columns of a compressed transpose, as many as there are tokens."""
    count = int(columns.indptr[size])
    return {
        "starts": columns.indptr[: size + 1].astype(np.int64),
        "places": columns.indices[:count].astype(np.int32),
        "entries": _tensor("rows", columns.data[:count], torch.float32),
    }


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
    given: dict[str, Any] = {name: torch.as_tensor(value).to(device).contiguous() for name, value in fields.items()}
    moved: dict[str, Any] = {name: value.to(device) for name, value in empty.items() if name not in given}
    return Columns(kind=kind, vocab=kernel.vocab, **given, **moved)


def _tensor(name: str, values: Any, dtype: torch.dtype | None) -> torch.Tensor:
    """Numpy or torch floats as a tensor, of `dtype` where one is given."""
    if is_array(values) and is_exact(values):
        raise ValueError(f"{name} of shape {tuple(values.shape)} must be floating point: no device holds rationals")
    tensor = torch.as_tensor(np.array(values) if isinstance(values, np.ndarray) else values)
    return tensor if dtype is None else tensor.to(dtype)
