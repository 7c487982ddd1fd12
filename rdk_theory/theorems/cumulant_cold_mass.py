"""``cumulant-cold-mass``: the log-mass of cold logits from their mean and variance, and the exact worst case."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rdk_theory.cold_mass import ColdHead, cumulant_error, cumulant_log_mass
from rdk_theory.theorems import _logits
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._logits import LARGEST, extent, log_sum, mean, variance
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _estimate(z: np.ndarray) -> float:
    return float(cumulant_log_mass(len(z), np.array(mean(z)), np.array(variance(z))))


def _errors(spread: float) -> np.ndarray:
    """``L`` and ``U``."""
    return np.array([float(x) for x in cumulant_error(np.array(spread))])


def _cubic(spread: float, over: int = 36) -> float:
    return spread**3 / (over * math.sqrt(3))


def _excess(p: float, s: float) -> float:
    """``D(p, s)``."""
    return math.log1p(p * math.expm1(s)) - p * s - p * (1 - p) * s * s / 2


def _searched(spread: float) -> np.ndarray:
    """The worst cases of two values, searched for on the side of 1/2 where each lies: there `D` has one extremum."""

    def best(value: Callable[[float], float], low: float, high: float) -> float:
        for _ in range(90):
            left, right = low + (high - low) / 3, high - (high - low) / 3
            low, high = (left, high) if value(left) < value(right) else (low, right)
        return value((low + high) / 2)

    return np.array([best(lambda p: -_excess(p, spread), 0.5, 1.0), best(lambda p: _excess(p, spread), 0.0, 0.5)])


def _worst_range(share: float) -> float:
    """The range at which this share of the upper value is a worst one: there ``∂D/∂p = 0``."""

    def slope(s: float) -> float:
        return math.expm1(s) / (1 + share * math.expm1(s)) - s - (1 - 2 * share) * s * s / 2

    low, high = 0.5, 20.0
    rising = slope(low) < slope(high)
    for _ in range(80):
        s = (low + high) / 2
        low, high = (s, high) if (slope(s) < 0) == rising else (low, s)
    return low


def _two_valued(upper: int, size: int) -> Instance:
    return {"z": _worst_range(upper / size) * (np.arange(size) < upper)}


def _two_points(z: np.ndarray, end: float) -> float:
    """``log n + log`` of the mean exponential of two values, one of them `end`, with the mean and variance of `z`."""
    centre, var = mean(z), variance(z)
    away = end - centre
    if var <= 0:
        return math.log(len(z)) + centre
    share = var / (var + away * away)
    return math.log(len(z)) + log_sum(np.array([centre - var / away + math.log1p(-share), end + math.log(share)]))


def _spreads(source: Source) -> Instance:
    return {"spread": LARGEST * source.weight() + 0.01}


def _gaussian(source: Source) -> Instance:
    return {"mu": 4 * source.weight() - 2, "sigma": 3 * source.weight() + 0.01}


def _head(head: np.ndarray, kept: np.ndarray, rank: int | None = None) -> ColdHead:
    return ColdHead.from_head(head, Vocabulary(len(head), kept), rank)


def _moments(head: np.ndarray, kept: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    return np.array(_head(head, kept).moments(hidden))


def _cold_logits(head: np.ndarray, kept: np.ndarray, hidden: np.ndarray) -> list[Any]:
    rows = [row for token, row in enumerate(head) if token not in set(kept.tolist())]
    return [sum(x * y for x, y in zip(row, hidden, strict=True)) for row in rows]


def _moments_by_loops(head: np.ndarray, kept: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    z = _cold_logits(head, kept, hidden)
    centre = sum(z) / len(z)
    return np.array([centre, sum((v - centre) ** 2 for v in z) / len(z)])


def _with_rank(source: Source) -> Instance:
    instance = _logits.logits_of_head(source)
    return {**instance, "rank": source.size(1, instance["head"].shape[1])}


def _lost(head: np.ndarray, kept: np.ndarray, hidden: np.ndarray, rank: int) -> np.ndarray:
    """What the variance loses by the rank, and its negative."""
    lost = _moments_by_loops(head, kept, hidden)[1] - float(_head(head, kept, rank).moments(hidden)[1])
    return np.array([lost, -lost])


def _most_lost(head: np.ndarray, kept: np.ndarray, hidden: np.ndarray, rank: int) -> np.ndarray:
    return np.array([_head(head, kept, rank).left_out * float(hidden @ hidden), 0.0])


CLAIM = Claim(
    id="cumulant-cold-mass",
    title="Cold mass from the mean row and the covariance",
    section="E",
    statement=(
        r"-L(s) \le \mathrm{LSE}(z) - \log n - \bar z - \tfrac12 \mathrm{var}(z) \le U(s),\quad s = \max z - \min z,"
        r"\quad U(s) = \max_p D(p, s),\ L(s) = -\min_p D(p, s),"
        r"\quad D(p, s) = \log(1 - p + p e^s) - ps - p(1-p)\tfrac{s^2}{2};"
        r"\quad L, U < \tfrac{s^3}{36\sqrt3}\ (s > 0),"
        r"\text{ both } \tfrac{s^3}{36\sqrt3}(1 - O(s^2));\text{ exact for Gaussian logits};"
        r"\text{ and } z_C = W_C h: \ \bar z = \bar w \cdot h,\ \mathrm{var}(z) = h^\top \Sigma_C h"
    ),
    clauses=(
        Clause(
            name="above",
            kind=Kind.TIGHT_UPPER,
            statement=r"\mathrm{LSE}(z) - \log n - \bar z - \tfrac12 \mathrm{var}(z) \le U(s)",
            build=_logits.spread_logits,
            stated=lambda z: _errors(extent(z))[1],
            measured=lambda z: log_sum(z) - _estimate(z),
            controls=(Control("nine tenths", stated=lambda z: 0.9 * _errors(extent(z))[1]),),
            attained=lambda: _two_valued(1, 7),
            exact=False,
            samples=400,
        ),
        Clause(
            name="below",
            kind=Kind.TIGHT_LOWER,
            statement=r"\mathrm{LSE}(z) - \log n - \bar z - \tfrac12 \mathrm{var}(z) \ge -L(s)",
            build=_logits.spread_logits,
            stated=lambda z: -_errors(extent(z))[0],
            measured=lambda z: log_sum(z) - _estimate(z),
            controls=(Control("nine tenths", stated=lambda z: -0.9 * _errors(extent(z))[0]),),
            attained=lambda: _two_valued(2, 3),
            exact=False,
            samples=400,
        ),
        Clause(
            name="two points above",
            kind=Kind.TIGHT_UPPER,
            statement=(
                r"\mathrm{LSE}(z) \le \log n + \log\big((1-p)\,e^x + p\,e^{\max z}\big):"
                r"\text{ the law on } \max z \text{ and a lower } x \text{ with the mean and the variance of } z"
            ),
            build=_logits.spread_logits,
            stated=lambda z: _two_points(z, float(z.max())),
            measured=log_sum,
            controls=(Control("a hundredth less", stated=lambda z: _two_points(z, float(z.max())) - 0.01),),
            attained=lambda: {"z": np.array([1.0, -1.0, -1.0])},
            exact=False,
        ),
        Clause(
            name="two points below",
            kind=Kind.TIGHT_LOWER,
            statement=(
                r"\mathrm{LSE}(z) \ge \log n + \log\big((1-p)\,e^y + p\,e^{\min z}\big):"
                r"\text{ the law on } \min z \text{ and a higher } y \text{ with the mean and the variance of } z"
            ),
            build=_logits.spread_logits,
            stated=lambda z: _two_points(z, float(z.min())),
            measured=log_sum,
            controls=(Control("a hundredth more", stated=lambda z: _two_points(z, float(z.min())) + 0.01),),
            attained=lambda: {"z": np.array([1.0, -1.0, -1.0])},
            exact=False,
        ),
        Clause(
            name="worst cases",
            kind=Kind.IDENTITY,
            statement=(
                r"L \text{ and } U \text{ are } |D| \text{ at the roots } p_\pm \text{ of }"
                r" A s^2 p^2 - [A(s + \tfrac{s^2}{2}) - s^2]\,p + A - s - \tfrac{s^2}{2},\ A = e^s - 1"
            ),
            build=_spreads,
            stated=_errors,
            measured=lambda spread: _searched(spread),
            controls=(
                Control("the cubic for both", stated=lambda spread: np.array([_cubic(spread)] * 2)),
                Control("the other way round", stated=lambda spread: _errors(spread)[::-1]),
            ),
            exact=False,
            samples=50,
        ),
        Clause(
            name="cubic",
            kind=Kind.UPPER,
            statement=r"L(s), U(s) \le s^3/(36\sqrt3)",
            build=_spreads,
            stated=_cubic,
            measured=_errors,
            controls=(Control("38 for 36", stated=lambda spread: _cubic(spread, 38)),),
            exact=False,
            samples=50,
        ),
        Clause(
            name="leading constant",
            kind=Kind.LOWER,
            statement=r"L(s), U(s) \ge s^3/(36\sqrt3)\,(1 - s^2/15)",
            build=_spreads,
            stated=lambda spread: _cubic(spread) * (1 - spread**2 / 15),
            measured=_errors,
            controls=(
                Control("a quarter of the correction", stated=lambda spread: _cubic(spread) * (1 - spread**2 / 60)),
            ),
            exact=False,
            samples=50,
        ),
        Clause(
            name="quadratic",
            kind=Kind.UPPER,
            statement=r"L(s), U(s) \le s^2/8",
            build=lambda source: {"spread": 100 * source.weight() + 1},
            stated=lambda spread: spread**2 / 8,
            measured=_errors,
            controls=(Control("a ninth", stated=lambda spread: spread**2 / 9),),
            exact=False,
            samples=50,
        ),
        Clause(
            name="Gaussian",
            kind=Kind.IDENTITY,
            statement=r"Z \sim \mathcal N(\mu, \sigma^2): \quad \log \mathrm E\, e^Z = \mu + \sigma^2/2",
            build=_gaussian,
            stated=lambda mu, sigma: float(cumulant_log_mass(1, np.array(mu), np.array(sigma**2))),
            measured=_logits.gaussian_log_mean,
            controls=(Control("the mean alone", stated=lambda mu, sigma: mu),),
            exact=False,
            samples=30,
        ),
        Clause(
            name="moments",
            kind=Kind.IDENTITY,
            statement=r"z_C = W_C h: \quad \bar z = \bar w \cdot h,\ \mathrm{var}(z) = h^\top \Sigma_C h",
            build=_logits.logits_of_head,
            stated=_moments,
            measured=_moments_by_loops,
            controls=(
                Control(
                    "the kept rows",
                    stated=lambda head, kept, hidden: _moments(
                        head, np.array([t for t in range(len(head)) if t not in kept]), hidden
                    ),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="rank",
            kind=Kind.UPPER,
            statement=r"0 \le h^\top \Sigma h - h^\top \Sigma_R h \le \lambda_{R+1} \|h\|^2",
            build=_with_rank,
            stated=_most_lost,
            measured=_lost,
            controls=(Control("half of it", stated=lambda **x: _most_lost(**x) / 2),),
            exact=False,
        ),
    ),
    remarks=(
        "range³/(36√3) is attained by no logits of positive range, and cannot be lowered. The error is "
        "½∫₀¹(1−t)² κ₃(t) dt, with κ₃(t) the third cumulant of the law tilted by t, at most range³/(6√3) in size: for "
        "equality every tilt would have to be the law of two values with the upper on (3 ∓ √3)/6, and tilting moves "
        "that share. With that share at t = 0 the error is range³/(36√3) (1 − O(range²)).",
        "Exact worst cases for every range replace it. Given mean, variance and maximum, e^z lies below the parabola "
        "that touches it at x and meets it at max z (above, for min z), so that two values are the worst case; its "
        "range is at most s, and the worst error grows with the range: at an extremum in p, "
        "∂D/∂s = p(1−p)(1−2p)s²/2. The stationary shares solve a quadratic.",
        "L is the larger at every range that was tried. It grows like s²/8, and U like s: at s = 1 they are 0.01576 "
        "and 0.01572 against 0.01604, at s = 10 they are 8.5 and 4.9 against 16.0. To second order both are "
        "s³/(36√3)(1 − 3s²/160).",
        "The estimate needs O(d²) work, or O(dR) with R eigenvectors, whatever the number of cold tokens; what rank R "
        "leaves out makes the variance too small by at most the next eigenvalue times |h|².",
    ),
)
