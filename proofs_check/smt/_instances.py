"""Instances that are larger than the registry's builders make, or written in unknowns that leave less to multiply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from proofs_check.smt._source import FreeSource
from rdk_theory.theorems._claim import Instance


def laws(*names: str) -> Callable[[FreeSource], Instance]:
    """Independent laws on as many tokens as the case says, whatever limit the registry's builder has."""
    return lambda source: {name: source.distribution(source.largest) for name in names}


def flow(source: FreeSource, draft: np.ndarray, size: int) -> np.ndarray:
    """A kernel given by its flow ``m_ij = q'_i M_ij``, so that ``q' M`` is linear in the unknowns.

    Rows of draft mass 0 are laws of their own: no flow tells them.
    """
    rows = []
    for mass in draft:
        if mass == 0:
            rows.append(source.distribution(size))
            continue
        amounts = [source.non_negative() for _ in range(size - 1)]
        last: Any = mass - sum(amounts)
        source.assume(last >= 0)
        rows.append(source.row([m / mass for m in (*amounts, last)]))
    return np.stack(rows)
