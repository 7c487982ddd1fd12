"""A pair on disk: two model folders, each with a note of what it was trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rdk_theory import _tensors
from rdk_theory.runs import write_json

FORMAT = "rdk-pair-1"
NOTE = "pair.json"
COUNTS = "token_counts.safetensors"


@dataclass(frozen=True)
class Note:
    """What the folder of a trained model says about its training.

    Attributes
    ----------
    kind
        ``"counts"`` or ``"neural"``.
    corpus, corpus_digest
        Name and SHA-256 of the text.
    train_share
        Share of its documents that training saw: the others are for calibration and testing.
    """

    kind: str
    corpus: str
    corpus_digest: str
    train_share: float

    def save(self, folder: Path, token_counts: np.ndarray) -> None:
        """Write the note, and how often each token occurs in the training documents."""
        write_json(folder / NOTE, {"format": FORMAT, **asdict(self)})
        _tensors.write(folder / COUNTS, {"counts": token_counts.astype(np.int64)})


def read_note(folder: Path) -> Note | None:
    """The note in a folder; `None` for a model that was not trained here.

    Raises
    ------
    ValueError
        Naming the file, if it is damaged.
    """
    path = folder / NOTE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        form = content.pop("format")
        note = Note(**content)
        known = form == FORMAT and note.kind in ("counts", "neural") and 0 <= note.train_share < 1
    except (ValueError, TypeError, KeyError, AttributeError):
        known = False
    if not known:
        raise ValueError(f"{path} is not the note of a trained pair")
    return note


def read_token_counts(folder: Path) -> np.ndarray | None:
    """Token counts of the training documents, if the folder has them; shape ``(N,)``."""
    path = folder / COUNTS
    return _tensors.TensorFile(path).integers("counts", (None,)) if path.is_file() else None
