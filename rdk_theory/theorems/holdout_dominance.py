"""``holdout-dominance``: a lower bound on the gain of a fitted kernel from fresh documents, each counted as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from rdk_theory.statistics import holdout_bound
from rdk_theory.theorems import _betting, _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._source import Source

RESOLUTION = Fraction(1, 1 << 30)
"""The bound of the package is less than this below the exact one."""

# The bound of the package


def _sample(source: Source) -> Instance:
    """Documents of several lengths, in any order, several times over."""
    count, turn, times = source.size(2, 12), source.size(0, 2), source.pick((1, 6))
    lengths = [(1, 2, 4)[(turn + at) % 3] for at in range(count)] * times
    heads = [float(2 * source.weight() - 1) for _ in range(count)] * times
    gains = np.concatenate([head * 0.5 ** np.arange(length) for head, length in zip(heads, lengths, strict=True)])
    documents = np.repeat(np.arange(count * times)[::-1], lengths)
    largest = source.pick((1.0, 0.5))
    return {"gains": gains * largest, "documents": documents, "delta": source.pick((0.5, 0.125)), "largest": largest}


def _certificate(
    gains: np.ndarray, documents: np.ndarray, delta: float, largest: float, units: str = "documents", up: Any = 0
) -> np.ndarray:
    """Whether the exact capital reaches ``1/delta`` against the bound, and does not just above it."""
    lower = holdout_bound(gains, documents, delta, largest).lower
    groups: dict[int, list[Fraction]] = {}
    for at, (gain, document) in enumerate(zip(gains.tolist(), documents.tolist(), strict=True)):
        groups.setdefault(document if units == "documents" else at, []).append(Fraction(gain))
    gaps = [sum(each, Fraction(0)) / len(each) + Fraction(largest) for each in groups.values()]
    bound = Fraction(lower) + Fraction(largest) + up
    reached = (lower == -largest and not up) or _exact_capital(gaps, bound, delta) * Fraction(delta) >= 1
    return np.array([reached, _exact_capital(gaps, bound + RESOLUTION, delta) * Fraction(delta) < 1])


def _exact_capital(gaps: Sequence[Fraction], mean: Fraction, delta: float) -> Fraction:
    """Three quarters of the first capital bet whole, the rest in equal parts at a half, a quarter, …"""
    steps = 0
    while Fraction(1, 4**steps) > 8 * math.log(1 / delta) / len(gaps):
        steps += 1
    parts = [(Fraction(1), Fraction(3, 4) if steps else Fraction(1))]
    parts += [(Fraction(1, 2**at), Fraction(1, 4 * steps)) for at in range(1, steps + 1)]
    return sum((w * math.prod(1 - c + c * gap / mean for gap in gaps) for c, w in parts), Fraction(0))


def _two_kinds(source: Source) -> Instance:
    """Documents of two kinds, short and long; all contexts of a kind gain the same."""
    return {
        "gains": source.pick(((-1.0, 1.0), (-1.0, 0.25), (-0.25, 0.5), (0.0, 0.5))),
        "law": source.parts(2, 4),
        "lengths": source.pick(((1, 1), (4, 1), (1, 4))),
        "count": source.pick((3, 12)),
        "delta": source.pick((Fraction(1, 2), Fraction(1, 8))),
    }


def _failure(
    gains: tuple[float, float], law: np.ndarray, lengths: tuple[int, int], count: int, delta: Fraction,
    unit: str = "document",
) -> Fraction:  # fmt: skip
    """Probability that the bound exceeds the mean: summed over how many documents are of the first kind."""
    weights = [a * b for a, b in zip(law, lengths, strict=True)] if unit == "pool" else list(law)
    mean = _betting.dot(weights, [Fraction(gain) for gain in gains]) / sum(weights)
    return sum(
        (
            math.comb(count, first) * law[0] ** first * law[1] ** (count - first)
            for first in range(count + 1)
            if Fraction(_lower(gains, (first, count - first), lengths, float(delta), unit)) > mean
        ),
        Fraction(0),
    )


@lru_cache(maxsize=4096)
def _lower(
    gains: tuple[float, ...], counts: tuple[int, ...], lengths: tuple[int, ...], delta: float, unit: str
) -> float:
    sizes = np.repeat(lengths, counts)
    values = np.repeat(np.repeat(gains, counts), sizes)
    if unit == "mean":
        return float(np.repeat(gains, counts).mean())
    documents = np.arange(values.size) if unit == "context" else np.repeat(np.arange(sizes.size), sizes)
    return holdout_bound(values, documents, delta).lower


def _equal(source: Source) -> Instance:
    """Documents that all gain the same, and the root of `delta` of their number."""
    return {"gain": 2 * source.pick(range(9)) / 8 - 1, "root": source.pick((0.5, 0.75, 0.875)),
            "count": source.size(2, 6)}  # fmt: skip


def _bound_of_equal(gain: float, root: float, count: int) -> Fraction:
    return Fraction(holdout_bound(np.full(count, gain), np.arange(count), root**count).lower)


# The range


def _kernel(source: Source) -> Instance:
    """A context and a kernel."""
    size = source.size(2, 5)
    kept = source.kept(size, 1, 2)
    return {
        "p": source.distribution(size),
        "draft": source.distribution(len(kept)),
        "matrix": source.distributions(len(kept), size),
        "kept": kept,
    }


def _leaving(p: Any, draft: Any, matrix: np.ndarray, kept: np.ndarray) -> Any:
    return max(1 - matrix[i, token] for i, token in enumerate(kept))


def _move(p: np.ndarray, draft: np.ndarray, matrix: np.ndarray, kept: np.ndarray) -> Any:
    return abs(_roads.overlap(p, _roads.times(draft, matrix)) - _roads.overlap(p, _roads.embedded(draft, kept, len(p))))


def _drawn_and_wanted() -> Instance:
    """The token that leaves is drawn, and the target is on it."""
    one, zero = Fraction(1), Fraction(0)
    matrix = np.array([[one / 3, 2 * one / 3], [zero, one]], dtype=object)
    point = np.array([one, zero], dtype=object)
    return {"p": point, "draft": point, "matrix": matrix, "kept": np.array([0, 1])}


CLAIM = Claim(
    id="holdout-dominance",
    title="Dominance on average, from fresh documents",
    section="C",
    statement=(
        r"P[\,L > \mathrm E\, \bar d\,] \le \delta \text{ with } L = \sup\{m : K(m) \ge 1/\delta\},\quad"
        r" K(m) = \sum_j w_j \prod_{i=1}^n \Big(1 - c_j + c_j \frac{\bar d_i - \ell}{m - \ell}\Big)"
        r"\text{ and } \bar d_i \ge \ell = -\max_k (1 - M_{kk})"
        r"\text{ the mean gains of } n \text{ independent documents}"
    ),
    source=(
        "capital as evidence: Ville 1939; bounds on means by betting: Waudby-Smith and Ramdas 2024, 2010.09686; "
        "proofs and the choice of bets are this package's"
    ),
    clauses=(
        Clause(
            name="fair game",
            kind=Kind.IDENTITY,
            statement=(
                r"\mathrm E\, K_n(\mu) = 1 \text{ for } K_n(m) = \prod_i (1 + \lambda_i (\bar d_i - m))"
                r"\text{, each } \lambda_i \text{ a function of } \bar d_1, \dots, \bar d_{i-1}"
            ),
            build=_betting.fair_game,
            stated=lambda law, **x: law[0] * 0 + 1,
            measured=_betting.mean_capital,
            controls=(
                Control("bets that look ahead", measured=lambda **x: _betting.mean_capital(**{**x, "ahead": True})),
                Control("twice the gain", measured=lambda **x: _betting.mean_capital(**{**x, "gains": 2 * x["gains"]})),
            ),
            grid_size=2,
            grid_denominator=2,
        ),
        Clause(
            name="reach",
            kind=Kind.TIGHT_UPPER,
            statement=(
                r"P[\max_{k \le n} K_k(m) \ge 1/\delta] \le \delta \text{ for } m \ge \mu"
                r"\text{ and } 0 \le \lambda_i \le 1/(m - \ell)"
            ),
            build=_betting.game,
            stated=lambda delta, **x: delta,
            measured=_betting.reaching,
            controls=(
                Control("documents counted twice", measured=lambda **x: _betting.reaching(**{**x, "seen": 2})),
                Control("half the probability", stated=lambda delta, **x: delta / 2),
            ),
            attained=lambda: _betting.one_draw(_betting.HALVES, _betting.SIGNS),
            grid_size=2,
            grid_denominator=2,
            samples=100,
        ),
        Clause(
            name="constant bets",
            kind=Kind.IDENTITY,
            statement=(
                r"\mathrm E\, K(m) = \sum_j w_j \Big(1 - c_j + c_j \frac{\mu - \ell}{m - \ell}\Big)^n"
                r"\text{, which is } 1 \text{ at } m = \mu"
            ),
            build=_betting.constant,
            stated=_betting.power,
            measured=_betting.split,
            controls=(
                Control("a first capital of 2", measured=lambda **x: _betting.split(**x, normal=False)),
                Control("one document fewer", stated=lambda **x: _betting.power(**{**x, "draws": x["draws"] - 1})),
            ),
            grid_size=2,
            grid_denominator=2,
            samples=60,
        ),
        Clause(
            name="certificate",
            kind=Kind.IDENTITY,
            statement=(
                r"\text{the package's bound } L \text{ has } K(L) \ge 1/\delta \text{ in exact arithmetic, or }"
                r" L = \ell \text{, and } K(L + 2^{-30}) < 1/\delta"
            ),
            build=_sample,
            stated=lambda **x: np.array([True, True]),
            measured=_certificate,
            controls=(
                Control("rounded up", measured=lambda **x: _certificate(**x, up=RESOLUTION)),
                Control("contexts as units", measured=lambda **x: _certificate(**x, units="contexts")),
            ),
            grid_size=2,
            grid_denominator=2,
            samples=40,
        ),
        Clause(
            name="coverage",
            kind=Kind.UPPER,
            statement=(
                r"P[L > \mathrm E\, \bar d\,] \le \delta \text{, by the whole law of the sample; } \bar d"
                r"\text{ is the mean over the contexts of one document, and contexts of a document may depend on each"
                r" other in any way}"
            ),
            build=_two_kinds,
            stated=lambda gains, law, lengths, count, delta: delta,
            measured=_failure,
            controls=(
                Control("contexts as units", measured=lambda **x: _failure(**x, unit="context")),
                Control("the mean as a bound", measured=lambda **x: _failure(**x, unit="mean")),
                Control("the mean over all contexts", measured=lambda **x: _failure(**x, unit="pool")),
            ),
            samples=30,
        ),
        Clause(
            name="equal gains",
            kind=Kind.UPPER,
            statement=(
                r"\text{where all } \bar d_i = d \text{, no bound that fails with probability } \delta \text{ at most"
                r" exceeds } \ell + \delta^{1/n} (d - \ell)"
            ),
            build=_equal,
            stated=lambda gain, root, count: -1 + Fraction(root) * (Fraction(gain) + 1),
            measured=_bound_of_equal,
            controls=(
                Control(
                    "a smaller root", stated=lambda gain, root, count: -1 + Fraction(root) ** 2 * Fraction(gain + 1)
                ),
            ),
            samples=40,
        ),
        Clause(
            name="range",
            kind=Kind.TIGHT_UPPER,
            statement=r"|\alpha(p, q' M) - \alpha(p, q')| \le \max_k (1 - M_{kk})",
            build=_kernel,
            stated=_leaving,
            measured=_move,
            controls=(
                Control("half of it", stated=lambda **x: _leaving(**x) / 2),
                Control("the least", stated=lambda **x: min(1 - x["matrix"][i, t] for i, t in enumerate(x["kept"]))),
            ),
            attained=_drawn_and_wanted,
            grid_denominator=2,
        ),
    ),
    hypotheses=(
        Hypothesis(
            name="independent documents",
            statement="no document is counted twice, whole or in its contexts",
            holds=lambda seen, **x: seen == 1,
            dropped=lambda: _betting.one_draw(_betting.HALVES, _betting.SIGNS, seen=2, delta=Fraction(1, 4)),
            clause="reach",
        ),
        Hypothesis(
            name="bets made beforehand",
            statement="a bet depends on earlier documents only",
            holds=lambda ahead, **x: not ahead,
            dropped=lambda: _betting.one_draw(
                _betting.HALVES, _betting.SIGNS, ahead=True, draws=2, plan=(Fraction(1), Fraction(1), Fraction(0))
            ),
            clause="reach",
        ),
        Hypothesis(
            name="range",
            statement=r"no gain is below the end of the range",
            holds=lambda gains, low, **x: all(gain >= low for gain in gains),
            dropped=lambda: _betting.one_draw(_betting.QUARTERS, (Fraction(-3), Fraction(1))),
            clause="reach",
        ),
        Hypothesis(
            name="a mean that is no less",
            statement=r"the capital is held against a mean of at least the true one",
            holds=lambda law, gains, mean, **x: _betting.dot(law, gains) <= mean,
            dropped=lambda: _betting.one_draw(_betting.QUARTERS, _betting.SIGNS),
            clause="reach",
        ),
    ),
    remarks=(
        "Bounded is the mean over documents of a document's mean gain, where documents are drawn independently from "
        "one law; not the mean over all contexts, in which long documents weigh more: a control shows the difference.",
        "Only the lower end of the range enters. The first capital is split, three quarters on a share of 1 and the "
        "rest over shares 1/2, 1/4, … down to about the bet of Hoeffding's inequality, so that the bound does not "
        "depend on the order of the documents. Where all gains are equal it comes within a factor (3/4)^(1/n) of what "
        "no valid bound exceeds, as a distance from the end of the range.",
        "It replaces an empirical Bernstein bound (Maurer and Pontil 0907.3740), which is not rational and is looser.",
    ),
)
