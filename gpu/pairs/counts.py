"""A pair of count models: a trigram target, and a bigram drafter that has read less."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from gpu.pairs.capture_options import CaptureOptions
from gpu.pairs.plan import Plan
from gpu.pairs.tokenizers import load_tokenizer, same_tokenizer
from gpu.pairs.windows import Window
from rdk_theory.counts import KneserNey
from rdk_theory.runs import atomic_path, sha256

MODEL = "model.safetensors"
SHARD_ROWS = 65_536


class CountPair:
    """Both models with their tokenizer, from the folders that training wrote.

    Raises
    ------
    ValueError
        If a folder lacks its model, or the two do not share a tokenizer.
    """

    kind = "counts"

    def __init__(self, target: Path, drafter: Path) -> None:
        self.folders = target, drafter
        self.tokenizers = load_tokenizer(target / "tokenizer.json"), load_tokenizer(drafter / "tokenizer.json")
        if not same_tokenizer(*self.tokenizers):
            raise ValueError(f"target {target} and drafter {drafter} are count models over different tokenizers")
        self.models = KneserNey.load(target / MODEL), KneserNey.load(drafter / MODEL)
        self.names = [target.name, drafter.name]
        self.fingerprints = [sha256(folder / MODEL) for folder in self.folders]
        self.sizes = self.models[0].size, self.models[1].size
        self.widths = {"contexts": 2}

    def plan(self, options: CaptureOptions) -> Plan:
        """Contexts alone are stored, whatever they are asked about later."""
        return Plan(self.kind, SHARD_ROWS)

    def arrays(self, window: Window) -> dict[str, np.ndarray]:
        """What a shard holds of a window: its contexts."""
        return {"contexts": last_two(window)}

    def write_models(self, folder: Path) -> None:
        """Copy both models beside the contexts."""
        for side, source in zip(("target", "draft"), self.folders, strict=True):
            with atomic_path(folder / f"{side}.safetensors") as temporary:
                shutil.copyfile(source / MODEL, temporary)

    def rows(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Distributions in the contexts of a window, float32."""
        contexts = last_two(window)
        target, draft = self.models
        return target.rows(contexts), draft.rows(contexts)


def last_two(window: Window) -> np.ndarray:
    """The last two tokens before each position; shape ``(n, 2)``."""
    return window.target_ids[np.stack([window.target_places - 1, window.target_places], axis=1)]


def fit(texts: list[np.ndarray], size: int, order: int) -> KneserNey:
    """A model of `order` from documents in tokens."""
    documents = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    return KneserNey.fit(np.concatenate(texts), documents, size, order)
