"""R4 of ``walltime``: every draft length, every number of kept tokens, every rate and cost."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, induction, symbols
from proofs_check.symbolic._statement import Build, Part, Total, share, symbolic_proof, termwise, tried
from proofs_check.symbolic.expected_tokens import first_failures, series
from rdk_theory.theorems._claim import Kind

LONGEST = 6
"""Draft lengths that the registry tries one by one; the proof is for all."""


def speed(alpha: Any, c: Any, gamma: Any) -> Any:
    """``S(γ)``."""
    return series(alpha, gamma) / (gamma * c + 1)


def first_failure(alpha: Any, c: Any, gamma: Any) -> Any:
    """Tokens per time from the law of the first failure."""
    tokens = sum((k + 1) * alpha**k * (1 - alpha) for k in range(gamma)) + (gamma + 1) * alpha**gamma
    return tokens / (1 + gamma * c)


def _speed(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``(γc + 1) S(γ)`` satisfies the recursion of the expected number of tokens."""
    alpha, c, gamma = symbols("alpha c gamma")
    return both(
        induction(lambda n: (n * c + 1) * stated(alpha, c, n), (0, 1), lambda e, n: e + alpha ** (n + 1), gamma),
        first_failures(),
    )


def _upper(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``(1 + γα) − Σ_{k≤γ} α^k`` starts at 0 and rises by ``α − α^{γ+1} ≥ 0``."""
    alpha, c, gamma = symbols("alpha c gamma")

    def gap(n: Any) -> Any:
        return (1 + n * c) * (stated(alpha, c, n) - speed(alpha, c, n))

    return both(
        equal((gap(0), 0), (gap(gamma + 1) - gap(gamma), alpha - alpha ** (gamma + 1))),
        # With powers y = α^γ ≤ 1, α = u/(u+v) and y = s/(s+t): α(1 − y) is at least 0.
        decide(lambda x: x["u"] * x["t"] >= 0, "u t"),
    )


def _criterion(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``S(1) − 1 = (α − c)/(1 + c)``, and ``S(γ) − 1 ≤ γ(α − c)/(1 + γc)`` by the upper bound."""
    alpha, c, gamma = symbols("alpha c gamma")

    def same_sign(x: Any) -> bool:
        a, b = x["alpha"], x["c"]
        return all((a - b > 0) == bool(wins) for wins in stated(a, b))

    return both(
        equal(
            (speed(alpha, c, 1) - 1, (alpha - c) / (1 + c)),
            ((1 + gamma * alpha) / (1 + gamma * c) - 1, gamma * (alpha - c) / (1 + gamma * c)),
        ),
        _upper(Kind.UPPER, lambda a, b, n: (1 + n * a) / (1 + n * b), None),
        decide(same_sign, "alpha c"),
    )


def _hill(kind: Kind, stated: Any, measured: Any) -> Finding:
    """With ``g(γ) = α^{γ+1}(γc + 1) − c Σ_{k≤γ} α^k``: a longer draft wins iff ``g > 0``, and ``g ≤ 0`` stays.

    ``S(γ+1) − S(γ) = g(γ) / ((γc+1)((γ+1)c+1))``; ``g(γ+1) = α g(γ) − c(1 − α^{γ+2})``.
    """
    alpha, c, gamma = symbols("alpha c gamma")

    def g(n: Any) -> Any:
        return alpha ** (n + 1) * (n * c + 1) - c * series(alpha, n)

    steps = speed(alpha, c, gamma + 1) - speed(alpha, c, gamma)
    return both(
        equal(
            (steps, g(gamma) / ((gamma * c + 1) * ((gamma + 1) * c + 1))),
            (g(gamma + 1), alpha * g(gamma) - c * (1 - alpha ** (gamma + 2))),
            (g(0), alpha - c),
        ),
        decide(lambda x: x["alpha"] * -x["g"] - x["c"] * x["rest"] <= 0, "alpha g c rest"),
        tried(kind, stated, measured, RATES),
    )


RATES = tuple(
    {"alpha": Fraction(*a), "c": Fraction(*c)} for a, c in (((1, 2), (1, 2)), ((2, 3), (1, 4)), ((1, 1), (1, 2)))
)
"""Rates at which no draft, a short one and a long one are best."""


def _best(alpha: Any, c: Any) -> Any:
    return max([Fraction(1), *(speed(alpha, c, n) for n in range(1, LONGEST + 1))])


def _climb(alpha: Any, c: Any) -> Any:
    best = Fraction(1)
    for n in range(1, LONGEST + 1):
        if (value := first_failure(alpha, c, n)) <= best:
            break
        best = value
    return best


def _kept(kind: Kind, stated: Any, measured: Any) -> Finding:
    """With ``B = 1 + c_0 + c_1 K``: one more token wins iff ``g(K) = d_{K+1} B − c_1(1 + α(K)) > 0``, and ``g`` falls.

    ``g(K+1) − g(K) = (d_{K+2} − d_{K+1})(B + c_1)``, which is not positive where increments fall.
    """
    a, b, slope, first, second = symbols("a b slope first second")

    def g(rise: Any, alpha: Any, time: Any) -> Any:
        return rise * time - slope * (1 + alpha)

    return both(
        equal(
            ((1 + a + first) / (b + slope) - (1 + a) / b, g(first, a, b) / (b * (b + slope))),
            (g(second, a + first, b + slope) - g(first, a, b), (second - first) * (b + slope)),
        ),
        decide(lambda x: (x["second"] - (x["second"] + x["fall"])) * (x["b"] + x["slope"]) <= 0, "second fall b slope"),
        tried(kind, stated, measured, HEADS),
    )


HEADS = tuple(
    {
        "rises": np.array([Fraction(n, 6) for n in (4, 1, 1)], dtype=object),
        "base": Fraction(0),
        "slope": Fraction(1, n),
    }
    for n in (2, 8, 100)
)
"""Heads of which one token, two, or all are best kept."""


def _best_kept(rises: Any, base: Any, slope: Any) -> Any:
    return max([Fraction(1), *((1 + sum(rises[:k])) / (1 + base + slope * k) for k in range(1, len(rises) + 1))])


def _marginal(rises: Any, base: Any, slope: Any) -> Any:
    count, alpha = 1, rises[0]
    value = (1 + alpha) / (1 + base + slope)
    while count < len(rises) and rises[count] > slope * value:
        alpha, count = alpha + rises[count], count + 1
        value = (1 + alpha) / (1 + base + slope * count)
    return max(value, Fraction(1))


def _union(best: Any) -> Any:
    def road(p: Any, q: Any, base: Any, slope: Any) -> Any:
        rises = sorted((min(a, b) for a, b in zip(p, q, strict=True)), reverse=True)
        return best(np.array(rises, dtype=object), base, slope)

    return road


def _by_union(kind: Kind, stated: Any, measured: Any) -> Finding:
    """Acceptance of a kept set is the sum of its ``min(p, q)``: the rises, and they fall in that order."""
    cases = [
        {
            "p": np.array([Fraction(n, 6) for n in (4, 1, 1)], dtype=object),
            "q": np.array([Fraction(n, 6) for n in (1, 4, 1)], dtype=object),
            "base": Fraction(0),
            "slope": Fraction(1, n),
        }
        for n in (4, 12)
    ]
    return both(_kept(kind, _best_kept, _marginal), tried(kind, stated, measured, cases))


def _useless_rows(p: Any, q: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    tokens = [{"p": a, "q": b, "last": t == len(p) - 1} for t, (a, b) in enumerate(zip(p, q, strict=True))]
    return tokens, {"wasted": q[-1]}


def _wasted(x: Any) -> dict[str, Any]:
    """A token that is not the last: the draft is ``(1−w) p`` there."""
    w = share(x, "u", "v")
    x.assume(w < 1)
    return {"p": x["p"], "q": (1 - w) * x["p"], "last": False, "wasted": w}


def _last(x: Any) -> dict[str, Any]:
    w = share(x, "u", "v")
    return {"p": 0 * w, "q": w, "last": True, "wasted": w}


def _positive(x: Any) -> dict[str, Any]:
    w = share(x, "u", "v")
    x.assume(w > 0)
    return {"wasted": w}


WASTE = Total(lambda p, q, last, wasted: -wasted * p, lambda wasted: wasted, _useless_rows)

PROOF = symbolic_proof(
    "walltime",
    __name__,
    Part(
        "speed-up",
        _speed,
        speed,
        first_failure,
        {
            "one draft step for free": lambda alpha, c, gamma: speed(alpha, c, gamma) * (1 + c),
            "without the target's token": lambda alpha, c, gamma: speed(alpha, c, gamma) - 1 / (1 + gamma * c),
        },
    ),
    Part(
        "upper bound",
        _upper,
        lambda alpha, c, gamma: (1 + gamma * alpha) / (1 + gamma * c),
        first_failure,
        {"with one token less": lambda alpha, c, gamma: gamma * alpha / (1 + gamma * c)},
    ),
    Part(
        "criterion",
        _criterion,
        lambda alpha, c: np.array([alpha > c, alpha > c]),
        lambda alpha, c: np.array(
            [any(first_failure(alpha, c, n) > 1 for n in range(1, LONGEST + 1)), first_failure(alpha, c, 1) > 1]
        ),
        {
            "also at equality": lambda alpha, c: np.array([alpha >= c, alpha >= c]),
            "half the cost": lambda alpha, c: np.array([2 * alpha > c, 2 * alpha > c]),
        },
    ),
    Part(
        "one hill",
        _hill,
        _best,
        _climb,
        {
            "always one token": lambda alpha, c: max(speed(alpha, c, 1), Fraction(1)),
            "as long as possible": lambda alpha, c: max(speed(alpha, c, LONGEST), Fraction(1)),
        },
    ),
    Part(
        "kept size",
        _kept,
        _best_kept,
        _marginal,
        {
            "keep all": lambda rises, base, slope: max((1 + sum(rises)) / (1 + base + slope * len(rises)), 1),
            "keep one": lambda rises, base, slope: max((1 + rises[0]) / (1 + base + slope), 1),
        },
    ),
    Part(
        "kept size for union",
        _by_union,
        _union(_best_kept),
        _union(_marginal),
        {"by the draft's mass": lambda p, q, base, slope: _marginal(np.sort(q)[::-1], base, slope)},
    ),
    Part(
        "a smaller head can accept more",
        termwise(Build("p u v", _wasted), Build("u v", _last), shared=Build("u v", _positive), known=WASTE),
        Total(lambda p, q, last, wasted: min(p, q), rows=_useless_rows),
        Total(lambda p, q, last, wasted: 0 if last else min(p, q / (1 - wasted)), rows=_useless_rows),
        {
            "by more than the waste": Total(
                lambda p, q, last, wasted: min(p, q), lambda wasted: wasted, rows=_useless_rows
            )
        },
        known=WASTE,
    ),
    sizes="any γ, N, K",
)
