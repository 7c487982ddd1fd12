"""Kernels in files: the parameters and the kept tokens in one safetensors file, from which the kernel is made again.

What the kernel is, for which vocabulary, and a digest of all of it stand in the file's metadata. Nothing in it is code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rdk_theory import _tensors, validation
from rdk_theory._array import dtype_name, is_exact, to_numpy
from rdk_theory.kernels._compressed import Compressed, stochastic
from rdk_theory.kernels.backed_off import BackedOff
from rdk_theory.kernels.base import Kernel
from rdk_theory.kernels.dense import Dense
from rdk_theory.kernels.embedding import Embedding
from rdk_theory.kernels.low_rank import LowRank
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.kernels.sparse import Sparse
from rdk_theory.vocabulary import Vocabulary

FORMAT = "rdk-kernel-1"
DIGEST = "sha256"
VOCABULARY = ("kept", "draft_ids")
ENTRIES = ("data", "indices", "indptr")
WIDTHS = ("float16", "float32", "float64")

Arrays: TypeAlias = dict[str, np.ndarray]


def save_kernel(path: str | Path, kernel: Kernel) -> None:
    """Write a kernel to a file that `load_kernel` reads.

    Parameters
    ----------
    path
        The file, written under a temporary name and renamed; equal kernels give equal bytes.
    kernel
        An `Embedding`, `RankOne`, `Sparse`, `BackedOff`, `LowRank` or `Dense` with one ``M`` for all contexts, in
        numpy or torch. Parameters keep their dtype: float16, float32 or float64.

    Raises
    ------
    ValueError
        For another kernel, one with parameters for each context, and for rationals or bfloat16, which numpy lacks.
    """
    form = _FORMS.get(type(kernel).__name__)
    if form is None or type(kernel) is not form.kind:
        raise ValueError(
            f"kernel is a {type(kernel).__name__}; those that can be saved are {', '.join(_FORMS)}, and any "
            "context-free kernel can be stored by columns with store_columns"
        )
    if not kernel.context_free:
        raise ValueError(f"kernel is a {type(kernel).__name__} with one matrix for each context; save one of them")
    vocab = kernel.vocab
    arrays = {name: _storable(name, value) for name, value in form.parameters(kernel).items()}
    arrays |= {"kept": vocab.kept, "draft_ids": vocab.draft_ids}
    metadata = {
        "format": FORMAT,
        "kernel": type(kernel).__name__,
        "size": str(vocab.size),
        "draft_size": str(vocab.draft_size),
    }
    _tensors.write(path, arrays, metadata={**metadata, DIGEST: _digest(metadata, arrays)})


def load_kernel(path: str | Path) -> Kernel:
    """The kernel that `save_kernel` wrote, with its vocabulary, in numpy.

    What was saved from numpy comes back equal to the last bit; parameters in torch come back as the same numbers.

    Raises
    ------
    ValueError
        Naming the file, if it is truncated, damaged or foreign, of another version, or holds no kernel.
    """
    file = _tensors.TensorFile(path)
    metadata = dict(file.metadata)
    found = metadata.pop("format", None)
    if found != FORMAT:
        raise ValueError(f"{path} is not a kernel of format {FORMAT}: its format is {found!r}")
    digest = metadata.pop(DIGEST, None)
    form = _FORMS.get(metadata.get("kernel", ""))
    if form is None:
        raise ValueError(f"{path} holds a kernel {metadata.get('kernel')!r}; known are {', '.join(_FORMS)}")
    expected = sorted((*form.names, *VOCABULARY))
    if file.names != expected:
        raise ValueError(f"{path} has the tensors {file.names}, expected {expected} for {form.kind.__name__}")
    arrays = {name: np.array(file.array(name)) for name in expected}
    if _digest({"format": FORMAT, **metadata}, arrays) != digest:
        raise ValueError(f"{path} is damaged: its content does not have the digest that was written with it")
    try:
        vocab = Vocabulary(
            _natural(metadata, "size"),
            arrays["kept"],
            draft_size=_natural(metadata, "draft_size"),
            draft_ids=arrays["draft_ids"],
        )
        return form.make(vocab, {name: _storable(name, arrays[name]) for name in form.names})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


@dataclass(frozen=True)
class _Form:
    """How one kind of kernel is taken apart and made."""

    kind: type[Kernel]
    names: tuple[str, ...]
    parameters: Callable[[Any], dict[str, Any]]
    make: Callable[[Vocabulary, Arrays], Kernel]


def _rank_one(vocab: Vocabulary, arrays: Arrays) -> Kernel:
    validation.same_shape("weight", arrays["weight"], (1,))
    validation.same_shape("prior", arrays["prior"], (vocab.size,))
    return RankOne(vocab, arrays["weight"].reshape(()), arrays["prior"])


def _backed_off(vocab: Vocabulary, arrays: Arrays) -> Kernel:
    """From the rows with their last column, what is left to the prior: taken again as 1 less a sum it could differ."""
    prior = arrays["prior"]
    validation.same_shape("prior", prior, (vocab.size,))
    validation.distribution("prior", prior, vocab.size)
    if prior.dtype != np.float64:
        raise ValueError(f"prior must be float64, not {prior.dtype}")
    kernel = BackedOff.__new__(BackedOff)
    kernel.vocab, kernel.prior = vocab, prior
    kernel._rows = _compressed(arrays, (vocab.kept_size, vocab.size + 1))
    return kernel


def _dense(vocab: Vocabulary, arrays: Arrays) -> Kernel:
    validation.same_shape("matrix", arrays["matrix"], (vocab.kept_size, vocab.size))
    return Dense(vocab, arrays["matrix"])


def _compressed(arrays: Arrays, shape: tuple[int, int]) -> Compressed:
    if arrays["data"].dtype != np.float64:
        raise ValueError(f"data must be float64, not {arrays['data'].dtype}")
    return stochastic("rows", tuple(arrays[name] for name in ENTRIES), shape)


def _sparse(vocab: Vocabulary, arrays: Arrays) -> Kernel:
    _compressed(arrays, (vocab.kept_size, vocab.size))
    return Sparse(vocab, tuple(arrays[name] for name in ENTRIES))


def _entries(rows: Compressed) -> dict[str, Any]:
    return {name: getattr(rows, name) for name in ENTRIES}


_FORMS = {
    form.kind.__name__: form
    for form in (
        _Form(Embedding, (), lambda kernel: {}, lambda vocab, arrays: Embedding(vocab)),
        _Form(RankOne, ("weight", "prior"), lambda k: {"weight": k.weight[None], "prior": k.prior}, _rank_one),
        _Form(Sparse, ENTRIES, lambda k: _entries(k._rows), _sparse),
        _Form(BackedOff, (*ENTRIES, "prior"), lambda k: {**_entries(k._rows), "prior": k.prior}, _backed_off),
        _Form(
            LowRank,
            ("left", "right"),
            lambda k: {"left": k._factors.left.array, "right": k._factors.right.array},
            lambda vocab, arrays: LowRank(vocab, arrays["left"], arrays["right"]),
        ),
        _Form(Dense, ("matrix",), lambda k: {"matrix": k.matrix}, _dense),
    )
}


def _storable(name: str, value: Any) -> np.ndarray:
    """A parameter in numpy, of a dtype that a file can hold."""
    if name in ENTRIES[1:]:
        return np.asarray(value)
    if is_exact(value) or dtype_name(value) not in WIDTHS:
        raise ValueError(f"{name} must be one of {', '.join(WIDTHS)}, not {dtype_name(value)}")
    return to_numpy(value)


def _digest(metadata: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of what the file says: metadata, names, dtypes, shapes, entries."""
    digest = hashlib.sha256()
    shapes = {name: [array.dtype.name, list(array.shape)] for name, array in arrays.items()}
    digest.update(json.dumps([dict(metadata), shapes], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _natural(metadata: Mapping[str, str], name: str) -> int:
    text = metadata.get(name, "")
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} must be a positive integer, not {text!r}")
    return int(text)
