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

CHECKED = 8
"""Documents of which the logits are compared with the head times the hidden states: what a model does to its logits
after the head it does in every document."""

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
        self._unchecked = CHECKED

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
            store=options.store,
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
            if self._unchecked:
                _check_head("target", target, target_hidden, target_logits)
                _check_head("drafter", drafter, hidden, draft_logits)
                self._unchecked -= 1
            return {"target_hidden": target_hidden, "hidden": hidden}
        return {"target_logits": _relative(target_logits), "draft_logits": _relative(draft_logits), "hidden": hidden}

    def write_models(self, folder: Path) -> None:
        """Write the heads that the capture needs, in their own dtypes."""
        arrays: dict[str, np.ndarray] = {}
        dtypes: dict[str, str] = {}
        for side, reader in zip(("target", "draft"), self.readers, strict=True):
            if side == "target" and self.kind == "rows":
                continue
            parts, dtype = reader.head_arrays()
            for name, array in parts.items():
                arrays[f"{side}_{name}"], dtypes[f"{side}_{name}"] = array, dtype
        _tensors.write(folder / "heads.safetensors", arrays, dtypes)


def _relative(logits: np.ndarray) -> np.ndarray:
    """Logits minus the greatest of their row."""
    return np.maximum(logits - logits.max(axis=-1, keepdims=True), _LOWEST)


def _check_head(name: str, reader: Reader, hidden: np.ndarray, logits: np.ndarray) -> None:
    """The model's logits are its head times its hidden states, up to the rounding of its dtype."""
    dtype = str(reader.head.weight.dtype).removeprefix("torch.")
    allowed = {"float16": 1e-2, "bfloat16": 5e-2}.get(dtype, 1e-4) * max(float(np.abs(logits).max()), 1.0)
    worst = reader.departure(hidden, logits)
    if not worst <= allowed:
        raise ValueError(
            f"{name}: its logits are not its head times its hidden states (they differ by {worst:.3g}), so they cannot "
            "be rebuilt from those; use --store rows"
        )
