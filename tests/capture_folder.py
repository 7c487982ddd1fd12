"""A small capture of kind ``rows`` with invented logits, for tests of what reads captures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rdk_theory import _tensors
from rdk_theory.captures.header import write_header
from rdk_theory.runs import sha256


def write_capture(folder: Path, size: int, documents: int, per_document: int, seed: int) -> Path:
    """Write it; every second document is a test document. The drafter is the target, blurred.

    Its head is the identity: its states are its logits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    count = documents * per_document
    topics = rng.normal(size=(documents, size)).repeat(per_document, axis=0)
    target = (-np.log(np.arange(1, size + 1)) + topics + rng.normal(size=(count, size))).astype(np.float32)
    draft = (target + rng.normal(size=(count, size))).astype(np.float32)
    owners = np.arange(documents).repeat(per_document)
    tensors = {
        "target_logits": target,
        "draft_logits": draft,
        "hidden": draft,
        "token_ids": rng.integers(0, size, count),
        "document_ids": owners,
        "positions": np.tile(np.arange(8, 8 + per_document), documents),
        "split": (owners % 2).astype(np.int8),
    }
    shard = folder / "shard-00000.safetensors"
    _tensors.write(shard, tensors)
    _tensors.write(folder / "heads.safetensors", {"draft_head": np.eye(size, dtype=np.float32)})
    frequency = np.arange(size, 0, -1)
    _tensors.write(folder / "counts.safetensors", {"target": frequency, "draft": frequency})
    shards = [{"name": shard.name, "sha256": sha256(shard)}]
    header = {"kind": "rows", "target_size": size, "draft_size": size, "shards": shards}
    write_header(folder, header, complete=True)
    return folder
