"""``expected-tokens``: tokens per target call, and rejections along a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np

from rdk_theory.speed import expected_tokens
from rdk_theory.theorems import _sequences
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._sequences import context_laws
from rdk_theory.theorems._source import Source
from rdk_theory.trajectories import accepted_by_tokens, trajectory_rejections


def patterns(gamma: int) -> Iterator[tuple[bool, ...]]:
    """Which of `gamma` drafted tokens would pass: every pattern."""
    return product((False, True), repeat=gamma)


def emitted(pattern: tuple[bool, ...]) -> int:
    """Tokens of one call: those before the first failure, and one from the target."""
    return (*pattern, False).index(False) + 1


def independent(alpha: Any, gamma: int) -> np.ndarray:
    """Joint law of the pattern when every token passes with probability `alpha` on its own."""
    return np.array([prod(alpha if passed else 1 - alpha for passed in pattern) for pattern in patterns(gamma)])


def _joint(source: Source) -> Instance:
    alpha, gamma = source.weight(), source.size(1, 5)
    return {"joint": independent(alpha, gamma), "alpha": alpha, "gamma": gamma}


def _played(joint: np.ndarray, alpha: Any, gamma: int) -> Any:
    return sum(mass * emitted(pattern) for mass, pattern in zip(joint, patterns(gamma), strict=True))


def _is_independent(joint: np.ndarray, alpha: Any, gamma: int) -> bool:
    return bool((abs(joint - independent(alpha, gamma)) <= 1e-12).all())


def _all_or_nothing() -> Instance:
    """Each token passes with probability 1/2, but all of them together."""
    half = Fraction(1, 2)
    return {"joint": np.array([half, 0, 0, half], dtype=object), "alpha": half, "gamma": 2}


def _varying(source: Source) -> Instance:
    count = source.size(1, 3)
    rates = source.array([0] * count) + [source.weight() for _ in range(count)]
    return {"shares": source.distribution(count), "rates": rates, "gamma": source.size(1, 5)}


def _mean_tokens(shares: np.ndarray, rates: np.ndarray, gamma: int) -> Any:
    return sum(
        share * _played(independent(rate, gamma), rate, gamma) for share, rate in zip(shares, rates, strict=True)
    )


def _drafting(source: Source) -> Instance:
    return context_laws(source) | {"block": source.pick((1, 2) if source.exact else (1, 2, 3))}


def _one_call(targets: list[np.ndarray], proposals: list[np.ndarray]) -> Any:
    """Expected accepted tokens of one chain, by going through chains and patterns of acceptance."""
    gamma, total = len(targets), targets[0][0] * 0
    for chain in _sequences.chains(proposals, gamma):
        drafted = _sequences.chance(proposals, chain)
        if drafted > 0:
            rates = [min(1, targets[t][chain[: t + 1]] / proposals[t][chain[: t + 1]]) for t in range(gamma)]
            total += drafted * sum(prod(rates[: t + 1]) for t in range(gamma))
    return total


def _static(targets: list[np.ndarray], proposals: list[np.ndarray], block: int) -> Any:
    """Rejections as if every prefix were equally likely."""
    return sum(abs(p - r).sum() / 2 / p[..., 0].size for p, r in zip(targets, proposals, strict=True))


def _after_draft(targets: list[np.ndarray], proposals: list[np.ndarray], block: int) -> Any:
    """Rejections as if prefixes had the draft's law."""
    return trajectory_rejections(proposals, targets)


def _never_right() -> Instance:
    first, second = _sequences.fractions(1, 0), _sequences.fractions(0, 1)
    laws = {
        "targets": _sequences.constant_laws(first, 2),
        "proposals": _sequences.constant_laws(second, 2),
    }
    return laws | {"block": 1}


