"""``walltime``: when drafting pays, for which draft length, and for which size of the drafter's head."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate, union_acceptance
from rdk_theory.distributions import embed, restrict
from rdk_theory.speed import best_draft_length, best_kept_size, speedup
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.theorems.expected_tokens import emitted, independent, patterns
from rdk_theory.vocabulary import Vocabulary

LONGEST = 6
"""Draft lengths that are tried out one by one."""


def _rates(source: Source) -> Instance:
    return {"alpha": source.weight(), "c": source.weight() + source.pick((0, 1)), "gamma": source.size(1, 5)}


def _rational_rates(source: Source) -> Instance:
    """Rationals from any source, the two rates equal made common."""
    alpha = Fraction(source.weight())
    return {"alpha": alpha, "c": alpha if source.pick((True, False)) else Fraction(source.weight())}


def _played(alpha: Any, c: Any, gamma: int) -> Any:
    """Tokens per time, with plain decoding one token in time 1, through every pattern of acceptance."""
    chances = zip(independent(alpha, gamma), patterns(gamma), strict=True)
    return sum(mass * emitted(pattern) for mass, pattern in chances) / (1 + gamma * c)


def _some_and_first(alpha: Any, c: Any) -> np.ndarray:
    gains = [_played(alpha, c, gamma) > 1 for gamma in range(1, LONGEST + 1)]
    return np.array([any(gains), gains[0]])


def _climb(alpha: Any, c: Any) -> Any:
    """Lengthen the draft as long as the next token pays, and stop at the first that does not."""
    best = alpha * 0 + 1
    for gamma in range(1, LONGEST + 1):
        value = _played(alpha, c, gamma)
        if value <= best:
            break
        best = value
    return best


def _heads(source: Source) -> Instance:
    """Increments of acceptance by kept token, falling, and a cost that is affine in the number of kept tokens."""
    rises = source.distribution(source.size(1, 5))
    return {"rises": np.sort(rises)[::-1], "base": source.weight(), "slope": source.open_weight() / 2}


def _marginal(rises: np.ndarray, base: Any, slope: Any) -> Any:
    """Keep one more token as long as it brings more than ``c_1`` times the speed-up so far."""
    count, alpha = 1, rises[0]
    value = (1 + alpha) / (1 + base + slope)
    while count < len(rises) and rises[count] > slope * value:
        alpha, count = alpha + rises[count], count + 1
        value = (1 + alpha) / (1 + base + slope * count)
    return max(value, alpha * 0 + 1)


def _falling(rises: np.ndarray, base: Any, slope: Any) -> bool:
    return bool((rises[1:] <= rises[:-1]).all())


def _best(acceptance: Any, size: int, base: Any, slope: Any) -> Any:
    """The package's search through every kept size, one drafted token a call."""
    return best_kept_size(acceptance, lambda k: base + slope * k, list(range(1, size + 1)), longest=1)[2]


def _best_by_rises(rises: np.ndarray, base: Any, slope: Any) -> Any:
    # Partial sums of floats may exceed 1 by a rounding, which is no acceptance rate.
    return _best(lambda k: min(rises[:k].sum(), rises[0] * 0 + 1), len(rises), base, slope)


def _drafters(source: Source) -> Instance:
    size = source.size(1, 5)
    p = source.distribution(size)
    q = p if source.pick((True, False)) else source.distribution(size)
    return {"p": p, "q": q, "base": source.weight(), "slope": source.open_weight() / 2}


def _best_union(p: np.ndarray, q: np.ndarray, base: Any, slope: Any) -> Any:
    order = np.argsort(-np.minimum(p, q), kind="stable")
    return _best(lambda k: union_acceptance(p, q, Vocabulary(len(p), order[:k])), len(p), base, slope)


def _marginal_union(p: np.ndarray, q: np.ndarray, base: Any, slope: Any) -> Any:
    return _marginal(np.array(sorted((min(a, b) for a, b in zip(p, q, strict=True)), reverse=True)), base, slope)


def _tli(p: np.ndarray, q: np.ndarray, kept: Any) -> Any:
    vocab = Vocabulary(len(p), kept)
    return acceptance_rate(p, embed(restrict(q, vocab), vocab))


def _useless_token(source: Source) -> Instance:
    """A draft with mass on a last token that the target never emits, and right elsewhere."""
    size = source.size(2, 6)
    law = (source.distribution(size - 1) + source.array([1] * (size - 1))) / size
    wasted = source.open_weight()
    zero = source.array([0])
    return {"p": np.concatenate([law, zero]), "q": np.concatenate([law * (1 - wasted), zero + wasted])}


