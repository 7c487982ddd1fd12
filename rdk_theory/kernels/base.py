"""What every redistribution kernel offers, so that sampling and verification are written once for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, convert, double, is_array, is_exact, is_numpy, namespace, to_fractions
from rdk_theory._types import Ids, Real
from rdk_theory.sampling import search
from rdk_theory.vocabulary import Vocabulary


@dataclass(frozen=True)
class Operations:
    """Exact cost of one row: scalar multiplications and additions, array entries read and written.

    The fields are whatever arithmetic on the sizes gives: integers for integers, expressions for symbols.
    """

    multiplications: Any
    additions: Any
    reads: Any
    writes: Any

    def bytes(self, itemsize: int = 4) -> Any:
        """Bytes moved when each entry takes `itemsize` bytes."""
        return (self.reads + self.writes) * itemsize


class Kernel(ABC):
    r"""A row-stochastic kernel ``M``, one row for each kept token: the proposal is :math:`\tilde p = q' M`.

    A kernel whose parameters carry leading batch dimensions has one ``M`` for each context; its methods
    broadcast them against the batch dimensions of their argument, and callers need not know.
    """

    vocab: Vocabulary

    @abstractmethod
    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        r"""The proposal :math:`\tilde p = q' M`, whole: one row over the target vocabulary for each draft row."""

    @abstractmethod
    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """``M[:, token]``: the probability of moving to `token` from each kept token, in the order of ``vocab.kept``."""

    @abstractmethod
    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """``M[draft_id]``: the law to which the kept token at place `draft_id` of ``vocab.kept`` is moved."""

    @property
    def context_free(self) -> bool:
        """Whether all contexts share one ``M``, so that its methods may be asked for some rows of a batch only."""
        return False

    @property
    @abstractmethod
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\tilde p_x = \sum_i q'_i M_{ix}` at one token a row; the proposal is not formed."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        wide = double(draft)
        return namespace(wide).sum(wide * beside(self.column(token), wide), axis=-1)

    def draw(self, draft_id: Ids[Array, "*batch"], uniform: Real[Array, "*batch"]) -> Ids[Array, "*batch"]:
        r"""Second stage of a two-stage draw: :math:`x \sim M_i` by inverse CDF."""
        validation.token_ids("draft_id", draft_id, self.vocab.kept_size)
        validation.uniform("uniform", uniform, tuple(draft_id.shape))
        wide = double(uniform)
        return search(beside(self.row(draft_id), wide), wide)

    def first_order(self) -> Kernel:
        """The linear-time approximation of this kernel, with its `error_bound`."""
        raise TypeError(f"{type(self).__name__} has no first-order form: it is exact and cheap as it is")

    def check_draft(self, draft: Any) -> None:
        """Raise unless `draft` holds distributions over the kept tokens."""
        validation.distribution("draft", draft, self.vocab.kept_size, "the kept set")

    def _index(self, name: str, index: Any, size: int) -> Array:
        """An id or an array of ids, checked, as an array."""
        if isinstance(index, int | np.integer) and not isinstance(index, bool):
            index = np.asarray(index)
        validation.token_ids(name, index, size)
        return index


def check_kernel_rows(name: str, matrix: Any, vocab: Vocabulary, rows: int | None = None) -> None:
    """Raise unless `matrix` is ``(…, K, N)`` and row-stochastic."""
    rows = vocab.kept_size if rows is None else rows
    validation.real(name, matrix)
    if matrix.ndim < 2 or tuple(matrix.shape[-2:]) != (rows, vocab.size):
        raise ValueError(f"{name} has shape {tuple(matrix.shape)}, expected (..., {rows}, {vocab.size})")
    validation.distribution(name, matrix)


def parameter(name: str, value: Any) -> Array:
    """A kernel parameter as it was given, checked to be a real array; plain numbers become numpy scalars."""
    if not is_array(value):
        value = np.asarray(value, dtype=object if not isinstance(value, int | float) else np.float64)
    validation.real(name, value)
    return value


def beside(x: Array, like: Array) -> Array:
    """Entries of a kernel as numbers of the kind of `like`; beside rationals a float is the rational that it is."""
    return to_fractions(x) if is_exact(like) and is_numpy(x) and not is_exact(x) else convert(x, like)


def contiguous_floats(x: Array) -> bool:
    """Numpy floats in C order, for which a pass over rows in cache pays."""
    return is_numpy(x) and x.dtype in (np.float32, np.float64) and x.flags.c_contiguous
