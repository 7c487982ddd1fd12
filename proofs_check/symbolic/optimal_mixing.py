"""R4 of ``optimal-mixing``: between bends each term is affine, for any number of tokens."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from proofs_check.symbolic import _mixing
from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, symbolic_proof, tried
from proofs_check.symbolic.local_dominance import SOME, _at
from rdk_theory.theorems import _mixtures
from rdk_theory.theorems import optimal_mixing as registry
from rdk_theory.theorems._check import Status
from rdk_theory.theorems._claim import Kind


def _middles(p: Any, q: Any, r: Any) -> np.ndarray:
    return np.array([_at(p, q, r, (a + b) / 2) for a, b in pairwise(_mixtures.bends(p, q, r))])


def _chords(p: Any, q: Any, r: Any) -> np.ndarray:
    edges = _mixtures.bends(p, q, r)
    return np.array([(_at(p, q, r, a) + _at(p, q, r, b)) / 2 for a, b in pairwise(edges)])


def _whole_chord(p: Any, q: Any, r: Any) -> Any:
    return (_at(p, q, r, 0) + _at(p, q, r, 1)) / 2


def _affine(kind: Kind, stated: Any, measured: Any) -> Finding:
    """Where a mixture is on one side of `p` at both ends it is so between, and the term is `p` or the mixture.

    ``p − (1−θ) q' − θ r`` vanishes at ``θ = (p − q')/(r − q')`` and nowhere else.
    """
    p, q, r = symbols("p q r")
    bend = (p - q) / (r - q)
    return both(
        equal(((1 - bend) * q + bend * r, p)),
        decide(_one_side, "p a b u v"),
        tried(kind, stated, measured, SOME),
    )


def _one_side(x: Any) -> bool:
    p, a, b, u, v = (x[name] for name in "pabuv")
    x.assume((a <= p and b <= p) or (a >= p and b >= p))
    # min(p, ·) at the point between, times u + v, is what the ends give: the smaller side is the same at all three.
    low = a <= p and b <= p
    between, whole = u * a + v * b, (u + v) * p
    return bool(
        (between <= whole if low else between >= whole) and u * min(p, a) + v * min(p, b) == (between if low else whole)
    )


def _ends(kind: Kind, stated: Any, measured: Any) -> Finding:
    """An affine piece is largest at one of its ends, so that some bend, 0 or 1 is a maximiser."""
    piece = decide(lambda x: x["u"] * x["a"] + x["v"] * x["b"] <= (x["u"] + x["v"]) * max(x["a"], x["b"]), "a b u v")
    return both(_affine(Kind.IDENTITY, _middles, _chords), piece, _mixing.chords())


class Comparisons:
    """A bound on comparisons, of the number of bends."""

    def __init__(self, of: Callable[[Any], Any]) -> None:
        self.of = of

    def __call__(self, bends: Any, slope: Any) -> Any:
        """It."""
        return Fraction(self.of(len(bends)))


def _linear(kind: Kind, stated: Comparisons, measured: Any) -> Finding:
    """``T(n) ≤ n − 1 + mean over pivots of T(larger side)``, by induction: the bound satisfies it for even and odd `n`.

    A fair pivot leaves at most ``max(k − 1, n − k)`` bends for each ``k = 1, …, n``.
    """
    import sympy

    m, j = sympy.Symbol("m", integer=True, nonnegative=True), sympy.Symbol("j", integer=True)
    even = 2 * sympy.summation(stated.of(j), (j, m, 2 * m - 1))
    odd = stated.of(m) + 2 * sympy.summation(stated.of(j), (j, m + 1, 2 * m))
    for n, sides in ((2 * m, even), (2 * m + 1, odd)):
        left = sympy.Poly(sympy.expand(n * (stated.of(n) - n + 1) - sides), m)
        if any(value < 0 for value in left.coeffs()):
            below = [k for k in range(1, 9) if left.eval(k) < 0]
            status = Status.REFUTED if below else Status.UNKNOWN
            return Finding(status, 1, {"n": n.subs(m, below[0]) if below else n})
    return Finding(Status.PROVED, 2)


PROOF = symbolic_proof(
    "optimal-mixing",
    __name__,
    Part("piecewise linear", _affine, _middles, _chords, {"affine on [0, 1]": _whole_chord}),
    Part(
        "maximum",
        _ends,
        registry.CLAIM.clause("maximum").stated,
        registry.CLAIM.clause("maximum").measured,
        covers="the maximum is reached at 0, 1 or a bend; that the package finds it is not symbolic",
    ),
    Part(
        "selection is linear",
        _linear,
        Comparisons(lambda n: 4 * n),
        registry.CLAIM.clause("selection is linear").measured,
        {"one pass": Comparisons(lambda n: n - 1)},
    ),
    sizes="any N, any number of contexts and of bends",
)
