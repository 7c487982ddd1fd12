"""Kept sets of a capture: by training count, moments of the target's probability, acceptance, or from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from rdk_theory.captures import Capture
from rdk_theory.fitting.kept_by_acceptance import highest_acceptance
from rdk_theory.fitting.kept_sets import highest, kept_size, mean_probability, read_ids, variance
from rdk_theory.measure.command import SELECTIONS
from rdk_theory.vocabulary import Vocabulary

__all__ = ["SELECTIONS", "kept_set"]


def kept_set(
    capture: Capture,
    selection: str,
    fraction: float,
    targets: Callable[[], np.ndarray],
    file: Path | None = None,
    contexts: Callable[[], tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None,
) -> Vocabulary:
    """The vocabulary with a share of the target's tokens kept.

    Parameters
    ----------
    capture
        Whose vocabulary is pruned; a token that its drafter lacks is never kept.
    selection
        One of `SELECTIONS`, or ``"file"``.
    fraction
        Share of the target's vocabulary, in (0, 1]; not read for a file.
    targets
        Gives target rows of calibration contexts; called only where the selection needs them.
    file
        Ids, for ``"file"``.
    contexts
        Gives target rows, full draft rows and documents of calibration contexts, for ``"acceptance"``.
    """
    shared = capture.vocabulary
    size = capture.vocab_sizes[0]
    if selection == "file":
        if file is None:
            raise ValueError("selection 'file' needs a file of token ids")
        kept = read_ids(file, size)
        foreign = np.flatnonzero(shared.position[kept] < 0)
        if foreign.size:
            raise ValueError(f"{file}: token {kept[foreign[0]]} at index ({foreign[0]},) is not shared by the drafter")
    else:
        if selection not in SELECTIONS:
            raise ValueError(f"selection must be one of {', '.join(SELECTIONS)}, not {selection!r}")
        count = min(kept_size(fraction, size), shared.kept_size)
        if selection == "acceptance":
            if contexts is None:
                raise ValueError("selection 'acceptance' needs the rows and documents of calibration contexts")
            rows, drafts, documents = contexts()
            kept = highest_acceptance(rows, drafts, shared, count, documents, [capture.train_counts])
        else:
            scores = {
                "count": lambda: capture.train_counts,
                "mean": lambda: mean_probability(targets()),
                "variance": lambda: variance(targets()),
            }
            kept = highest(scores[selection](), count, candidates=shared.kept)
    return Vocabulary(size, kept, draft_size=shared.draft_size, draft_ids=shared.target_to_draft[kept])
