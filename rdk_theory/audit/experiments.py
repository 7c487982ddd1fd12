"""What is drawn, and which laws the draws must follow: the experiments of an audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Draws = dict[str, np.ndarray]
"""Cells by test name: for each sample the cell it fell into, −1 where the test does not apply."""


class Suspect(NamedTuple):
    """A known mistake and the law that it would give."""

    about: str
    law: np.ndarray


@dataclass(frozen=True)
class Law:
    """One law that outcomes must follow."""

    name: str
    law: np.ndarray
    """Probability of each cell."""
    cells: Callable[[int], str]
    """What a cell is, in words."""
    decides: bool = True
    """Whether a departure means that the emitted law is wrong; else it says how a correct sampler works."""
    suspects: tuple[Suspect, ...] = ()
    """Known mistakes, to be named if the samples fit."""


@dataclass(frozen=True)
class Experiment:
    """Draws that several laws are tested on."""

    name: str
    laws: tuple[Law, ...]
    draw: Callable[[int, np.random.Generator], Draws]
    """So many rows at most, with the randomness of this call."""
    smallest: float | None = None
    """Least total variation looked for, where it is not the audit's."""


class BrokenContract(ValueError):
    """The adapter returned what its kind does not allow: a wrong shape, or ids outside the vocabulary."""


def integers(name: str, value: Any, shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
    """What an adapter returned, as int64 of this shape within ``low`` to ``high − 1``."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise BrokenContract(f"{name} must be integers, not {array.dtype}")
    if array.shape != shape:
        raise BrokenContract(f"{name} has shape {array.shape}, expected {shape}")
    bad = np.argwhere((array < low) | (array >= high))
    if bad.size:
        at = tuple(int(i) for i in bad[0])
        raise BrokenContract(f"{name} of shape {shape} is outside {low}..{high - 1} at index {at}: {array[at]}")
    return array.astype(np.int64)


def draw_rows(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One token of each row, by inverse CDF in float64; rows are exact sixteenths or powers of two."""
    cumulative = np.cumsum(rows, axis=-1)
    u = rng.random(rows.shape[:-1])
    return np.asarray((cumulative <= u[..., None]).sum(axis=-1))


def label(cell: int) -> str:
    """A token."""
    return f"token {cell}"


def labels(size: int, length: int) -> Callable[[int], str]:
    """Tokens one after the other, as a cell of their joint law."""

    def name(cell: int) -> str:
        return "tokens " + ", ".join(str(int(i)) for i in np.unravel_index(cell, (size,) * length))

    return name
