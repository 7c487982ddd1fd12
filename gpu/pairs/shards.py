"""Shards of a capture: filled document by document, written whole, found again after an interruption."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path

import numpy as np

from rdk_theory import _tensors

_STORED = {"float16": np.float16, "bfloat16": np.uint16, "float32": np.float32, "int32": np.int32}
_IDS = {"token_ids": np.int64, "document_ids": np.int64, "positions": np.int64, "split": np.int8}


def shard_path(folder: Path, number: int) -> Path:
    """Where shard `number` lies."""
    return folder / f"shard-{number:05}.safetensors"


def complete_shards(folder: Path) -> list[_tensors.TensorFile]:
    """The shards that an interrupted capture left, in order; each was renamed into place only when whole."""
    found: list[_tensors.TensorFile] = []
    for number in count():
        path = shard_path(folder, number)
        if not path.exists():
            return found
        found.append(_tensors.TensorFile(path))
    raise AssertionError


class ShardWriter:
    """Collects contexts in memory that is set aside once, and writes a shard when it is full.

    Parameters
    ----------
    folder
        Of the capture.
    number
        Of the first shard to be written.
    widths, dtypes
        For each array its row length, and ``float16``, ``bfloat16``, ``float32`` or ``int32``.
    rows
        A shard is written at the first document that brings it to so many contexts.
    per_document
        The most contexts in one document.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        widths: Mapping[str, int],
        dtypes: Mapping[str, str],
        rows: int,
        per_document: int,
    ) -> None:
        self.folder, self.number, self.rows = folder, number, rows
        self.dtypes = dtypes
        room = rows + per_document
        self.buffers = {name: np.empty((room, width), _STORED[dtypes[name]]) for name, width in widths.items()}
        self.ids = {name: np.empty(room, dtype) for name, dtype in _IDS.items()}
        self.filled = self.cursor = 0

    def add(self, arrays: Mapping[str, np.ndarray], ids: Mapping[str, np.ndarray | int], cursor: int) -> None:
        """Take in the contexts of one document; `cursor` is where the capture goes on after it."""
        size = len(next(iter(arrays.values())))
        part = slice(self.filled, self.filled + size)
        for name, buffer in self.buffers.items():
            buffer[part] = _tensors.to_bfloat16(arrays[name]) if self.dtypes[name] == "bfloat16" else arrays[name]
        for name, array in self.ids.items():
            array[part] = ids[name]
        self.filled, self.cursor = self.filled + size, cursor
        if self.filled >= self.rows:
            self.flush()

    def flush(self) -> None:
        """Write what there is, if anything."""
        if not self.filled:
            return
        arrays = {name: array[: self.filled] for name, array in (*self.buffers.items(), *self.ids.items())}
        narrow = {name: "bfloat16" for name, dtype in self.dtypes.items() if dtype == "bfloat16"}
        arrays["cursor"] = np.array([self.cursor], dtype=np.int64)
        _tensors.write(shard_path(self.folder, self.number), arrays, narrow)
        self.number, self.filled = self.number + 1, 0
