"""Rational instances: all of a grid, and random ones beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source, exhaust

T = TypeVar("T")

DENOMINATORS = (2, 6, 10, 60)
SEED = 20


class RandomRationals(Source):
    """Random rationals of small denominators, with the awkward cases made common: zeros, ties, point masses."""

    exact = False  # of full size, as random instances are

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def size(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.rng.integers(len(options)))]

    def distribution(self, size: int) -> np.ndarray:
        total = self.pick(DENOMINATORS)
        shares = self.rng.dirichlet(np.full(size, self.pick((0.2, 1.0, 5.0))))
        return np.array([Fraction(n, total) for n in self.rng.multinomial(total, shares).tolist()], dtype=object)

    def weight(self) -> Any:
        return Fraction(self.size(0, 12), 12)

    def kept(self, size: int, least: int = 1, most: int | None = None) -> np.ndarray:
        return self.rng.permutation(size)[: self.size(least, size if most is None else most)]

    def number(self, value: Any) -> Any:
        return Fraction(value)

    def array(self, values: Sequence[Any]) -> np.ndarray:
        return np.array([self.number(v) for v in values], dtype=object)


@dataclass(frozen=True)
class Grid:
    """Every instance whose probabilities are multiples of one over a denominator."""

    what: str
    """What they are, in the plural."""
    build: Callable[[Source], Instance]
    size: int
    denominators: tuple[int, ...]

    def __iter__(self) -> Iterator[Instance]:
        seen = set()
        for denominator in self.denominators:
            for instance in exhaust(self.build, self.size, denominator):
                if (key := _key(list(instance.values()))) not in seen:
                    seen.add(key)
                    yield instance

    @property
    def text(self) -> str:
        *most, last = (f"1/{d}" for d in self.denominators)
        return f"{self.what} in multiples of {', '.join(most)}{' or ' if most else ''}{last}"


@dataclass(frozen=True)
class Sample:
    """All instances of some grids, and a number of random ones."""

    grids: tuple[Grid, ...]
    build: Callable[[Source], Instance] | None = None
    random: int = 0
    beyond: str = ""
    """What the random ones are."""

    def __iter__(self) -> Iterator[tuple[str, Instance]]:
        """Instances, each with what it is one of."""
        for grid in self.grids:
            yield from ((f"all {{}} {grid.text}", instance) for instance in grid)
        rng = np.random.default_rng(SEED)
        if self.build is not None:
            for _ in range(self.random):
                yield f"{{}} random {self.beyond}", self.build(RandomRationals(rng))


def _key(value: Any) -> Any:
    """An instance as something that can be a key."""
    if isinstance(value, np.ndarray):
        return value.shape, tuple(value.ravel())
    return tuple(map(_key, value)) if isinstance(value, list) else value


def laws(source: Source) -> Instance:
    """A target and a proposal of up to 8 tokens."""
    size = source.size(1, 8)
    return {"p": source.distribution(size), "r": source.distribution(size)}


def contexts(source: Source) -> Instance:
    """Targets, drafts and proposals in up to 4 contexts of up to 8 tokens; in one on a grid."""
    return _contexts(source, source.size(2, 8), 1 if source.exact else source.size(1, 4))


def two_contexts(source: Source) -> Instance:
    """Of two tokens."""
    return _contexts(source, 2, 2)


def _contexts(source: Source, size: int, count: int) -> Instance:
    return {name: source.distributions(count, size) for name in ("p", "q", "r")}


def grids_of_contexts(
    build: Callable[[Source, Instance], Instance] = lambda source, instance: instance, added: str = ""
) -> Sample:
    """Contexts of both kinds, with what `build` adds to each; `added` names it."""
    one, two = (lambda source: build(source, contexts(source))), (lambda source: build(source, two_contexts(source)))
    grids = (
        Grid(f"single contexts with N ≤ 3{added}", one, 3, (2, 3)),
        Grid(f"pairs of contexts with N = 2{added}", two, 2, (2,)),
    )
    return Sample(grids, one, 200, "with N ≤ 8 and up to 4 contexts")
