"""A gambler against a mean: the capital of bets on documents' gains, played out over every sequence of documents."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._roads import Row
from rdk_theory.theorems._source import Source

PLANS = ((1, 1, 1), (Fraction(1, 2), 1, 0), (0, Fraction(1, 2), 1), (1, 0, 1))
"""Shares of the capital that are bet: at first, after a gain above `low`, after one of `low`."""


def fair_game(source: Source) -> Instance:
    """Documents of two or three kinds, bets that depend on the last gain, and the true mean."""
    kinds = source.size(2, 3)
    law = (source.distribution(kinds) + source.number(Fraction(1, kinds))) / 2
    low = -source.number(source.pick((1, Fraction(1, 2))))
    gains = np.array([low + source.open_weight(), *(low + source.weight() for _ in range(kinds - 1))])
    return {
        "law": law,
        "gains": gains,
        "low": low,
        "mean": dot(law, gains),
        "plan": tuple(source.number(share) for share in source.pick(PLANS)),
        "draws": source.size(1, 3),
        "ahead": False,
    }


def game(source: Source) -> Instance:
    """As `fair_game`, at the true mean or a larger one."""
    fair = fair_game(source)
    mean = fair["mean"] + source.pick((0, source.number(Fraction(1, 4))))
    delta = source.number(source.pick((Fraction(1, 4), Fraction(1, 2))))
    return {**fair, "mean": mean, "delta": delta, "seen": 1}


def dot(law: Row, values: Row) -> Any:
    """Mean of the values under the law."""
    return sum(a * b for a, b in zip(law, values, strict=True))


def capitals(draws: Row, low: Any, mean: Any, plan: Row, ahead: bool) -> list[Any]:
    """The capital after each draw; against a mean of `low` or less nothing is bet."""
    capital, out, state = low * 0 + 1, [], 0
    for gain in draws:
        after = 1 if gain > low else 2
        share = plan[after if ahead else state]
        if mean > low:
            capital = capital * (1 + share * (gain - mean) / (mean - low))
        state = after
        out.append(capital)
    return out


def mean_capital(law: Row, gains: Row, low: Any, mean: Any, plan: Row, draws: int, ahead: bool) -> Any:
    """Summed over every sequence of documents."""
    kinds = range(len(law))
    return sum(
        math.prod(law[k] for k in each) * capitals([gains[k] for k in each], low, mean, plan, ahead)[-1]
        for each in product(kinds, repeat=draws)
    )


def reaching(
    law: Row, gains: Row, low: Any, mean: Any, plan: Row, draws: int, delta: Any, seen: int, ahead: bool
) -> Any:
    """Probability that the capital is at least ``1/delta`` at some time; each document is seen `seen` times."""
    total = law[0] * 0
    for each in product(range(len(law)), repeat=draws):
        highest = max(capitals([gains[k] for k in each for _ in range(seen)], low, mean, plan, ahead))
        # In floats a capital that is 1/delta but for rounding is left out, so that rounding refutes nothing.
        if highest * delta >= 1 + (0 if isinstance(delta, Fraction) else 1e-12):
            total += math.prod(law[k] for k in each)
    return total


def one_draw(law: tuple[Any, ...], gains: tuple[Any, ...], **changed: Any) -> Instance:
    """One document, half of the time enough to double the capital, and all of it bet; changed in one place."""
    half = Fraction(1, 2)
    return {"law": np.array(law, dtype=object), "gains": np.array(gains, dtype=object), "low": Fraction(-1),
            "mean": Fraction(0), "plan": (half * 2,) * 3, "draws": 1, "delta": half, "seen": 1, "ahead": False,
            **changed}  # fmt: skip


HALVES, SIGNS = (Fraction(1, 2), Fraction(1, 2)), (Fraction(-1), Fraction(1))
QUARTERS = (Fraction(1, 4), Fraction(3, 4))


def constant(source: Source) -> Instance:
    """A first capital split over two constant shares, against any mean above `low`."""
    low = -source.number(1)
    return {
        "law": source.distribution(2),
        "gains": np.array([low + source.weight() for _ in range(2)]),
        "low": low,
        "mean": low + source.open_weight(),
        "shares": source.array([1, source.pick((0, Fraction(1, 2)))]),
        "weights": source.distribution(2),
        "draws": source.size(1, 3),
    }


def power(
    law: np.ndarray, gains: np.ndarray, low: Any, mean: Any, shares: np.ndarray, weights: np.ndarray, draws: int
) -> Any:
    """The mean of a product of independent factors is the product of their means."""
    growth = 1 - shares + shares * (dot(law, gains) - low) / (mean - low)
    return dot(weights, growth**draws)


def split(
    law: np.ndarray, gains: np.ndarray, low: Any, mean: Any, shares: np.ndarray, weights: np.ndarray, draws: int,
    normal: bool = True,
) -> Any:  # fmt: skip
    """Each part of the first capital played out over every sequence of documents."""
    return sum(
        (weight if normal else 1) * mean_capital(law, gains, low, mean, (share,) * 3, draws, False)
        for share, weight in zip(shares, weights, strict=True)
    )
