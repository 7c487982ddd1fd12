"""Kernels as the operations can store them: those that are sums of few parts as such, the others whole.

| kernel | stored as |
| --- | --- |
| embedding, rank one, sparse, backed off, low rank, dense, stored columns | what it is |
| gated priors | rank one, of the mixed prior of each context |
| first-order softmax of a factor | low rank: a constant beside the factors of the deviations |
| softmax of a diagonal, or its first order | backed off: a row is even but for its own token |
| first-order diffusion on a sparse graph | sparse |
| softmax and first-order softmax otherwise, diffusion, first-order diffusion on a whole matrix | dense, float32 |

An exponential of a product of factors has no low rank, and the walk of a diffusion reaches every token that its graph
connects: such rows have ``N`` entries of their own, which are computed once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import torch

from rdk_theory._array import double, is_exact, namespace, to_numpy
from rdk_theory._rows import block_length
from rdk_theory.kernels import (
    BackedOff,
    Dense,
    Diffusion,
    Embedding,
    FirstOrderDiffusion,
    FirstOrderSoftmax,
    GatedPriors,
    LowRank,
    RankOne,
    SoftmaxCovariance,
    Sparse,
    StoredColumns,
)
from rdk_theory.kernels._compressed import Compressed
from rdk_theory.kernels._matrices import BLOCK, Factored
from rdk_theory.kernels._spikes import Spikes
from rdk_theory.kernels.base import Kernel, matching

LARGEST = 1 << 30
"""Entries of a matrix that is computed here, 4 GiB; a larger one is to be stored by columns in float16."""

BY_CONTEXT = (RankOne, GatedPriors)
"""Classes of kernels that may depend on the context: each has one matrix for a context, told by few numbers."""

_AS_THEY_ARE = (Embedding, RankOne, Sparse, BackedOff, LowRank, Dense)


def stored(kernel: Kernel) -> Kernel:
    """An equal kernel of a class that `gpu.ops.verify.columns.prepare` lays out.

    Raises
    ------
    ValueError
        For a kernel whose parameters depend on the context and that is not rank one, a class that is not known, one
        of rationals, and one that has to be computed whole and would have more than `LARGEST` entries.
    """
    if not isinstance(kernel, Kernel) or not (kernel.context_free or isinstance(kernel, BY_CONTEXT)):
        raise ValueError(
            f"kernel must be one with a single matrix for all contexts, or rank one, not {type(kernel).__name__}"
        )
    if isinstance(kernel, _AS_THEY_ARE):
        return kernel
    if isinstance(kernel, GatedPriors):
        return _mixed(kernel)
    if isinstance(kernel, StoredColumns):
        kernel._file.check()
        return kernel
    if isinstance(kernel, FirstOrderSoftmax):
        held: Any = kernel._deviations
        if isinstance(held, Factored):
            _refuse_rationals(kernel, held.left.array)
            return kernel
        if isinstance(held, Spikes):
            _refuse_rationals(kernel, held.values)
            # (1 + x)/N: what a row has in its own place, over an even rest.
            return _spiked(kernel, to_numpy(double(held.values)))
    elif isinstance(kernel, SoftmaxCovariance):
        covariance: Any = kernel._covariance
        if isinstance(covariance, Spikes):
            _refuse_rationals(kernel, covariance.values)
            raised = np.exp(-to_numpy(double(covariance.values)) / float(kernel.temperature))
            # e^v against N − 1 ones, each divided by e^v.
            return _spiked(kernel, (1 - raised) / (1 + (kernel.vocab.size - 1) * raised))
    elif isinstance(kernel, FirstOrderDiffusion):
        if isinstance(kernel._affinity, Compressed):
            return _one_step(kernel, kernel._affinity)
    elif not isinstance(kernel, Diffusion):
        known = "a kernel of rdk_theory.kernels, such as Embedding, RankOne, Sparse, LowRank or Dense"
        raise ValueError(f"kernel must be {known}, not {type(kernel).__name__}")
    return _whole(kernel)


def _mixed(kernel: GatedPriors) -> RankOne:
    """What moves goes to one prior, the mixture of all by the gates of the context."""
    _refuse_rationals(kernel, kernel.gates)
    xp = namespace(kernel.gates)
    gates = kernel.gates[..., 1:]
    weight = xp.sum(gates, axis=-1)
    # Where nothing moves, any prior is as good.
    even = xp.ones_like(gates) / gates.shape[-1]
    shares = xp.where(weight[..., None] > 0, gates / xp.where(weight > 0, weight, 1.0)[..., None], even)
    return RankOne(kernel.vocab, xp.clip(weight, max=1.0), shares @ kernel.priors)


def _spiked(kernel: Kernel, excess: np.ndarray) -> BackedOff:
    """Rows with this excess in their own place over the same number everywhere."""
    vocab = kernel.vocab
    shape = (vocab.kept_size, vocab.size)
    rows = scipy.sparse.csr_array((excess, (np.arange(vocab.kept_size), vocab.kept)), shape=shape)
    return BackedOff(vocab, rows, np.full(vocab.size, 1 / vocab.size))


def _one_step(kernel: FirstOrderDiffusion, affinity: Compressed) -> Sparse:
    """``(1 − θ) E + θ A``, of a sparse ``A``."""
    _refuse_rationals(kernel, affinity.data)
    vocab, theta = kernel.vocab, float(matching(kernel.weight, affinity.data))
    shape = (vocab.kept_size, vocab.size)
    moved = scipy.sparse.csr_array((theta * affinity.data, affinity.indices, affinity.indptr), shape=shape)
    own = (np.full(vocab.kept_size, 1 - theta), (np.arange(vocab.kept_size), vocab.kept))
    return Sparse(vocab, moved + scipy.sparse.csr_array(own, shape=shape))


def _whole(kernel: Kernel) -> Dense:
    """All entries, in float32, computed by blocks of rows."""
    rows, size = kernel.vocab.kept_size, kernel.vocab.size
    if rows * size > LARGEST:
        raise ValueError(
            f"kernel of type {type(kernel).__name__} has {rows} rows of {size} entries of their own, which are more "
            f"than {LARGEST}: store it by columns in float16 (rdk_theory.kernels.store_columns) and open it"
        )
    matrix = torch.empty((rows, size), dtype=torch.float32)
    step = block_length(size, BLOCK)
    for start in range(0, rows, step):
        part = kernel.row(np.arange(start, min(start + step, rows)))
        _refuse_rationals(kernel, part)
        matrix[start : start + step] = torch.as_tensor(to_numpy(double(part)))
    return Dense(kernel.vocab, matrix)


def _refuse_rationals(kernel: Kernel, values: Any) -> None:
    if is_exact(values):
        raise ValueError(f"kernel of type {type(kernel).__name__} must be floating point: no device holds rationals")
