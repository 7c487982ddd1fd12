"""The ratio test of transformers' assisted generation, a row at a time."""

from __future__ import annotations

import inspect

import numpy as np
import torch

from gpu.audits.seeding import seeded
from rdk_theory.audit import Adapter


def verify(
    targets: np.ndarray, proposals: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The function that assisted generation calls after the target has read the drafted tokens."""
    from transformers.generation.utils import _speculative_sampling

    # Releases before 5 take one more argument, whether the drafter has finished.
    more = (False,) if "is_done_candidate" in inspect.signature(_speculative_sampling).parameters else ()
    rows, gamma = drafted.shape
    tokens, accepted = np.full((rows, gamma + 1), -1, dtype=np.int64), np.empty(rows, dtype=np.int64)
    with np.errstate(divide="ignore"):
        new, old = (torch.from_numpy(np.log(x)) for x in (targets, proposals))
    chains = torch.from_numpy(drafted)
    with seeded(rng):
        for row in range(rows):
            one = slice(row, row + 1)
            emitted, count = _speculative_sampling(chains[one], old[one], gamma, new[one], *more)
            accepted[row] = int(count)
            tokens[row, : emitted.shape[1]] = emitted[0].numpy()
    return tokens, accepted


ADAPTER = Adapter("transformers-ratio", "chain", verify, dtypes=("float32",), batch=1 << 12, smallest=0.05)
