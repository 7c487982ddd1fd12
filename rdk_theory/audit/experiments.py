"""What is drawn, and which laws the draws must follow: the experiments of an audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")

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


def guarded(call: Callable[[], T]) -> T:
    """What a call into the code of others gives; whatever it raises is a broken contract, and the audit goes on."""
    try:
        return call()
    except BrokenContract:
        raise
    except Exception as error:  # code of others may raise anything
        raise BrokenContract(f"it raised {type(error).__name__}: {error}") from error


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


def pair_of_rows(first: np.ndarray, batch: int) -> tuple[Law, ...]:
    """Two rows of one call are independent; nothing to test where a call has one."""
    law = Law("two rows of one call", np.outer(first, first).ravel(), labels(first.size, 2))
    return (law,) if batch > 1 else ()


def paired(tokens: np.ndarray, size: int) -> np.ndarray:
    """The cells of `pair_of_rows`: rows 0 and 1, 2 and 3, …"""
    even = len(tokens) - len(tokens) % 2
    return np.asarray(tokens[:even:2] * size + tokens[1:even:2])


def label(cell: int) -> str:
    """A token."""
    return f"token {cell}"


def labels(size: int, length: int) -> Callable[[int], str]:
    """Tokens one after the other, as a cell of their joint law."""

    def name(cell: int) -> str:
        return "tokens " + ", ".join(str(int(i)) for i in np.unravel_index(cell, (size,) * length))

    return name