CLAIM = Claim(
    id="walltime",
    title="When drafting pays",
    section="F",
    statement=(
        r"S(\gamma) = \frac{1 - \alpha^{\gamma+1}}{(1-\alpha)(\gamma c + 1)} \le \frac{1 + \gamma \alpha}{1 + \gamma c}"
        r";\; \exists \gamma:\, S(\gamma) > 1 \iff \alpha > c \iff S(1) > 1; "
        r"\gamma \mapsto S(\gamma) \text{ has one hill. With } c(K) = c_0 + c_1 K,\; \gamma = 1 \text{ and concave }"
        r" \alpha(K), \text{ the best } K \text{ is the first at which } \alpha(K+1) - \alpha(K) \le c_1 S(K)"
    ),
    source="Leviathan et al. 2211.17192 for the speed-up",
    clauses=(
        Clause(
            name="speed-up",
            kind=Kind.IDENTITY,
            statement=r"\frac{E[\text{tokens}]}{\gamma c + 1} = \frac{1 - \alpha^{\gamma+1}}{(1-\alpha)(\gamma c + 1)}",
            build=_rates,
            stated=lambda alpha, c, gamma: speedup(alpha, gamma, c),
            measured=_played,
            controls=(
                Control("one draft step for free", stated=lambda alpha, c, gamma: speedup(alpha, gamma, c) * (1 + c)),
                Control(
                    "without the target's token",
                    stated=lambda alpha, c, gamma: speedup(alpha, gamma, c) - 1 / (1 + gamma * c),
                ),
            ),
            grid_size=4,
            grid_denominator=4,
        ),
        Clause(
            name="upper bound",
            kind=Kind.TIGHT_UPPER,
            statement=r"S(\gamma) \le \frac{1 + \gamma \alpha}{1 + \gamma c}",
            build=_rates,
            stated=lambda alpha, c, gamma: (1 + gamma * alpha) / (1 + gamma * c),
            measured=_played,
            controls=(Control("with one token less", stated=lambda alpha, c, gamma: gamma * alpha / (1 + gamma * c)),),
            attained=lambda: {"alpha": Fraction(1), "c": Fraction(1, 3), "gamma": 3},
            grid_size=4,
            grid_denominator=4,
        ),
        Clause(
            name="criterion",
            kind=Kind.IDENTITY,
            statement=r"\exists \gamma:\, S(\gamma) > 1 \iff \alpha > c; \quad S(1) > 1 \iff \alpha > c",
            build=_rational_rates,
            stated=lambda alpha, c: np.array([alpha > c, alpha > c]),
            measured=_some_and_first,
            controls=(
                Control("also at equality", stated=lambda alpha, c: np.array([alpha >= c, alpha >= c])),
                Control("half the cost", stated=lambda alpha, c: np.array([2 * alpha > c, 2 * alpha > c])),
            ),
            grid_denominator=6,
            samples=60,
        ),
        Clause(
            name="one hill",
            kind=Kind.IDENTITY,
            statement=(
                r"S(\gamma+1) > S(\gamma) \iff \alpha^{\gamma+1} (\gamma c + 1) > c \sum_{k \le \gamma} \alpha^k, "
                r"\text{ and once false it stays so: the best } \gamma \text{ is the first that the next does not beat}"
            ),
            build=_rational_rates,
            stated=lambda alpha, c: speedup(alpha, best, c) if (best := best_draft_length(alpha, c, LONGEST)) else 1,
            measured=_climb,
            controls=(
                Control("always one token", stated=lambda alpha, c: max(speedup(alpha, 1, c), Fraction(1))),
                Control("as long as possible", stated=lambda alpha, c: max(speedup(alpha, LONGEST, c), Fraction(1))),
            ),
            grid_denominator=6,
            samples=60,
        ),
        Clause(
            name="kept size",
            kind=Kind.IDENTITY,
            statement=(
                r"\max_K \frac{1 + \alpha(K)}{1 + c_0 + c_1 K} \text{ is reached at the first } K \text{ with }"
                r" \alpha(K+1) - \alpha(K) \le c_1 S(K)"
            ),
            build=_heads,
            stated=_best_by_rises,
            measured=_marginal,
            controls=(
                Control(
                    "keep all",
                    measured=lambda rises, base, slope: max((1 + sum(rises)) / (1 + base + slope * len(rises)), 1),
                ),
                Control("keep one", measured=lambda rises, base, slope: max((1 + rises[0]) / (1 + base + slope), 1)),
            ),
        ),
        Clause(
            name="kept size for union",
            kind=Kind.IDENTITY,
            statement=(
                r"\text{union, tokens kept by falling } \min(p_t, q_t): \text{ the increments are } \min(p_t, q_t)"
            ),
            build=_drafters,
            stated=_best_union,
            measured=_marginal_union,
            controls=(
                Control(
                    "by the draft's mass", measured=lambda p, q, base, slope: _marginal(np.sort(q)[::-1], base, slope)
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="a smaller head can accept more",
            kind=Kind.EXISTENCE,
            statement=r"\alpha(p, q') > \alpha(p, q) \text{ where only a token with } p_t = 0 < q_t \text{ was pruned}",
            build=_useless_token,
            stated=lambda p, q: acceptance_rate(p, q),
            measured=lambda p, q: _tli(p, q, np.arange(len(p) - 1)),
            controls=(
                Control("pruning a token that was right", measured=lambda p, q: _roads.overlap(p[1:], q[1:])),
                Control("by more than the waste", stated=lambda p, q: acceptance_rate(p, q) + q[-1]),
            ),
        ),
    ),
    hypotheses=(
        Hypothesis(
            name="concave acceptance",
            statement="each further kept token brings no more acceptance than the one before",
            holds=_falling,
            dropped=lambda: {
                "rises": np.array([Fraction(1, 4), Fraction(0), Fraction(3, 4)], dtype=object),
                "base": Fraction(0),
                "slope": Fraction(1, 10),
            },
            clause="kept size",
        ),
    ),
    remarks=(
        "Costs are relative to one target step, and a target step over several drafts costs as much as over one.",
        "TLI's acceptance is in general neither monotone nor concave in the kept size: search all sizes there "
        "(best_kept_size).",
    ),
)
