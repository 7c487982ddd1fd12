"""Instances whose numbers are unknown: what a claim's builder makes of them is every instance of that size."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from proofs_check.smt import _quotients
from proofs_check.smt._arrays import symbols
from proofs_check.smt._explore import Explorer
from proofs_check.smt._symbols import Symbol, guard
from rdk_theory.theorems._source import Source

T = TypeVar("T")


class FreeSource(Source):
    """Sizes are the largest asked for, up to a limit; structure is enumerated; numbers are free."""

    exact = True

    def __init__(self, size: int) -> None:
        self.largest = size
        self.chosen: Any = None
        """A weight that a builder has put into its instance, for the goal to use."""

    @abstractmethod
    def choose(self, count: int) -> int:
        """An integer in ``range(count)``."""

    @abstractmethod
    def real(self) -> Any:
        """A number of which nothing is known."""

    @abstractmethod
    def assume(self, condition: Any) -> None:
        """Leave out the instances in which the condition fails."""

    def lemma(self, condition: Any) -> None:
        """Nothing to prove for numbers that are known."""

    def size(self, low: int, high: int) -> int:
        """The largest size: entries of a law may be 0, so that it holds every smaller vocabulary."""
        return max(low, min(high, self.largest))

    def pick(self, options: Sequence[T]) -> T:
        """Each option is a case."""
        return options[self.choose(len(options))]

    def non_negative(self) -> Any:
        """A number of at least 0."""
        value = self.real()
        self.assume(value >= 0)
        return value

    def distribution(self, size: int) -> np.ndarray:
        """Any law."""
        entries = [self.non_negative() for _ in range(size - 1)]
        last = 1 - sum(entries, Fraction(0))
        if size > 1:
            self.assume(last >= 0)
        return self.row([*entries, last])

    def rational_distribution(self, size: int) -> np.ndarray:
        """Any law."""
        return self.distribution(size)

    def weight(self) -> Any:
        """Any number in [0, 1]."""
        value = self.non_negative()
        self.assume(value <= 1)
        return value

    def kept(self, size: int, least: int = 1, most: int | None = None) -> np.ndarray:
        """The last tokens in descending order, as many as a case says: other sets are permutations of these."""
        most = size if most is None else most
        return np.arange(size)[::-1][: least + self.choose(most - least + 1)].copy()

    @staticmethod
    def row(values: Sequence[Any]) -> np.ndarray:
        """Numbers as an array."""
        out = np.empty(len(values), dtype=object)
        out[:] = values
        row: np.ndarray = symbols(out)
        return row


class SymbolicSource(FreeSource):
    """Numbers are unknowns of an exploration."""

    def __init__(self, size: int, explorer: Explorer) -> None:
        super().__init__(size)
        self._explorer = explorer

    def choose(self, count: int) -> int:
        """Each is a case."""
        return self._explorer.choose(count)

    def real(self) -> Any:
        """An unknown."""
        return Symbol(_quotients.unknown(self._explorer.input()))

    def assume(self, condition: Any) -> None:
        """State it for the solvers."""
        if condition is not True:
            self._explorer.assume(guard(condition).text)

    def lemma(self, condition: Any) -> None:
        """Prove a condition and use it from here on."""
        self._explorer.lemma(guard(condition).text)


class PinnedSource(SymbolicSource):
    """Unknowns of an exploration that are said to equal the numbers of one instance."""

    def __init__(self, size: int, explorer: Explorer, choices: Sequence[int], values: Sequence[Fraction]) -> None:
        super().__init__(size, explorer)
        self._choices, self._values = list(choices), list(values)

    def choose(self, count: int) -> int:
        """As the instance chose."""
        return self._explorer.choose(count, self._choices.pop(0))

    def real(self) -> Any:
        """An unknown, and its value."""
        value = super().real()
        if self._values:  # what a goal asks for beyond the instance is free
            self.assume(value == self._values.pop(0))
        return value


class GridSource(FreeSource):
    """Rationals of a common small denominator, drawn; remembers what it drew."""

    def __init__(self, size: int, seed: int) -> None:
        super().__init__(size)
        self._draw = random.Random(seed)
        self._denominator = self._draw.randint(1, 2 * size + 2)
        self.choices: list[int] = []
        self.values: list[Fraction] = []

    def choose(self, count: int) -> int:
        """Any."""
        self.choices.append(self._draw.randrange(count))
        return self.choices[-1]

    def real(self) -> Any:
        """A number in [−1, 1]."""
        return self._took(self._draw.randint(-self._denominator, self._denominator))

    def non_negative(self) -> Any:
        """A number in [0, 1]."""
        return self._took(self._draw.randint(0, self._denominator))

    def distribution(self, size: int) -> np.ndarray:
        """A law: the gaps between points on a line."""
        points = sorted(self._draw.choices(range(self._denominator + 1), k=size - 1))
        edges = [0, *points, self._denominator]
        entries = [self._took(b - a) for a, b in pairwise(edges[:-1])]
        return self.row([*entries, 1 - sum(entries, Fraction(0))])

    def assume(self, condition: Any) -> None:
        """Refuse what leaves the instances."""
        if not bool(condition):
            raise ValueError("not an instance")

    def _took(self, numerator: int) -> Fraction:
        self.values.append(Fraction(numerator, self._denominator))
        return self.values[-1]


class ReplaySource(FreeSource):
    """Numbers are those of a model."""

    def __init__(self, size: int, choices: Sequence[int], values: Sequence[Fraction]) -> None:
        super().__init__(size)
        self._choices, self._values = list(choices), list(values)

    def choose(self, count: int) -> int:
        """As the path chose."""
        return self._choices.pop(0)

    def real(self) -> Any:
        """The next value."""
        return self._values.pop(0)

    def assume(self, condition: Any) -> None:
        """Refuse a model that leaves the instances."""
        if not bool(condition):
            raise ValueError("the model breaks an assumption of the instances")
