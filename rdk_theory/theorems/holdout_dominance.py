"""``holdout-dominance``: a lower bound on the gain of a fitted kernel from fresh documents, each counted as one."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.statistics import holdout_bound
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source

DELTA = 0.1
"""Level of the simulated bounds: failures must be common enough to be counted."""

REPEATS = 200
"""Simulated samples for one instance."""

FALSE_FAIL = 1e-9
"""Probability with which an instance of the simulation rejects a bound that fails with probability `DELTA` exactly."""


def _sample(source: Source) -> Instance:
    """Gains of contexts in documents of several lengths, in any order."""
    count = source.size(2, 8)
    lengths = [source.size(1, 5) for _ in range(count)]
    documents = np.repeat(source.kept(50, count, count), lengths)
    gains = np.array([2 * source.weight() - 1 for _ in documents])
    order = source.kept(len(documents), len(documents))
    return {"gains": gains[order], "documents": documents[order], "delta": source.pick((0.01, 0.1, 0.5))}


def _two_kinds(source: Source) -> Instance:
    """Documents of two kinds; all contexts of a kind gain the same."""
    return {
        "gains": 2 * np.array([source.weight(), source.weight()]) - 1,
        "share": source.weight(),
        "count": source.size(2, 40),
        "length": source.pick((1, 10, 100)),
        "delta": source.pick((0.05, 0.1, 0.3)),
    }


def _population(source: Source) -> Instance:
    """Three kinds of document, each with its own contexts, and the gain of one kernel in every context."""
    size = source.size(2, 5)
    kept = source.kept(size, 1, size - 1)
    matrix = np.stack([source.distribution(size) for _ in kept])
    gains = np.array([[_gain(source, kept, matrix) for _ in range(3)] for _ in range(3)])
    return {"gains": gains, "weights": source.distribution(3), "seed": source.size(0, 1 << 30)}


def _gain(source: Source, kept: np.ndarray, matrix: np.ndarray) -> Any:
    p, draft = source.distribution(matrix.shape[1]), source.distribution(len(kept))
    stay = _roads.embedded(draft, kept, len(p))
    return _roads.overlap(p, _roads.times(draft, matrix)) - _roads.overlap(p, stay)


def _formula(gains: np.ndarray, documents: np.ndarray, delta: float, tail: float = 2.0) -> float:
    """Maurer and Pontil's bound on the documents' means, sums in rationals."""
    groups: dict[int, list[Fraction]] = {}
    for gain, document in zip(gains.tolist(), documents.tolist(), strict=True):
        groups.setdefault(document, []).append(Fraction(gain))
    means = [sum(x, Fraction(0)) / len(x) for x in groups.values()]
    count = len(means)
    mean = sum(means, Fraction(0)) / count
    variance = sum((x - mean) ** 2 for x in means) / (count - 1)
    log = math.log(tail / delta)
    slack = math.sqrt(2 * float(variance) * log / count) + 14 * log / (3 * (count - 1))
    return max(-1.0, float(mean) - slack)


def _bound(gains: np.ndarray, documents: np.ndarray, delta: float) -> float:
    return holdout_bound(gains, documents, delta).lower


def _failure(gains: np.ndarray, share: float, count: int, length: int, delta: float, unit: str = "document") -> float:
    """Probability that the bound exceeds the mean: summed over how many documents are of the first kind."""
    mean = share * gains[0] + (1 - share) * gains[1]
    total = 0.0
    for first in range(count + 1):
        chance = math.comb(count, first) * share**first * (1 - share) ** (count - first)
        values = np.repeat(np.repeat(gains, (first, count - first)), length)
        if chance > 0 and _lower(values, count, length, delta, unit) > mean + 1e-12:
            total += chance
    return total


def _lower(values: np.ndarray, count: int, length: int, delta: float, unit: str) -> float:
    if unit == "mean":
        return float(values.mean())
    documents = np.repeat(np.arange(count), length) if unit == "document" else np.arange(values.size)
    return _bound(values, documents, delta)


def _simulated_failures(gains: np.ndarray, weights: np.ndarray, seed: int, unit: str = "document") -> int:
    """How often the bound exceeds the mean, in samples of 12 documents that each hold their contexts 50 times."""
    rng = np.random.default_rng(seed)
    count, length = 12, 50 * gains.shape[1]
    mean = float(weights @ gains.mean(axis=1))
    drawn = rng.choice(len(weights), size=(REPEATS, count), p=weights)
    samples = np.tile(gains, 50)[drawn].reshape(REPEATS, -1)
    return sum(_lower(x, count, length, DELTA, unit) > mean + 1e-12 for x in samples)


def _allowed() -> int:
    """Most failures that a bound of level `DELTA` may show, but for a probability of `FALSE_FAIL`."""
    tail, failures = 0.0, REPEATS + 1
    while tail <= FALSE_FAIL:
        failures -= 1
        tail += math.comb(REPEATS, failures) * DELTA**failures * (1 - DELTA) ** (REPEATS - failures)
    return failures


ALLOWED = _allowed()


CLAIM = Claim(
    id="holdout-dominance",
    title="Dominance on average, from fresh documents",
    section="C",
    statement=(
        r"P\Big[\bar d - \sqrt{2 V \ln(2/\delta)/n} - \tfrac{14 \ln(2/\delta)}{3(n-1)}"
        r" \le \mathrm E\, \bar d\,\Big] \ge 1 - \delta \text{ with } \bar d \text{ and } V"
        r"\text{ the mean and variance of the mean gains of } n \text{ independent documents}"
    ),
    source="the inequality: Maurer and Pontil 0907.3740, theorem 4, on the range [-1, 1]",
    clauses=(
        Clause(
            name="formula",
            kind=Kind.IDENTITY,
            statement=r"\text{the package's bound is } \bar d - \sqrt{2 V \ln(2/\delta)/n} - 14 \ln(2/\delta)/(3(n-1))",
            build=_sample,
            stated=_formula,
            measured=_bound,
            controls=(
                Control("one tail", stated=lambda **x: _formula(**x, tail=1.0)),
                Control(
                    "contexts as units", stated=lambda **x: _formula(**{**x, "documents": np.arange(x["gains"].size)})
                ),
            ),
            exact=False,
        ),
        Clause(
            name="coverage",
            kind=Kind.UPPER,
            statement=r"P[\text{bound} > \mathrm E\, \bar d] \le \delta, \text{ by the whole law of the sample}",
            build=_two_kinds,
            stated=lambda gains, share, count, length, delta: delta,
            measured=_failure,
            controls=(
                Control("contexts as units", measured=lambda **x: _failure(**x, unit="context")),
                Control("the mean as a bound", measured=lambda **x: _failure(**x, unit="mean")),
            ),
            exact=False,
            samples=60,
        ),
        Clause(
            name="coverage of a kernel's gain",
            kind=Kind.UPPER,
            statement=(
                r"\text{failures in 200 samples of 12 documents at } \delta = 0.1 \text{ stay below the count that a"
                r" bound failing with probability } \delta \text{ exceeds one time in } 10^9"
            ),
            build=_population,
            stated=lambda gains, weights, seed: ALLOWED,
            measured=_simulated_failures,
            controls=(Control("contexts as units", measured=lambda **x: _simulated_failures(**x, unit="context")),),
            exact=False,
            samples=10,
        ),
    ),
    remarks=(
        "The unit is the document: contexts of one document may depend on each other in any way, and counting them as "
        "independent breaks the level, which the controls show.",
        "The simulation rejects a correct bound once in a thousand million instances; it passes one that fails with "
        "probability 0.4 with probability below 1e-5. The clause before it has no such error: it sums the whole law.",
    ),
)
