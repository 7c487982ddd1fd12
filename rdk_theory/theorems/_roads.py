"""Second roads: the same numbers by plain enumeration, importing nothing that the closed forms use.

Everything here runs on Python numbers, so that rationals stay exact and a reader can check it by eye.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np

Row: TypeAlias = Sequence[Any] | np.ndarray
"""Numbers in a row: a list, or an array of one axis."""


PRECISE = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
"""Options of `linprog`: by default rows may be off by 1e-7, as much as a small probability."""


def overlap(p: Row, r: Row) -> Any:
    """``Σ min(p, r)`` by a loop."""
    return sum(min(a, b) for a, b in zip(p, r, strict=True))


def positive_part(p: Row, r: Row) -> list[Any]:
    """``(p − r)_+``, entry by entry."""
    return [max(a - b, a - a) for a, b in zip(p, r, strict=True)]


def acceptance_by_trial(p: Row, r: Row) -> Any:
    """``Σ_x r_x · P[u < p_x / r_x]``: the accept step played out for every drafted token."""
    return sum(rx * min(1, px / rx) for px, rx in zip(p, r, strict=True) if rx > 0)


def emitted_by_trial(p: Row, r: Row) -> list[Any]:
    """Law of the emitted token: the accepted part of every drafted token, and the rejected mass over the residual."""
    accepted = [rx * min(1, px / rx) if rx > 0 else 0 * px for px, rx in zip(p, r, strict=True)]
    rejected = 1 - sum(accepted)
    weights = positive_part(p, r)
    total = sum(weights)
    if total <= 0:
        return accepted
    return [a + rejected * w / total for a, w in zip(accepted, weights, strict=True)]


def subsets(size: int) -> Iterator[tuple[bool, ...]]:
    """Every subset of ``range(size)`` as flags."""
    return product((False, True), repeat=size)


def cheapest_cut(p: Row, r: Row) -> Any:
    """``min_H [p(H) + r(T∖H)]`` over all subsets: the dual of the largest coupling."""
    return min(sum(a if inside else b for a, b, inside in zip(p, r, flags, strict=True)) for flags in subsets(len(p)))


def times(draft: Row, matrix: np.ndarray) -> list[Any]:
    """``q' M`` by loops."""
    columns = range(matrix.shape[1])
    return [sum(draft[i] * matrix[i, j] for i in range(len(draft))) for j in columns]


def embedded(draft: Row, kept: Row, size: int) -> list[Any]:
    """A row over kept tokens as a row over the target vocabulary, by a loop."""
    out = [draft[0] * 0] * size
    for value, token in zip(draft, kept, strict=True):
        out[token] = value
    return out
