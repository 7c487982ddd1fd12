"""Where instances come from: one builder, several sources of choices.

A claim describes its instances once, as a function of a `Source`. Random choices give floats (rung R0);
exhausting a small grid gives every rational instance of that grid (rung R1); the test suite adds a source
that lets Hypothesis choose and shrink.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any, TypeVar

import numpy as np

from rdk_theory._array import to_fractions

T = TypeVar("T")


class Source(ABC):
    """Choices from which an instance is built."""

    exact: bool
    """Whether numbers are rationals."""

    @abstractmethod
    def size(self, low: int, high: int) -> int:
        """An integer in ``[low, high]``; an exhaustive source may lower `high` to keep its grid small."""

    @abstractmethod
    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""

    @abstractmethod
    def distribution(self, size: int) -> np.ndarray:
        """A probability vector; entries may be 0."""

    @abstractmethod
    def weight(self) -> Any:
        """A number in [0, 1], both ends included."""

    @abstractmethod
    def kept(self, size: int, least: int = 1, most: int | None = None) -> np.ndarray:
        """Distinct ids in ``range(size)``, in any order; between `least` and `most` of them."""

    def distributions(self, rows: int, size: int) -> np.ndarray:
        """Independent probability vectors: shape ``(rows, size)``. Also a row-stochastic kernel."""
        return np.stack([self.distribution(size) for _ in range(rows)])

    def distribution_on(self, ids: np.ndarray, size: int) -> np.ndarray:
        """A probability vector of length `size` that lives on `ids`."""
        out = self.array([0] * size)
        out[ids] = self.distribution(len(ids))
        return out

    def rational_distribution(self, size: int) -> np.ndarray:
        """A probability vector of rationals, whatever the arithmetic of the source.

        For clauses on truth values ("equality iff …"), which rounding would flip.
        """
        values = to_fractions(self.distribution(size))
        return np.asarray(values / values.sum())

    def parts(self, size: int, denominator: int) -> np.ndarray:
        """A probability vector of rationals with this denominator, from any source.

        For roads whose cost grows with the denominators.
        """
        numerators = self.pick(_compositions(denominator, size))
        return np.array([Fraction(n, denominator) for n in numerators], dtype=object)

    def open_weight(self) -> Any:
        """A number in (0, 1)."""
        return (self.weight() + 1) / 3

    def number(self, value: Any) -> Any:
        """A constant in the arithmetic of the source."""
        return Fraction(value) if self.exact else float(value)

    def array(self, values: Sequence[Any]) -> np.ndarray:
        """Constants in the arithmetic of the source."""
        return np.array([self.number(v) for v in values], dtype=object if self.exact else np.float64)


class RandomSource(Source):
    """Floats from a generator, with the awkward cases made common: zeros, ties, point masses."""

    exact = False

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def size(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.rng.integers(len(options)))]

    def distribution(self, size: int) -> np.ndarray:
        style = self.rng.integers(5)
        if style == 0:  # sixteenths: ties and zeros, exact in binary
            return self.rng.multinomial(16, np.full(size, 1 / size)) / 16
        if style == 1:
            return np.eye(size)[self.rng.integers(size)]
        concentration = (0.1, 0.5, 3.0)[style - 2]
        weights = self.rng.gamma(concentration, size=size) + 1e-12
        if style == 2 and size > 1:
            weights[self.rng.integers(size)] = 0.0
        return np.asarray(weights / weights.sum())

    def weight(self) -> float:
        return float(self.rng.choice([0.0, 1.0, 0.5, self.rng.random(), self.rng.random()]))

    def kept(self, size: int, least: int = 1, most: int | None = None) -> np.ndarray:
        most = size if most is None else most
        return self.rng.permutation(size)[: self.rng.integers(least, most + 1)]


class GridSource(Source):
    """Rationals whose denominator is fixed, one choice sequence at a time; `exhaust` runs through all."""

    exact = True

    def __init__(self, choices: list[int], max_size: int, denominator: int) -> None:
        self._choices = choices
        self._made: list[tuple[int, int]] = []
        self._max_size = max_size
        self._denominator = denominator

    def _choose(self, count: int) -> int:
        at = len(self._made)
        choice = self._choices[at] if at < len(self._choices) else 0
        self._made.append((choice, count))
        return choice

    def next_choices(self) -> list[int] | None:
        """The choice sequence that follows the one just used, or None after the last."""
        made = list(self._made)
        while made:
            choice, count = made.pop()
            if choice + 1 < count:
                return [c for c, _ in made] + [choice + 1]
        return None

    def size(self, low: int, high: int) -> int:
        high = max(low, min(high, self._max_size))
        return low + self._choose(high - low + 1)

    def pick(self, options: Sequence[T]) -> T:
        return options[self._choose(len(options))]

    def distribution(self, size: int) -> np.ndarray:
        parts = _compositions(self._denominator, size)
        return self.array([Fraction(n, self._denominator) for n in parts[self._choose(len(parts))]])

    def weight(self) -> Fraction:
        return Fraction(self._choose(self._denominator + 1), self._denominator)

    def kept(self, size: int, least: int = 1, most: int | None = None) -> np.ndarray:
        most = size if most is None else most
        sets = [c[::-1] for k in range(least, most + 1) for c in combinations(range(size), k)]
        return np.asarray(sets[self._choose(len(sets))])


@cache
def _compositions(total: int, parts: int) -> list[tuple[int, ...]]:
    """Every way to write `total` as an ordered sum of `parts` non-negative integers."""
    if parts == 1:
        return [(total,)]
    return [(first, *rest) for first in range(total + 1) for rest in _compositions(total - first, parts - 1)]


def exhaust(build: Callable[[Source], T], max_size: int, denominator: int, limit: int = 50_000) -> Iterator[T]:
    """Every instance on the grid; `RuntimeError` if there are more than `limit`, for a part would not be all."""
    choices: list[int] | None = []
    count = 0
    while choices is not None:
        if count == limit:
            raise RuntimeError(f"the grid (size {max_size}, denominator {denominator}) has more than {limit} instances")
        source = GridSource(choices, max_size, denominator)
        yield build(source)
        choices = source.next_choices()
        count += 1
