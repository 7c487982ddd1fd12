"""What fits: full rows or hidden states, and how many contexts a shard may hold."""

from __future__ import annotations

from dataclasses import dataclass

BASE = 1.0e9
"""Bytes that Python, torch and transformers take before any model is loaded, with room for activations."""
SHARD = 128e6
"""Bytes of a shard at the most: what an interruption can lose."""
WIDE = 65_536
"""Rows of so many tokens are rebuilt from hidden states where these take less room, even if the rows would fit."""
STORES = ("auto", "rows", "heads")
_ITEM = {"float16": 2, "bfloat16": 2, "float32": 4}


@dataclass(frozen=True)
class Plan:
    """How a pair of models is captured.

    Attributes
    ----------
    kind
        ``"rows"`` or ``"heads"``.
    shard_rows
        A shard is closed at the first document that brings it to so many contexts.
    """

    kind: str
    shard_rows: int


def make_plan(
    *,
    contexts: int,
    sizes: tuple[int, int],
    widths: tuple[int, int],
    dtype: str,
    model_bytes: int,
    per_document: int,
    max_memory: float,
    max_disk: float,
    store: str = "auto",
) -> Plan:
    """Choose full rows if they fit on the disk that is allowed, else hidden states; for `WIDE` rows, what is smaller.

    Parameters
    ----------
    contexts
        How many are wanted.
    sizes, widths
        Lengths of the rows, and of the hidden states, of target and drafter.
    model_bytes
        What both models take in memory.
    per_document
        Contexts that are computed together.
    max_memory, max_disk
        Bytes.
    store
        ``"rows"`` or ``"heads"`` to have no choice.

    Raises
    ------
    ValueError
        If even hidden states do not fit on the disk, or the models and one document not in memory.
    """
    if dtype not in _ITEM:
        raise ValueError(f"dtype must be one of {sorted(_ITEM)}, not {dtype!r}")
    row = {"rows": sum(sizes) * _ITEM[dtype] + 4 * widths[1], "heads": 4 * sum(widths)}
    heads = {"rows": 4 * sizes[1] * widths[1], "heads": 4 * (sizes[0] * widths[0] + sizes[1] * widths[1])}
    need = {kind: contexts * row[kind] + heads[kind] for kind in ("rows", "heads")}
    if store == "auto":
        smaller = min(need, key=lambda kind: need[kind])
        kind = "rows" if need["rows"] <= max_disk and (max(sizes) < WIDE or smaller == "rows") else "heads"
    else:
        kind = store
    if need[kind] > max_disk:
        what = {"rows": "full rows take", "heads": "hidden states and heads take"}[kind]
        raise ValueError(f"max-disk of {max_disk / 1e9:.3g} GB is too little: {what} {need[kind] / 1e9:.3g} GB")
    # One document's logits of both models in float32, their copies on the way to numpy and to the stored width.
    transient = 3 * 4 * per_document * sum(sizes)
    fixed = BASE + model_bytes + heads[kind] + transient
    free = max_memory - fixed - per_document * row[kind]
    if free < row[kind]:
        raise ValueError(
            f"max-memory of {max_memory / 1e9:.3g} GB is too little: models of {model_bytes / 1e9:.3g} GB need "
            f"{(max_memory - free + row[kind]) / 1e9:.3g} GB with one document"
        )
    return Plan(kind, int(min(free, SHARD) // row[kind]) or 1)
