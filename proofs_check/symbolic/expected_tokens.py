"""R4 of ``expected-tokens``: the geometric series for symbolic draft length, and its convexity."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, induction, symbols
from proofs_check.symbolic._statement import Part, relation, symbolic_proof
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
    sizes="any γ, any number of rates",
)
