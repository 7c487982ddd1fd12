"""Torch's global generator, set from the audit's and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """What is drawn inside comes from a seed that `rng` gives; outside, the global generators are as they were."""
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
        torch.manual_seed(int(rng.integers(2**63)))
        yield
