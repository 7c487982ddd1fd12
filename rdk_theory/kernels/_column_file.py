"""A kernel's weights in a file, column after column, with sums that make rows laws and draws cheap.

The file is in the format safetensors and is mapped into memory. It holds ``columns`` ``(N, K)`` in float16 or float32,
line `x` of which is column `x` of the kernel up to one factor a row; ``sums`` ``(K, ⌈N/STRIP⌉)`` in float64, sums of
each row over strips of `STRIP` consecutive tokens; and ``kept`` ``(K,)``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._rows import block_length
from rdk_theory._tensors import TensorFile
from rdk_theory._types import Real
from rdk_theory.kernels.base import Kernel, check_rows
from rdk_theory.runs import atomic_path, progress
from rdk_theory.vocabulary import Vocabulary

STRIP = 128
"""Tokens whose weights are summed as one.

A draw reads one line of sums and the entries of one strip, which lie a column apart: at 128 both take microseconds, and
the sums take 3 % of what columns in float16 take.
"""

DTYPES: dict[str, np.dtype[Any]] = {"float16": np.dtype("<f2"), "float32": np.dtype("<f4")}
NAMES = {"float16": "F16", "float32": "F32"}

_INFINITE: dict[np.dtype[Any], int] = {np.dtype("<f2"): 0x7C00, np.dtype("<f4"): 0x7F800000}
"""Bits of infinity: those of NaN and of negative numbers, read as an unsigned integer, are larger."""

_WIDER = {4: ("<u4", 23 - 10, 127 - 15), 8: ("<u8", 52 - 10, 1023 - 15)}
"""For a width in bytes: its bits as an integer, how many more digits it has than float16, how much larger its bias."""

_BLOCK = 1 << 22
"""Entries that are written or checked at a time."""


def store_columns(path: str | Path, kernel: Kernel, dtype: str = "float16") -> None:
    r"""Store a kernel by columns, for `StoredColumns` to open.

    Parameters
    ----------
    path
        The file; written under a temporary name, then renamed.
    kernel
        :math:`M`, one for all contexts, in numpy. It is read by blocks of rows.
    dtype
        ``"float16"`` or ``"float32"``.

    Raises
    ------
    ValueError
        For another dtype, a kernel whose parameters depend on the context, or one whose rows are no laws.

    Notes
    -----
    A row is stored up to a factor, here the power of two that brings its largest entry into
    :math:`[2^{14}, 2^{15})` for float16. So an entry down to :math:`2 \cdot 10^{-9}` of the largest one keeps eleven
    binary digits, and smaller ones, down to :math:`10^{-12}`, fewer; stored as probabilities, they would begin to lose
    digits at :math:`6 \cdot 10^{-5}`. The stored kernel is the law in proportion to what was stored.
    """
    if not kernel.context_free:
        raise ValueError(f"kernel is a {type(kernel).__name__} with one matrix for each context; store one of them")
    vocab = kernel.vocab

    def blocks() -> Iterable[np.ndarray]:
        step = block_length(vocab.size, _BLOCK)
        for start in progress(range(0, vocab.kept_size, step), "columns"):
            rows = kernel.row(np.arange(start, min(start + step, vocab.kept_size)))
            validation.real("kernel: rows", rows)
            check_rows("kernel: rows", rows, rows.shape[0], vocab.size)
            yield np.asarray(rows, dtype=np.float64)

    write_rows(path, vocab, blocks(), dtype)


def write_rows(
    path: str | Path, vocab: Vocabulary, blocks: Iterable[Real[np.ndarray, "rows N"]], dtype: str = "float16"
) -> None:
    """Store rows of weights that come in blocks, in the order of ``vocab.kept``; see `store_columns`.

    Raises
    ------
    ValueError
        For a weight that is negative or not finite, a row without weight, or another number of rows.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {sorted(DTYPES)}, not {dtype!r}")
    with atomic_path(path) as temporary:
        columns, sums = create(temporary, vocab, dtype)
        start = 0
        for block in blocks:
            stop = start + block.shape[0]
            if block.shape[1:] != (vocab.size,) or stop > vocab.kept_size:
                raise ValueError(
                    f"rows of shape {block.shape} from row {start} on do not fit ({vocab.kept_size}, {vocab.size})"
                )
            validation.non_negative("rows", block)
            largest = block.max(axis=-1)
            if (largest <= 0).any():
                raise ValueError(f"rows of shape {block.shape} have no weight in row {start + int(largest.argmin())}")
            # Adding 0 turns −0, which the check of a column would take for a negative number, into 0.
            stored = np.ldexp(block + 0.0, _raise(largest, dtype)[:, None]).astype(DTYPES[dtype])
            columns[:, start:stop] = stored.T
            sums[start:stop] = strip_sums(widened(stored, np.empty(stored.shape)))
            start = stop
        if start != vocab.kept_size:
            raise ValueError(f"{start} rows were given, expected {vocab.kept_size}")
        columns.flush()
        sums.flush()


def create(path: Path, vocab: Vocabulary, dtype: str) -> tuple[np.memmap, np.memmap]:
    """An empty file; its columns and sums, to be filled in."""
    shapes: dict[str, tuple[str, tuple[int, ...], int]] = {
        "kept": ("I64", (vocab.kept_size,), 8),
        "sums": ("F64", (vocab.kept_size, strips(vocab.size)), 8),
        "columns": (NAMES[dtype], (vocab.size, vocab.kept_size), DTYPES[dtype].itemsize),
    }
    header: dict[str, Any] = {}
    offset, at = 0, {}
    for name, (kind, shape, width) in shapes.items():
        # Widest elements first, so each tensor is aligned.
        end = offset + int(np.prod(shape, dtype=np.int64)) * width
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, end]}
        at[name], offset = offset, end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + vocab.kept.astype("<i8").tobytes())
        file.truncate(start + offset)

    def part(name: str, of: Any) -> np.memmap:
        return np.memmap(path, of, "r+", start + at[name], shapes[name][1])

    return part("columns", DTYPES[dtype]), part("sums", np.dtype("<f8"))


