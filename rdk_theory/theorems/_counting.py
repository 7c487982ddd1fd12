"""A rational that counts what is done to it, so that a cost formula can be held to the code that it describes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np


class Counting(Fraction):
    """A `Fraction` whose products and sums are counted in `tally`; quotients count as products."""

    __slots__ = ()
    tally: Counter[str] = Counter()


def _counted(name: str, kind: str) -> Callable[[Fraction, Any], Any]:
    plain = getattr(Fraction, name)

    def method(self: Fraction, other: Any) -> Any:
        result = plain(self, other)
        if result is NotImplemented:
            return result
        Counting.tally[kind] += 1
        return Counting(result)

    return method


for _name, _kind in (("add", "additions"), ("sub", "additions"), ("mul", "products"), ("truediv", "products")):
    for _method in (f"__{_name}__", f"__r{_name}__"):
        setattr(Counting, _method, _counted(_method, _kind))


def counting(values: Any) -> np.ndarray:
    """An array of rationals as one of counting rationals."""
    array = np.asarray(values, dtype=object)
    out = np.empty(array.shape, dtype=object)
    for index, value in np.ndenumerate(array):
        out[index] = Counting(value)
    return out


def count(work: Callable[[], object]) -> tuple[int, int]:
    """Products and sums that `work` does on counting rationals."""
    Counting.tally.clear()
    work()
    return Counting.tally["products"], Counting.tally["additions"]
