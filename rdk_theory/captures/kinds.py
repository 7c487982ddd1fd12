"""The three kinds of capture: logits, hidden states with heads, count models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rdk_theory import _tensors
from rdk_theory.captures.base import Capture
from rdk_theory.captures.header import HEADER, read_header
from rdk_theory.counts import KneserNey


class _ModelCapture(Capture):
    """Two language models: there are hidden states, and a head that makes the drafter's logits of them."""

    @cached_property
    def hidden(self) -> np.ndarray:
        return np.concatenate([shard.floats("hidden") for shard in self._shards])

    @cached_property
    def draft_head(self) -> np.ndarray:
        return _tensors.TensorFile(self.path / "heads.safetensors").floats("draft_head")

    @cached_property
    def draft_bias(self) -> np.ndarray | None:
        file = _tensors.TensorFile(self.path / "heads.safetensors")
        return file.floats("draft_bias") if "draft_bias" in file.names else None


class _LogitCapture(_ModelCapture):
    """Logits as they came out of the models."""

    kind = "rows"

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        super().__init__(path, header)
        for shard in self._shards:
            n = shard.shape("token_ids")[0]
            for name, size in zip(("target_logits", "draft_logits"), self.vocab_sizes, strict=True):
                shard.array(name, (n, size))

    def _distributions(self, shard: _tensors.TensorFile, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        target, draft = (shard.floats(name, places) for name in ("target_logits", "draft_logits"))
        return _softmax(shard.path, target), _softmax(shard.path, draft)


class _HeadCapture(_ModelCapture):
    """Hidden states and heads; logits are their products."""

    kind = "heads"

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        super().__init__(path, header)
        file = _tensors.TensorFile(path / "heads.safetensors")
        for side, size in zip(("target", "draft"), self.vocab_sizes, strict=True):
            file.array(f"{side}_head", (size, None))
        self._heads = {name: file.floats(name) for name in file.names}

    @property
    def draft_head(self) -> np.ndarray:
        return self._heads["draft_head"]

    def _distributions(self, shard: _tensors.TensorFile, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        target, draft = (
            project(shard.floats(state, places), self._heads[f"{side}_head"], self._heads.get(f"{side}_bias"))
            for side, state in (("target", "target_hidden"), ("draft", "hidden"))
        )
        return _softmax(shard.path, target), _softmax(shard.path, draft)


class _CountCapture(Capture):
    """Two count models and the last two tokens of each context."""

    kind = "counts"

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        super().__init__(path, header)
        self._models = [KneserNey.load(path / f"{side}.safetensors") for side in ("target", "draft")]
        for side, model, size in zip(("target", "draft"), self._models, self.vocab_sizes, strict=True):
            if model.size != size:
                raise ValueError(f"{path / side}.safetensors counts {model.size} tokens, {HEADER} says {size}")

    def _distributions(self, shard: _tensors.TensorFile, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        contexts = shard.integers("contexts", (None, 2))[places]
        target, draft = self._models
        return target.rows(contexts), draft.rows(contexts)


_KINDS: dict[str, type[Capture]] = {c.kind: c for c in (_LogitCapture, _HeadCapture, _CountCapture)}


def open_capture(path: str | Path) -> Capture:
    """Open a capture.

    Raises
    ------
    ValueError
        Naming the file, if the folder is no capture, is not complete, or is damaged.
    """
    folder = Path(path)
    header = read_header(folder)
    if header is None:
        raise ValueError(f"{folder} is not a capture: it has no {HEADER}")
    if header.get("complete") is not True:
        raise ValueError(f"{folder} is not a complete capture; the command that began it goes on with it")
    if header.get("kind") not in _KINDS:
        raise ValueError(f"{folder / HEADER}: kind must be one of {sorted(_KINDS)}, not {header.get('kind')!r}")
    return _KINDS[header["kind"]](folder, header)


def project(hidden: np.ndarray, head: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Logits ``hidden @ head.T + bias``, float32."""
    logits = hidden @ head.T
    return logits if bias is None else logits + bias


def _softmax(path: Path, logits: np.ndarray) -> np.ndarray:
    """Softmax of float32 logits, in place; what cannot be a row of logits is blamed on the file."""
    top = logits.max(axis=-1, keepdims=True)
    if not np.isfinite(top).all():
        raise ValueError(f"{path} holds a row of logits with NaN, +inf or no finite entry")
    np.exp(np.subtract(logits, top, out=logits), out=logits)
    return np.divide(logits, logits.sum(axis=-1, keepdims=True), out=logits)