class ColumnFile:
    """The file, opened for reading: structure and sums are checked, columns as they are read.

    Raises
    ------
    ValueError
        Naming the file, if it is truncated or foreign, a tensor has another shape or dtype, or a row has no weight.
    """

    def __init__(self, path: str | Path, vocab: Vocabulary) -> None:
        file = TensorFile(path)
        self.path, shape = file.path, (vocab.size, vocab.kept_size)
        self.columns = file.array("columns", shape)
        if self.columns.dtype not in _INFINITE:
            raise ValueError(f"{path}: tensor 'columns' must be float16 or float32, not {self.columns.dtype}")
        kept = file.integers("kept", (vocab.kept_size,))
        if (kept != vocab.kept).any():
            at = int((kept != vocab.kept).argmax())
            raise ValueError(f"{path} is for other kept tokens: {kept[at]}, not {vocab.kept[at]}, at index ({at},)")
        self.sums = file.array("sums", (vocab.kept_size, strips(vocab.size)))
        if self.sums.dtype != np.float64:
            raise ValueError(f"{path}: tensor 'sums' must be float64, not {self.sums.dtype}")
        validation.non_negative(f"{path}: sums", self.sums)
        self.totals = self.sums.sum(axis=-1)
        bad = ~((self.totals > 0) & np.isfinite(self.totals))
        if bad.any():
            at = int(bad.argmax())
            raise ValueError(f"{path}: row {at} has the sum {self.totals[at]}, which makes no law")

    def column(self, token: int, out: np.ndarray) -> np.ndarray:
        """The weights of column `token`, checked, in the dtype of `out`, float32 or float64."""
        return self._widened(self.columns[token], token, out)

    def block(self, start: int, stop: int, out: np.ndarray) -> np.ndarray:
        """Columns `start` to `stop`, as `column`."""
        return self._widened(self.columns[start:stop], start, out)

    def strip(self, row: int, number: int) -> np.ndarray:
        """The weights of one row in one strip, in float64."""
        first = number * STRIP
        weights = self.columns[first : first + STRIP, row].astype(np.float64)
        if not (weights.min() >= 0 and np.isfinite(weights).all()):
            self._offence(self.columns[first : first + STRIP, row, None], first, row)
        return weights

    def check(self) -> None:
        """Read the whole file: every weight is finite and not negative, and the sums are those of the weights."""
        size, kept = self.columns.shape
        step = block_length(kept, _BLOCK) // STRIP * STRIP or STRIP
        for start in progress(range(0, size, step), "columns"):
            stop = min(start + step, size)
            block = self.block(start, stop, np.empty((stop - start, kept)))
            found = strip_sums(block.T)
            stored = self.sums[:, start // STRIP : start // STRIP + found.shape[1]]
            # Both are sums of at most 128 numbers of 11 or 24 digits, added in float64 in whatever order.
            wrong = np.abs(found - stored) > 1e-12 * self.totals[:, None]
            if wrong.any():
                row, strip = (int(i) for i in np.argwhere(wrong)[0])
                raise ValueError(
                    f"{self.path}: weights of row {row} sum to {found[row, strip]} in strip {start // STRIP + strip}, "
                    f"and the file says {stored[row, strip]}"
                )

    def _widened(self, stored: np.ndarray, token: int, out: np.ndarray) -> np.ndarray:
        bits = stored.view(f"<u{stored.itemsize}")
        if bits.max(initial=0) >= _INFINITE[stored.dtype]:
            self._offence(np.atleast_2d(stored), token, 0)
        return widened(stored, out)

    def _offence(self, stored: np.ndarray, token: int, row: int) -> None:
        wide = stored.astype(np.float64)
        bad = np.argwhere(~(np.isfinite(wide) & (np.copysign(1, wide) > 0)))[0]
        value = wide[tuple(bad)]
        raise ValueError(
            f"{self.path}: columns are negative or not finite at index ({token + bad[0]}, {row + bad[1]}): {value}"
        )


def strips(size: int) -> int:
    """How many strips the vocabulary has."""
    return -(-size // STRIP)


def strip_sums(weights: np.ndarray) -> np.ndarray:
    """Sums over strips of consecutive tokens, ``(rows, N)`` to ``(rows, ⌈N/STRIP⌉)``, in float64."""
    starts = np.arange(0, weights.shape[-1], STRIP)
    return np.asarray(np.add.reduceat(weights, starts, axis=-1, dtype=np.float64))


def widened(stored: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Stored weights, finite and not negative, in the dtype of `out`, float32 or float64."""
    if stored.dtype != DTYPES["float16"]:
        np.copyto(out, stored)
        return out
    # numpy converts half precision one by one, at twenty times the cost of this: the bits are moved to where the wider
    # format has them, and the difference of the two exponents' biases is multiplied in, which is exact.
    unsigned, shift, bias = _WIDER[out.dtype.itemsize]
    bits = out.view(unsigned)
    np.copyto(bits, stored.view("<u2"))
    np.left_shift(bits, shift, out=bits)
    return np.multiply(out, out.dtype.type(2.0) ** bias, out=out)


def _raise(largest: np.ndarray, dtype: str) -> np.ndarray:
    """The power of two that each row is multiplied by."""
    return 15 - np.frexp(largest)[1] if dtype == "float16" else np.zeros(largest.shape, dtype=np.int64)