CLAIM = Claim(
    id="expected-tokens",
    title="Tokens per call, and rejections along a sequence",
    section="F",
    statement=(
        r"E[\text{tokens per call}] = \frac{1 - \alpha^{\gamma+1}}{1 - \alpha} \text{ if each draft passes "
        r"independently with probability } \alpha; \text{ without that, } E[\text{accepted}] = "
        r"\sum_{i \le \gamma} \sum_{x_{1:i}} \prod_{j \le i} \min(p, r)(x_j \mid x_{<j}), \text{ and } "
        r"E[\text{rejections}] = \sum_t E_{x_{<t} \sim p}\,\mathrm{TV}(p_t, r_t) "
        r"\text{ for every draft length, where every position is drafted}"
    ),
    source="Leviathan et al. 2211.17192 for the first; the sum over trajectories: Yin et al. 2411.00841",
    clauses=(
        Clause(
            name="geometric",
            kind=Kind.IDENTITY,
            statement=r"E[\text{tokens per call}] = \sum_{k=0}^{\gamma} \alpha^k",
            build=_joint,
            stated=lambda joint, alpha, gamma: expected_tokens(alpha, gamma),
            measured=_played,
            controls=(
                Control(
                    "without the target's token", stated=lambda joint, alpha, gamma: expected_tokens(alpha, gamma) - 1
                ),
                Control("one draft too many", stated=lambda joint, alpha, gamma: expected_tokens(alpha, gamma + 1)),
                Control("all or nothing", stated=lambda joint, alpha, gamma: 1 + gamma * alpha),
            ),
            grid_size=5,
            grid_denominator=6,
        ),
        Clause(
            name="varying rates",
            kind=Kind.TIGHT_LOWER,
            statement=r"E_\alpha\Bigl[\sum_{k \le \gamma} \alpha^k\Bigr] \ge \sum_{k \le \gamma} (E\,\alpha)^k",
            build=_varying,
            stated=lambda shares, rates, gamma: expected_tokens(min((shares * rates).sum(), shares[0] * 0 + 1), gamma),
            measured=_mean_tokens,
            controls=(
                Control("below instead", kind=Kind.UPPER),
                Control("at the largest rate", stated=lambda shares, rates, gamma: expected_tokens(max(rates), gamma)),
            ),
            attained=lambda: {
                "shares": _sequences.fractions(1, 2),
                "rates": np.array([Fraction(1, 3)] * 2, dtype=object),
                "gamma": 2,
            },
            grid_denominator=3,
        ),
        Clause(
            name="one call",
            kind=Kind.IDENTITY,
            statement=(
                r"E[\text{accepted}] = \sum_{i \le \gamma} \sum_{x_{1:i}} \prod_{j \le i} \min(p, r)(x_j \mid x_{<j})"
            ),
            build=context_laws,
            stated=lambda targets, proposals: accepted_by_tokens(targets, proposals),
            measured=_one_call,
            controls=(
                Control(
                    "laws of the first prefix throughout",
                    stated=lambda targets, proposals: accepted_by_tokens(
                        *(_sequences.constant_laws(laws[0], len(laws)) for laws in (targets, proposals))
                    ),
                ),
            ),
            grid_size=2,
            grid_denominator=2,
            samples=60,
        ),
        Clause(
            name="trajectory",
            kind=Kind.IDENTITY,
            statement=r"E[\text{rejections}] = \sum_t E_{x_{<t} \sim p}\,\mathrm{TV}(p_t, r_t) \text{ without bonus}",
            build=_drafting,
            stated=lambda targets, proposals, block: trajectory_rejections(targets, proposals),
            measured=lambda targets, proposals, block: _sequences.rejections(targets, proposals, block, bonus=False),
            controls=(
                Control("prefixes equally likely", stated=_static),
                Control("prefixes from the draft", stated=_after_draft),
            ),
            grid_size=2,
            grid_denominator=2,
            samples=60,
        ),
        Clause(
            name="trajectory with bonus tokens",
            kind=Kind.TIGHT_UPPER,
            statement=r"E[\text{rejections}] \le \sum_t E_{x_{<t} \sim p}\,\mathrm{TV}(p_t, r_t) \text{ with bonus}",
            build=_drafting,
            stated=lambda targets, proposals, block: trajectory_rejections(targets, proposals),
            measured=lambda targets, proposals, block: _sequences.rejections(targets, proposals, block, bonus=True),
            controls=(
                Control("equal", kind=Kind.IDENTITY),
                Control(
                    "the last position is not drafted",
                    stated=lambda targets, proposals, block: (
                        trajectory_rejections(targets, proposals) - abs(targets[0] - proposals[0]).sum() / 2
                    ),
                ),
            ),
            attained=_never_right,
            grid_size=2,
            grid_denominator=2,
            samples=60,
        ),
    ),
    hypotheses=(
        Hypothesis(
            name="independent acceptance",
            statement="each drafted token passes with one probability, whatever the others do",
            holds=_is_independent,
            dropped=_all_or_nothing,
            clause="geometric",
        ),
    ),
    remarks=(
        "Acceptance that varies between contexts but is steady within a call gives more tokens than its mean predicts: "
        "the geometric sum is convex in the rate.",
        "A bonus token is not drafted, so its position cannot be rejected: with bonus tokens the sum is a bound.",
    ),
)
