"""R4 of ``expected-tokens``: the geometric series for any draft length, its convexity, and chains of any length."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, induction, symbols
from proofs_check.symbolic._statement import Part, relation, symbolic_proof
from proofs_check.symbolic._tokens import common, over, trial
from rdk_theory.theorems import _sequences
from rdk_theory.theorems._claim import Kind


def series(alpha: Any, gamma: Any) -> Any:
    """``Σ_{k≤γ} α^k``; in symbols ``(1 − α^{γ+1})/(1 − α)``."""
    if isinstance(gamma, int):
        return sum(alpha**k for k in range(gamma + 1))
    return (1 - alpha ** (gamma + 1)) / (1 - alpha)


def _first_failure(joint: Any, alpha: Any, gamma: int) -> Any:
    """``Σ_k (k+1) P[the first k pass, the next does not]``: what the law of independent tests gives."""
    return sum((k + 1) * alpha**k * (1 - alpha) for k in range(gamma)) + (gamma + 1) * alpha**gamma


def _geometric(kind: Kind, stated: Any, measured: Any) -> Finding:
    """All roads to the sum satisfy the recursions of the sum, for every draft length.

    ``E(γ+1) = 1 + α E(γ)`` (the first drafted token passes, and the rest begins again) is also what the package's loop
    does. Adding one drafted token to ``Σ_k (k+1) P[first failure at k]`` adds ``α^{γ+1}``.
    """
    import sympy

    alpha, gamma = symbols("alpha gamma")

    def closed(n: Any) -> Any:
        return stated(joint=None, alpha=alpha, gamma=n)

    return both(
        induction(closed, (0, 1), lambda value, n: 1 + alpha * value, gamma),
        induction(closed, (0, 1), lambda value, n: value + alpha ** (n + 1), gamma),
        first_failures(),
        equal((sympy.limit(closed(gamma), alpha, 1), gamma + 1)),
    )


def first_failures() -> Finding:
    """One drafted token more adds ``α^{γ+1}`` to ``Σ_k (k+1) P[first failure at k]``."""
    alpha, n = symbols("alpha n")
    more = (n + 1) * alpha**n * (1 - alpha) + (n + 2) * alpha ** (n + 1) - (n + 1) * alpha**n
    return equal((more, alpha ** (n + 1)))


def _varying(kind: Kind, stated: Any, measured: Any) -> Finding:
    """Each power lies above its tangent at the mean, and the mean over rates lifts that.

    The two sides themselves are compared at two equally likely rates.
    """

    def two_rates(u: Any) -> bool:
        shares = np.array([Fraction(1, 2)] * 2, dtype=object)
        rates = np.array([u["a"], u["b"]], dtype=object)
        return all(relation(kind)(measured(shares, rates, n) - stated(shares, rates, n)) for n in (1, 2))

    return both(decide(two_rates, "a b"), tangents())


def tangents() -> Finding:
    """A power lies above its tangents, by induction on the exponent.

    ``x^{k+1} − m^{k+1} − (k+1) m^k (x − m) = x [x^k − m^k − k m^{k−1} (x − m)] + k m^{k−1} (x − m)²``.
    """
    x, m, k = symbols("x m_ k")

    def above(n: Any) -> Any:
        return x**n - m**n - n * m ** (n - 1) * (x - m)

    return both(
        equal((above(1), 0), (above(k + 1), x * above(k) + k * m ** (k - 1) * (x - m) ** 2)),
        decide(lambda u: (u["x"] - u["m"]) ** 2 >= 0, "x m"),
    )


# Chains: laws that depend on the prefix.


class Chain:
    """``Σ_i Σ_{x_{1:i}} Π_j factor(p, r)``, over all prefixes of a drafted chain."""

    def __init__(self, factor: Callable[[Any, Any], Any]) -> None:
        self.factor = factor

    def __call__(self, targets: Any, proposals: Any) -> Any:
        """It, by enumeration."""
        weights: dict[tuple[int, ...], Any] = {(): Fraction(1)}
        whole = 0 * targets[0][0]
        for p, r in zip(targets, proposals, strict=True):
            weights = {
                (*x, t): w * self.factor(p[(*x, t)], r[(*x, t)]) for x, w in weights.items() for t in range(p.shape[-1])
            }
            whole = whole + sum(weights.values())
        return whole


def _chain(kind: Kind, stated: Chain, measured: Chain) -> Finding:
    """A prefix longer by one token has the factor of that token on both sides: products agree by induction."""
    return decide(lambda x: x["w"] * measured.factor(x["p"], x["r"]) == x["w"] * stated.factor(x["p"], x["r"]), "w p r")


class Expected:
    """Rejections from a prefix on: those of the next token, and what follows with a weight for each token."""

    def __init__(self, here: Callable[[Any, Any], Any], after: Callable[[Any, Any], Any]) -> None:
        self.here, self.after = here, after

    def __call__(self, targets: Any, proposals: Any, block: int) -> Any:
        """It, from the start."""
        return self.onwards(targets, proposals, ())

    def onwards(self, targets: Any, proposals: Any, prefix: tuple[int, ...]) -> Any:
        """By recursion on the prefix."""
        if len(prefix) == len(targets):
            return 0
        p, r = targets[len(prefix)][prefix], proposals[len(prefix)][prefix]
        rest = [self.onwards(targets, proposals, (*prefix, t)) for t in range(len(p))]
        return sum(self.here(a, b) + self.after(a, b) * f for a, b, f in zip(p, r, rest, strict=True))


class Played(Expected):
    """Decoding played out, as the registry does, with bonus tokens or without."""

    def __init__(self, bonus: bool) -> None:
        super().__init__(over, lambda p, r: min(p, r) + over(p, r))
        self.bonus = bonus

    def __call__(self, targets: Any, proposals: Any, block: int) -> Any:
        """By steps."""
        return _sequences.rejections(targets, proposals, block, bonus=self.bonus)


def _trajectory(kind: Kind, stated: Expected, measured: Played) -> Finding:
    """From the last position backwards: what follows a token is the same whether it was accepted or put in place.

    A token is emitted with ``min(p, r) + (p − r)_+ = p``, and rejected with ``Σ (p − r)_+``, the distance.
    """

    def step(x: Any) -> bool:
        p, r, rest = x["p"], x["r"], x["rest"]
        played = min(p, r) * rest + over(p, r) * (1 + rest)
        return bool(played == stated.here(p, r) + stated.after(p, r) * rest)

    return decide(step, "p r rest")


def _with_bonus(kind: Kind, stated: Expected, measured: Played) -> Finding:
    """A bonus token is not rejected, and what follows is at most the sum, however the call goes on."""

    def step(x: Any) -> bool:
        p, r, most = x["p"], x["r"], x["a"] + x["b"] + x["c"]
        sides = min(p, r) * x["a"] + over(p, r) * (1 + x["a"] + x["b"]), p * (x["a"] + x["c"])
        return all(relation(kind)(side - stated.here(p, r) - stated.after(p, r) * most) for side in sides)

    return decide(step, "p r a b c")


PROOF = symbolic_proof(
    "expected-tokens",
    __name__,
    Part(
        "geometric",
        _geometric,
        lambda joint, alpha, gamma: series(alpha, gamma),
        _first_failure,
        {
            "without the target's token": lambda joint, alpha, gamma: series(alpha, gamma) - 1,
            "one draft too many": lambda joint, alpha, gamma: series(alpha, gamma + 1),
            "all or nothing": lambda joint, alpha, gamma: 1 + gamma * alpha,
        },
    ),
    Part(
        "varying rates",
        _varying,
        lambda shares, rates, gamma: series((shares * rates).sum(), gamma),
        lambda shares, rates, gamma: sum(s * series(a, gamma) for s, a in zip(shares, rates, strict=True)),
        {"below instead": None, "at the largest rate": lambda shares, rates, gamma: series(max(rates), gamma)},
    ),
    Part(
        "one call",
        _chain,
        Chain(common),
        Chain(trial),
    ),
    Part(
        "trajectory",
        _trajectory,
        Expected(over, lambda p, r: p),
        Played(bonus=False),
        {"prefixes from the draft": Expected(over, lambda p, r: r)},
    ),
    Part(
        "trajectory with bonus tokens",
        _with_bonus,
        Expected(over, lambda p, r: p),
        Played(bonus=True),
        {"equal": None},
    ),
    sizes="any γ, any number of rates; any N and laws of the prefix",
)
