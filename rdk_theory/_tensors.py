"""Tensors in files: safetensors, read by memory map and written atomically, with numpy alone.

numpy has no bfloat16, so the library's own numpy reader refuses such tensors, and it reads a tensor
whole. Here bfloat16 goes in and out as the float32 that it is a prefix of, and a few rows of a large
tensor cost those rows only. The library checks the header of every file before its offsets are used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from rdk_theory.runs import atomic_path

_DTYPES: dict[str, np.dtype[Any]] = {
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I8": np.dtype("i1"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
}

_NAMES = {dtype: name for name, dtype in _DTYPES.items() if name != "BF16"}

FLOATS = ("float16", "bfloat16", "float32")
"""The widths in which logits can be stored."""


class TensorFile:
    """One safetensors file, mapped into memory and read on demand.

    Raises
    ------
    ValueError
        Naming the file, if it is not a complete safetensors file or lacks what is asked of it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            with safe_open(self.path, "np"):
                pass
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{self.path} is not a readable safetensors file: {error}") from None
        with self.path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            self._header: dict[str, Any] = json.loads(file.read(length))
        self.metadata: dict[str, str] = self._header.pop("__metadata__", {})
        self._start = 8 + length
        self._bytes = np.memmap(self.path, dtype=np.uint8, mode="r")

    @property
    def names(self) -> list[str]:
        """Names of the tensors."""
        return sorted(self._header)

    def _entry(self, name: str) -> dict[str, Any]:
        if name not in self._header:
            raise ValueError(f"{self.path} has no tensor {name!r}; it has {self.names}")
        entry: dict[str, Any] = self._header[name]
        if entry["dtype"] not in _DTYPES:
            raise ValueError(f"{self.path}: tensor {name!r} has dtype {entry['dtype']}, not one of {sorted(_DTYPES)}")
        return entry

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, without reading it."""
        return tuple(self._entry(name)["shape"])

    def array(self, name: str, shape: tuple[int | None, ...] | None = None) -> np.ndarray:
        """A tensor as stored (bfloat16 as its bits, uint16), of this shape where one is given (None: any length)."""
        entry = self._entry(name)
        begin, end = entry["data_offsets"]
        found = tuple(entry["shape"])
        if shape is not None and (
            len(found) != len(shape) or any(want not in (None, have) for have, want in zip(found, shape, strict=True))
        ):
            raise ValueError(f"{self.path}: tensor {name!r} has shape {found}, expected {shape}")
        raw = self._bytes[self._start + begin : self._start + end]
        return np.ndarray(found, _DTYPES[entry["dtype"]], raw)

    def integers(self, name: str, shape: tuple[int | None, ...] | None = None) -> np.ndarray:
        """An integer tensor, copied to int64."""
        array = self.array(name, shape)
        if array.dtype.kind != "i":
            raise ValueError(f"{self.path}: tensor {name!r} must be integers, not {self._entry(name)['dtype']}")
        return array.astype(np.int64)

    def floats(self, name: str, index: np.ndarray | None = None) -> np.ndarray:
        """A float tensor, or the rows `index` of it, copied to float32."""
        array = self.array(name)
        kind = self._entry(name)["dtype"]
        if kind not in ("F16", "BF16", "F32", "F64"):
            raise ValueError(f"{self.path}: tensor {name!r} must be floats, not {kind}")
        part = array if index is None else array[index]
        return from_bfloat16(part) if kind == "BF16" else part.astype(np.float32)


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """The float32 whose upper half is `bits`."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def to_bfloat16(values: np.ndarray) -> np.ndarray:
    """Bits of the bfloat16 nearest to each float32, ties to even; no NaN among them."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def write(
    path: str | Path,
    arrays: Mapping[str, np.ndarray],
    narrow: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `arrays` to `path` under a temporary name, then rename; equal arrays give equal bytes.

    Parameters
    ----------
    narrow
        For each float array that is to be stored in other bits than it has, one of `FLOATS`. An array of
        uint16 that is to be bfloat16 holds its bits already.
    metadata
        Texts that stand in the header.

    Notes
    -----
    The format: the length of the header (8 bytes, little endian), the header (JSON: dtype, shape and
    byte range of each tensor), the tensors; widest elements first, so that each is aligned.
    """
    stored = {name: _stored(np.asarray(array), (narrow or {}).get(name)) for name, array in arrays.items()}
    order = sorted(stored, key=lambda name: (-stored[name][1].dtype.itemsize, name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name in order:
        dtype, data = stored[name]
        header[name] = {"dtype": dtype, "shape": list(data.shape), "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            file.write(stored[name][1].data)


def _stored(array: np.ndarray, dtype: str | None) -> tuple[str, np.ndarray]:
    """Name of the dtype in the file, and the elements as they lie there."""
    if dtype is not None and dtype not in FLOATS:
        raise ValueError(f"dtype must be one of {FLOATS}, not {dtype!r}")
    if dtype == "bfloat16":
        return "BF16", np.ascontiguousarray(array) if array.dtype == np.uint16 else to_bfloat16(array)
    data = np.ascontiguousarray(array, dtype=dtype)
    return _NAMES[data.dtype], data
