"""What every redistribution kernel offers, so that sampling and verification are written once for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory import _rows, validation
from rdk_theory._array import Array, convert, double, index_like, is_array, is_exact, is_numpy, namespace, to_fractions
from rdk_theory._rows import block_length
from rdk_theory._types import Ids, Real
from rdk_theory.sampling import search
from rdk_theory.vocabulary import Vocabulary


@dataclass(frozen=True)
class Operations:
    """Exact cost of one row: scalar multiplications and additions, array entries read and written.

    The fields are whatever arithmetic on the sizes gives: integers for integers, expressions for symbols. A division
    counts as a multiplication, a subtraction as an addition, a dot product of length `n` as `n` multiplications and
    ``n − 1`` additions. Entries of the draft row are read once, those of a parameter once for each pass over it, and
    those of the proposal written once. Vectors in between, which fit in cache, arrays of indices, and what a kernel
    prepares when it is made do not count.
    """

    multiplications: Any
    additions: Any
    reads: Any
    writes: Any
    exponentials: Any = 0

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
        """``M[:, token]``: the probability of moving to `token` from each kept token, as ``vocab.kept`` orders them."""

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

    def point(self, draft: Array, token: Array) -> Array:
        """`probability` for callers that have checked their rows, in float64 or rational, and ask more than once."""
        return self.probability(draft, token)

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


def check_rows(name: str, matrix: Any, rows: int, size: int) -> Array:
    """Raise unless `matrix` is ``(…, rows, size)`` and row-stochastic; its row sums, in float64.

    Rows are summed in blocks, so that a narrow matrix is never widened whole.
    """
    validation.real(name, matrix)
    if matrix.ndim < 2 or tuple(matrix.shape[-2:]) != (rows, size):
        raise ValueError(f"{name} has shape {tuple(matrix.shape)}, expected (..., {rows}, {size})")
    xp = namespace(matrix)
    flat = xp.reshape(matrix, (-1, size))
    if not flat.shape[0]:
        raise ValueError(f"{name} of shape {tuple(matrix.shape)} is empty")
    step = block_length(size, 1 << 22)
    blocks = [validation.row_sums(double(flat[i : i + step])) for i in range(0, flat.shape[0], step)]
    sums = xp.reshape(xp.concat(blocks), tuple(matrix.shape[:-1]))
    validation.unit_sums(name, matrix, sums)
    if bool(xp.min(matrix) < 0):
        validation.non_negative(name, matrix)
    return sums


def parameter(name: str, value: Any) -> Array:
    """A kernel parameter as it was given, checked to be a real array; plain numbers become numpy scalars."""
    if not is_array(value):
        value = np.asarray(value, dtype=object if not isinstance(value, int | float) else np.float64)
    validation.real(name, value)
    return value


def is_number(value: Any) -> bool:
    """A plain real number: of Python or numpy, no array, no boolean."""
    return isinstance(value, int | float | Fraction | np.floating | np.integer) and not isinstance(value, bool)


def matching(value: Any, like: Any) -> Any:
    """A plain number as a `Fraction` beside rationals, as a `float` beside floats."""
    if not is_exact(like):
        return float(value)
    return value if isinstance(value, Fraction) else Fraction(value if isinstance(value, int) else float(value))


def beside(x: Array, like: Array) -> Array:
    """Entries of a kernel as numbers of the kind of `like`; beside rationals a float is the rational that it is."""
    return to_fractions(x) if is_exact(like) and is_numpy(x) and not is_exact(x) else convert(x, like)


def add_kept(out: Array, values: Array, vocab: Vocabulary) -> None:
    """``out[..., kept] += values``, in place."""
    if contiguous_floats(out):
        _rows.add_kept(out, values, vocab.ascending, vocab.order)
    else:
        kept = index_like(vocab.kept, out)
        out[..., kept] = out[..., kept] + values


def contiguous_floats(x: Array) -> bool:
    """Numpy floats in C order, for which a pass over rows in cache pays."""
    return is_numpy(x) and x.dtype in (np.float32, np.float64) and x.flags.c_contiguous
