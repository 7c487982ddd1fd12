"""What every capture answers, whatever it stores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rdk_theory import _tensors, validation
from rdk_theory._types import Ids, Real
from rdk_theory.captures.header import HEADER, natural, shards
from rdk_theory.runs import sha256
from rdk_theory.vocabulary import Vocabulary

CALIBRATION, TEST = 0, 1
"""Codes in `Capture.split`."""

BLOCK_ENTRIES = 1 << 24
"""Entries of the rows that are made at once: 64 MiB in float32 for each model."""

_IDS = ("token_ids", "document_ids", "positions", "split")


class Capture(ABC):
    """A finished capture, opened by `open_capture`; contexts are numbered from 0.

    Attributes
    ----------
    path
        The folder.
    kind
        ``"rows"``, ``"heads"`` or ``"counts"``.
    vocab_sizes
        ``(N, |D|)``: lengths of a target row and of a full draft row.
    token_ids
        The target token that really followed each context; shape ``(n,)``.
    documents
        The document of each context: contexts of one document are not independent. Shape ``(n,)``.
    positions
        How many target tokens stand before it in its window of text; shape ``(n,)``.
    split
        `CALIBRATION` or `TEST` for each context; a document lies in one of them. Shape ``(n,)``.
    """

    kind: str

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self.header = header
        self.vocab_sizes = (natural(path, header, "target_size"), natural(path, header, "draft_size"))
        files, self._digests = zip(*shards(path, header), strict=True)
        self._shards = [_tensors.TensorFile(file) for file in files]
        sizes = [shard.shape("token_ids")[0] for shard in self._shards]
        self._first = np.cumsum([0, *sizes])
        self._checked = [False] * len(sizes)
        if not self._first[-1]:
            raise ValueError(f"{path} holds no context")
        self.token_ids, self.documents, self.positions, self.split = (
            np.concatenate([s.integers(name, (n,)) for s, n in zip(self._shards, sizes, strict=True)]) for name in _IDS
        )
        for name, array, limit in (("token_ids", self.token_ids, self.vocab_sizes[0]), ("split", self.split, 2)):
            validation.token_ids(f"{path}: {name}", array, limit)

    def __len__(self) -> int:
        return int(self._first[-1])

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens that target and drafter share: all of them where they share a tokenizer."""
        size, draft_size = self.vocab_sizes
        if not (self.path / "vocabulary.safetensors").exists():
            return Vocabulary.full(size)
        file = _tensors.TensorFile(self.path / "vocabulary.safetensors")
        kept, ids = file.integers("kept", (None,)), file.integers("draft_ids", (None,))
        return Vocabulary(size, kept, draft_size=draft_size, draft_ids=ids)

    @cached_property
    def train_counts(self) -> Ids[np.ndarray, "N"]:
        """How often each target token occurs in documents apart from the test documents; shape ``(N,)``."""
        return _tensors.TensorFile(self.path / "counts.safetensors").integers("target", (self.vocab_sizes[0],))

    @cached_property
    def draft_train_counts(self) -> Ids[np.ndarray, "D"]:
        """The same in tokens of the drafter; shape ``(|D|,)``."""
        return _tensors.TensorFile(self.path / "counts.safetensors").integers("draft", (self.vocab_sizes[1],))

    @property
    def hidden(self) -> Real[np.ndarray, "n d"] | None:
        """The drafter's last hidden state in each context, float32, if it has any."""
        return None

    @property
    def draft_head(self) -> Real[np.ndarray, "D d"] | None:
        """The drafter's head, float32: ``hidden @ draft_head.T`` are its logits up to a bias, if it has any."""
        return None

    @property
    def draft_bias(self) -> Real[np.ndarray, "D"] | None:
        """The bias of the drafter's head, float32, if it has one."""
        return None

    def rows(self, indices: Any) -> tuple[Real[np.ndarray, "batch N"], Real[np.ndarray, "batch D"]]:
        """Target and full draft distributions in some contexts, float32.

        Parameters
        ----------
        indices
            Numbers of contexts, in any order.

        Raises
        ------
        ValueError
            For a number outside ``range(len(capture))``, or a damaged shard, named.
        """
        numbers = np.asarray(indices)
        validation.token_ids("indices", numbers, len(self))
        if numbers.ndim != 1:
            raise ValueError(f"indices has shape {numbers.shape}, expected (batch,)")
        target, draft = (np.empty((numbers.size, size), dtype=np.float32) for size in self.vocab_sizes)
        block = max(1, BLOCK_ENTRIES // max(self.vocab_sizes))
        shard = np.searchsorted(self._first, numbers, side="right") - 1
        for k in np.unique(shard).tolist():
            every = np.flatnonzero(shard == k)
            # In blocks, so that what a kind of capture needs on the way to a row does not double the memory.
            for members in np.split(every, np.arange(block, every.size, block)):
                places = numbers[members] - self._first[k]
                target[members], draft[members] = self._distributions(self._shard(k), places)
        return target, draft

    def batches(
        self, indices: Any, size: int
    ) -> Iterator[tuple[Ids[np.ndarray, "batch"], Real[np.ndarray, "batch N"], Real[np.ndarray, "batch D"]]]:
        """`rows`, `size` contexts at a time, with the numbers of the contexts."""
        if size < 1:
            raise ValueError(f"size must be at least 1, not {size}")
        numbers = np.asarray(indices)
        for begin in range(0, len(numbers), size):
            part = numbers[begin : begin + size]
            yield part, *self.rows(part)

    @abstractmethod
    def _distributions(self, shard: _tensors.TensorFile, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distributions at these places of one shard."""

    def _shard(self, k: int) -> _tensors.TensorFile:
        """Shard `k`, after its content was compared once with the digest that was noted when it was written."""
        if not self._checked[k]:
            if sha256(self._shards[k].path) != self._digests[k]:
                raise ValueError(f"{self._shards[k].path} is damaged: its SHA-256 is not the one in {HEADER}")
            self._checked[k] = True
        return self._shards[k]
