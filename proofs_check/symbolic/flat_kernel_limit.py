"""R4 of ``flat-kernel-limit``: deviations of mean 0 in any number, through tangents of the exponential."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic import _softmax
from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, relation, symbolic_proof
from rdk_theory.theorems import flat_kernel_limit as registry
from rdk_theory.theorems._claim import Kind


class Bound:
    """A function of the largest deviation and of `N`, in numbers and in symbols."""

    def __init__(self, of: Callable[[Any, Any], Any]) -> None:
        self.of = of

    def __call__(self, covariance: Any, kept: Any, temperature: Any) -> float:
        """It, for a kernel."""
        import sympy

        s = registry._largest_deviation(covariance, kept, temperature)
        return float(self.of(sympy.Float(s, 30), len(covariance)))


def _exp(x: Any) -> Any:
    import sympy

    return sympy.exp(x)


def _plain(s: Any, n: Any) -> Any:
    return _exp(s) / n


def _sharp(s: Any, n: Any) -> Any:
    return 1 / (1 + (n - 1) * _exp(-s * n / (n - 1)))


def _entry(kind: Kind, stated: Bound, measured: Any) -> Finding:
    """``e^x ≥ 1 + x``, so that the weights of a row sum to at least ``N + Σ x = N``, and ``M = e^x/Σ ≤ e^{s'}/N``."""
    s, n, x = symbols("s N x")
    tangent = _exp(0) * (1 + x - 0)
    return both(_softmax.convexity(), equal((tangent, 1 + x), (_exp(s) / n, stated.of(s, n))))


def _sharp_entry(kind: Kind, stated: Bound, measured: Any) -> Finding:
    """Beside ``x_j = s`` the others have the mean ``c = −s/(N−1)``; by the tangent there they make ``(N−1) e^c``.

    ``M_j ≤ e^s / (e^s + (N−1) e^c)``, which rises in `s`; one deviation up and all others equally down attain it.
    """
    s, n = symbols("s N")
    c = -s / (n - 1)
    others = _exp(c) * ((n - 1) * (1 - c) - s)  # Σ e^c (1 + x_k − c) with Σ x_k = −s
    entry = 1 / (1 + (n - 1) * _exp(-s * n / (n - 1)))
    return both(
        _softmax.convexity(),
        equal((others, (n - 1) * _exp(c)), (c - s, -s * n / (n - 1)), (entry, stated.of(s, n))),
        decide(_falls, "a b more"),
    )


def _falls(x: Any) -> bool:
    """``a/(a + b)`` falls in `b`."""
    x.assume(x["b"] > 0)
    return bool(x["a"] / (x["a"] + x["b"] + x["more"]) <= x["a"] / (x["a"] + x["b"]))


def _sharper(kind: Kind, stated: Bound, measured: Bound) -> Finding:
    """``N ≤ e^s + (N−1) e^{−t}``, ``s = (N−1) t``: the tangents of both exponentials at 0 sum to `N`."""
    t, n = symbols("t N")
    s = (n - 1) * t
    tangents = (1 + s) + (n - 1) * (1 - t)
    claim = _exp(s) + (n - 1) * _exp(-t)
    sides = _exp(s) / measured.of(s, n)  # e^s over the sharp bound
    return both(_softmax.convexity(), equal((tangents, n), (sides, claim), (_exp(s) / stated.of(s, n), n)))


def _weights(kind: Kind, stated: Any, measured: Any) -> Finding:
    """In deviations ``x = ln(y / geometric mean)``, of sum 0, it is the bound of an entry, to the power `N`.

    ``y_max^N / Π y = e^{N x_max}``: the geometric mean cancels.
    """
    g, n, s = symbols("g N s")
    return both(
        _entry(Kind.UPPER, Bound(_plain), None),
        equal(((g * _exp(s)) ** n / g**n, (_exp(s)) ** n)),
        _two_weights(kind, stated, measured),
    )


def _sharp_weights(kind: Kind, stated: Any, measured: Any) -> Finding:
    """As above: ``(1/M_j − 1)/(N−1)`` is the mean of the others over ``y_j``, at least ``e^{c−s}``."""
    return both(_sharp_entry(Kind.UPPER, Bound(_sharp), None), _two_weights(kind, stated, measured))


def _two_weights(kind: Kind, stated: Any, measured: Any) -> Finding:
    """The two sides themselves, for two weights."""

    def holds(x: Any) -> bool:
        x.assume(x["a"] > 0 and x["b"] > 0)
        y = np.array([x["a"], x["b"]], dtype=object)
        return relation(kind)(measured(y) - stated(y))

    return decide(holds, "a b")


def _product(y: Any) -> Any:
    out = y[0] * 0 + 1
    for value in y:
        out = out * value
    return out


def _variances(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``ab ≤ (a² + b²)/2 ≤ max(a², b²)`` in every context; the mean over contexts lifts it."""
    products = decide(lambda x: 2 * x["a"] * x["b"] <= x["a"] ** 2 + x["b"] ** 2, "a b")
    return both(products, decide(lambda x: (x["u"] + x["v"]) / 2 <= max(x["u"], x["v"]), "u v"), _spread(stated))


def _spread(stated: Any) -> Finding:
    """Two tokens whose probabilities differ between contexts: the statement at one covariance of that shape."""

    def holds(x: Any) -> bool:
        x.assume(x["v"] > 0)
        matrix = np.array([[x["v"], -x["v"]], [-x["v"], x["v"]]], dtype=object)
        three = np.array([[x["v"], -x["v"], 0 * x["v"]], [-x["v"], x["v"], 0 * x["v"]], [0 * x["v"]] * 3], dtype=object)
        return all(stated(covariance=m, kept=np.array([0])) >= x["v"] for m in (matrix, three))

    return decide(holds, "v")


def _ceiling(kind: Kind, stated: Any, measured: Any) -> Finding:
    """No entry of ``q'M`` is above that of a row: ``Σ_i q'_i M_ij ≤ e^{s'}/N``. Then ``min(p, ·)`` rises."""
    factor = stated.factor
    rises = decide(lambda x: min(x["p"], x["r"]) <= factor * min(x["p"], x["r"] + x["more"]), "p r more")
    return both(_entry(Kind.UPPER, Bound(_plain), None), rises)


class Ceiling:
    """A multiple of ``Σ min(p, e^{s'}/N)``: its mean over contexts, or at the mean target."""

    def __init__(self, factor: Fraction, mean_target: bool = False) -> None:
        self.factor, self.mean_target = factor, mean_target

    def __call__(self, p: Any, draft: Any, **kernel: Any) -> float:
        """It, for a kernel."""
        entry = Bound(_plain)(**kernel)
        rows = p.mean(axis=0, keepdims=True) if self.mean_target else p
        return float(self.factor) * float(np.minimum(rows, entry).sum() / len(rows))


def _mean_ceiling(kind: Kind, stated: Ceiling, measured: Any) -> Finding:
    """``min(·, c)`` is concave: it lies below `p` and below `c`, and its mean below the mean of `p` and `c`."""
    below = decide(lambda x: min(x["p"], x["c"]) <= x["p"] and min(x["p"], x["c"]) <= x["c"], "p c")
    return both(_ceiling(kind, stated, measured), below)


class Tanh:
    """``tanh`` of a multiple of the largest deviation."""

    def __init__(self, factor: Fraction, share: Fraction = Fraction(1)) -> None:
        self.factor, self.share = factor, share

    def __call__(self, x: Any) -> float:
        """It."""
        return float(self.share) * math.tanh(float(self.factor) * float(np.abs(x).max()))


def _uniform(kind: Kind, stated: Tanh, measured: Any) -> Finding:
    """A set of a share `w` has ``M(A) = w a/(w a + (1−w) b)`` with means ``a, b`` of `e^x` in ``[e^{−s}, e^s]``.

    Its log-odds are off from those of `w` by ``ln a/b ≤ 2s``; then odds: at most ``tanh(2s/4)``.
    """
    w, a, b, s = symbols("w a b s")
    m = w * a / (w * a + (1 - w) * b)
    return both(
        _softmax.odds(),
        equal((m / (1 - m) * (1 - w) / w, a / b), (_exp(s) / _exp(-s), _exp(2 * s)), (2 * s / 4, stated.factor * s)),
        equal((stated.share, 1)),
        decide(lambda x: (x["a"] + x["more"]) * x["b"] <= (x["a"] + x["more"]) * (x["b"] + x["less"]), "a b more less"),
    )


PROOF = symbolic_proof(
    "flat-kernel-limit",
    __name__,
    Part("entry", _entry, Bound(_plain), registry._largest_entry, {"uniform": Bound(lambda s, n: 1 / n + 0 * s)}),
    Part(
        "sharp entry",
        _sharp_entry,
        Bound(_sharp),
        registry._largest_entry,
        {"three quarters": Bound(lambda s, n: 3 * _sharp(s, n) / 4)},
    ),
    Part("sharper", _sharper, Bound(_plain), Bound(_sharp), {"than half of it": Bound(lambda s, n: _plain(s, n) / 2)}),
    Part(
        "entry in weights",
        _weights,
        lambda y: max(y) ** len(y) / _product(y),
        lambda y: (len(y) * max(y) / sum(y)) ** len(y),
        {"the smallest weight": lambda y: min(y) ** len(y) / _product(y)},
    ),
    Part(
        "sharp entry in weights",
        _sharp_weights,
        lambda y: _product(y) / max(y) ** len(y),
        lambda y: ((sum(y) - max(y)) / max(y) / (len(y) - 1)) ** (len(y) - 1),
        {"twice that": lambda y: 2 * _product(y) / max(y) ** len(y)},
    ),
    Part(
        "variances suffice",
        _variances,
        lambda covariance, kept: max(np.diagonal(covariance)),
        lambda covariance, kept: max(x for i in kept for x in covariance[i]),
        {"the mean variance": lambda covariance, kept: sum(np.diagonal(covariance)) / len(covariance)},
    ),
    Part(
        "acceptance",
        _ceiling,
        Ceiling(Fraction(1)),
        registry._acceptance,
        {"half of it": Ceiling(Fraction(1, 2))},
    ),
    Part(
        "acceptance from the mean target",
        _mean_ceiling,
        Ceiling(Fraction(1), mean_target=True),
        registry._acceptance,
        {"half of it": Ceiling(Fraction(1, 2), mean_target=True)},
    ),
    Part(
        "distance from uniform",
        _uniform,
        Tanh(Fraction(1, 2)),
        registry._distance_from_uniform,
        {"two thirds of it": Tanh(Fraction(1, 2), Fraction(2, 3))},
    ),
    sizes="any N, any temperature",
)
