"""R4 of ``linear-cost``: the package's own cost functions, called with symbols for all sizes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from proofs_check import _costs
from proofs_check.symbolic._cases import Finding, both
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, symbolic_proof
from rdk_theory.kernels import Diffusion, Operations
from rdk_theory.theorems import linear_cost as registry
from rdk_theory.theorems._check import Status
from rdk_theory.theorems._claim import Kind

COSTS: dict[str, Callable[[Any, Any, Any, Any], Operations]] = _costs.COSTS | {
    "diffusion": lambda N, K, R, e: Diffusion.cost(N, K, _terms("diffusion")),
    "diffusion, sparse": lambda N, K, R, e: Diffusion.cost(N, K, _terms("diffusion, sparse"), N * e),
}

DEGREES = (2, 1, 1, 1)
"""Largest degrees in `N`, `K`, `R` and `e` of a count: loops over a matrix, over vectors, over terms."""


def _terms(kind: str) -> int:
    """Terms of the series, which do not depend on the sizes."""
    sizes = (2, 1, 1, 1)
    kernel = registry.MAKE[kind](registry._vocab(sizes), sizes)
    assert isinstance(kernel, Diffusion)
    return kernel.terms


def _arithmetic(kind: str, sizes: Any) -> np.ndarray:
    cost = COSTS[kind](*sizes)
    return np.array([cost.multiplications, cost.additions])


def _counts(kind: Kind, stated: Any, measured: Any) -> Finding:
    """A polynomial of these degrees is known from its values on a grid of as many points, plus one, on every axis."""
    import sympy

    sizes = symbols("N K R e")
    axes = [[low + i for i in range(degree + 2)] for low, degree in zip((4, 1, 1, 1), DEGREES, strict=True)]
    for name in COSTS:
        formula = stated(name, sizes)
        for entry in formula:
            degrees = sympy.Poly(entry, *sizes).degree_list()
            if any(a > b for a, b in zip(degrees, DEGREES, strict=True)):
                return Finding(Status.REFUTED, 1, {"kind": name, "degrees": degrees})
        for point in product(*axes):
            values = [int(sympy.sympify(x).subs(dict(zip(sizes, point, strict=True)))) for x in formula]
            if values != measured(name, point).tolist():
                return Finding(Status.REFUTED, 1, {"kind": name, "sizes": point})
    return Finding(Status.PROVED, len(COSTS))


def _bytes(kind: str, sizes: Any) -> Any:
    return COSTS[kind](*sizes).bytes(4)


def _arrays(kind: str, sizes: Any) -> Any:
    return 4 * (sizes[1] + registry.ENTRIES[kind](*sizes) + sizes[0])


def _bytes_by_symbols(kind: Kind, stated: Any, measured: Any) -> Finding:
    sizes = symbols("N K R e")
    return both(*(equal((stated(name, sizes), measured(name, sizes))) for name in registry.ENTRIES))


def _exponents(kind: Kind, stated: Any, measured: Any) -> Finding:
    """The degree in `N`, the limit of ``cost(2N)/cost(N)``, and two digits from ``ratio^100`` against powers of 2."""
    import sympy

    (n,) = symbols("n")
    for name, (_, cost) in registry.GROWTH.items():
        degree = int(stated(name))
        work = registry_work(cost(4 * n))
        ratio = sympy.Rational(work.subs(n, 1 << 16), work.subs(n, 1 << 10))
        near = 2 ** (600 * degree - 3) <= ratio**100 <= 2 ** (600 * degree + 3)
        limit = sympy.limit(work.subs(n, 2 * n) / work, n, sympy.oo)
        if sympy.Poly(work, n).degree() != degree or limit != 2**degree or not near:
            return Finding(Status.REFUTED, 1, {"kind": name, "degree": sympy.Poly(work, n).degree()})
    return Finding(Status.PROVED, len(registry.GROWTH))


def registry_work(cost: Operations) -> Any:
    """All of a cost as one number."""
    return cost.multiplications + cost.additions + cost.exponentials + cost.reads + cost.writes


PROOF = symbolic_proof(
    "linear-cost",
    __name__,
    Part(
        "bytes",
        _bytes_by_symbols,
        _bytes,
        _arrays,
        {"the proposal alone": lambda kind, sizes: 4 * sizes[0]},
    ),
    Part(
        "exponents",
        _exponents,
        lambda kind: registry.GROWTH[kind][0],
        lambda kind: registry._exponent(kind, registry_work),
        {"all linear": lambda kind: 1, "all quadratic": lambda kind: 2},
    ),
    Part(
        "arithmetic",
        _counts,
        _arithmetic,
        registry._counted,
        {
            "that of a dense kernel": lambda kind, sizes: _arithmetic("dense", sizes),
            "one sum for each product": lambda kind, sizes: _arithmetic(kind, sizes)[[0, 0]],
        },
        covers="every size, if the counts are polynomials of degree at most 2 in N and 1 in K, R and stored entries",
    ),
    sizes="any N, K, R, nnz",
)
