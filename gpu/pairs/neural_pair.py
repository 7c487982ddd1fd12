"""A pair of language models as `rdk pair capture` reads it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from gpu.pairs.capture_options import CaptureOptions
from gpu.pairs.models import Reader, Source, torch_device
from gpu.pairs.plan import Plan, make_plan
from gpu.pairs.windows import Window
from rdk_theory import _tensors
from rdk_theory.captures.kinds import project

_LOWEST = float(np.finfo(np.float16).min)
"""Logits that far below the best of their row are probability 0 in any float; kept finite for float16."""


class NeuralPair:
    """Two language models, which are loaded when they are first read.

    Parameters
    ----------
    target, drafter
        Folders or hub ids.
    device
        Where they run: ``auto``, ``cpu`` or ``cuda``.
    """

    def __init__(self, target: str, drafter: str, device: str) -> None:
        self.sources = Source.find(target), Source.find(drafter)
        self.tokenizers = self.sources[0].tokenizer(), self.sources[1].tokenizer()
        self.names = [source.name for source in self.sources]
        self.fingerprints = [source.fingerprint for source in self.sources]
        self.sizes = self.sources[0].size, self.sources[1].size
        self.device = torch_device(device)
        self.kind = "rows"

    def plan(self, options: CaptureOptions) -> Plan:
        """Choose what is stored; `ValueError` if the text is longer than a model takes, or nothing fits."""
        for source in self.sources:
            if source.longest is not None and options.context_length > source.longest:
                most = f"the {source.longest} tokens that {source.name} takes"
                raise ValueError(f"context-length of {options.context_length} is more than {most}")
        plan = make_plan(
            contexts=options.contexts,
            sizes=self.sizes,
            widths=(self.sources[0].width, self.sources[1].width),
            dtype=options.dtype,
            model_bytes=self.sources[0].bytes + self.sources[1].bytes,
            per_document=options.per_document,
            max_memory=options.max_memory * 1e9,
            max_disk=options.max_disk * 1e9,
        )
        self.kind = plan.kind
        return plan

    @cached_property
    def readers(self) -> tuple[Reader, Reader]:
        """The loaded models."""
        return self.sources[0].load(self.device), self.sources[1].load(self.device)

    @property
    def widths(self) -> dict[str, int]:
        """Length of a row of each array of a shard."""
        target, draft = self.sources
        if self.kind == "rows":
            return {"target_logits": target.size, "draft_logits": draft.size, "hidden": draft.width}
        return {"target_hidden": target.width, "hidden": draft.width}

    def arrays(self, window: Window) -> dict[str, np.ndarray]:
        """Arrays of the contexts of a window, float32.

        Logits are relative to the greatest of their row, which changes no probability and gives the
        tokens that matter the most digits of a 16-bit float.
        """
        target, drafter = self.readers
        target_hidden, target_logits = target.read(window.target_ids, window.target_places)
        hidden, draft_logits = drafter.read(window.draft_ids, window.draft_places)
        if self.kind == "heads":
            _check_head("target", target, target_hidden, target_logits)
            _check_head("drafter", drafter, hidden, draft_logits)
            return {"target_hidden": target_hidden, "hidden": hidden}
        return {"target_logits": _relative(target_logits), "draft_logits": _relative(draft_logits), "hidden": hidden}

    def write_models(self, folder: Path) -> None:
        """Write the heads that the capture needs, in dtypes that hold them exactly."""
        arrays: dict[str, np.ndarray] = {}
        dtypes: dict[str, str] = {}
        for side, reader in zip(("target", "draft"), self.readers, strict=True):
            if side == "target" and self.kind == "rows":
                continue
            weight, bias, dtype = reader.head_arrays()
            arrays[f"{side}_head"], dtypes[f"{side}_head"] = weight, dtype
            if bias is not None:
                arrays[f"{side}_bias"], dtypes[f"{side}_bias"] = bias, dtype
        _tensors.write(folder / "heads.safetensors", arrays, dtypes)


def _relative(logits: np.ndarray) -> np.ndarray:
    """Logits minus the greatest of their row."""
    return np.maximum(logits - logits.max(axis=-1, keepdims=True), _LOWEST)


def _check_head(name: str, reader: Reader, hidden: np.ndarray, logits: np.ndarray) -> None:
    """The model's logits are its head times its hidden states, up to the rounding of its dtype."""
    weight, bias, dtype = reader.head_arrays()
    rebuilt = project(hidden, weight, bias)
    scale = np.abs(logits).max()
    allowed = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}.get(dtype, 1e-4) * max(scale, 1.0)
    worst = np.abs(rebuilt - logits).max()
    if not worst <= allowed:
        raise ValueError(
            f"{name}: its logits are not its head times its hidden states (they differ by {worst:.3g}), so they cannot "
            "be rebuilt from those; allow more disk for full rows"
        )
