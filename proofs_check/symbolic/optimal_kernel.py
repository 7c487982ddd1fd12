"""R4 of ``optimal-kernel``: weak duality term by term, for any number of contexts, tokens and kept tokens."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic import _mixing
from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._statement import Build, Part, Total, relation, share, symbolic_proof, termwise, tried
from rdk_theory.theorems._claim import Kind


def _rows(p: Any, q: Any, matrix: Any, duals: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every token of every context with its price; what the kernel's rows are paid, and what they could be paid.

    ``paid = Σ_ij M_ij E[q'_i s_j]`` is ``E Σ_t s_t p̃_t``, the same sum in another order.
    """
    worth = q.T @ duals / len(p)
    rows = zip(p.ravel(), (q @ matrix).ravel(), duals.ravel(), strict=True)
    tokens = [{"p": a, "r": b, "s": c, "contexts": len(p)} for a, b, c in rows]
    most, least = worth.max(axis=-1).sum(), worth.min(axis=-1).sum()
    return tokens, {"paid": (matrix * worth).sum(), "most": most, "least": least}


def _token(x: Any) -> dict[str, Any]:
    numbers = {"p": x["p"], "r": x["r"], "s": share(x, "u", "v"), "contexts": 1}
    return {**numbers, "paid": None, "most": None, "least": None}


def _sums(x: Any) -> dict[str, Any]:
    """A row is paid at least the least of its prices, and at most the largest."""
    paid = x["least"] + x["a"]
    return {"paid": paid, "most": paid + x["b"], "least": x["least"]}


def _total(token: Any, constant: Any = lambda paid, most, least: 0) -> Total:
    return Total(lambda p, r, s, contexts, **_: token(p, r, s) / contexts, constant, _rows)


def _slack(p: Any, r: Any, s: Any) -> Any:
    return (1 - s) * max(p - r, 0) + s * max(r - p, 0)


TOKEN, SUMS = Build("p r u v", _token), Build("least a b", _sums)
PAID = _total(lambda p, r, s: s * r, lambda paid, most, least: -paid)
OWED = _total(lambda p, r, s: -s * r, lambda paid, most, least: paid)


def _acceptance(p: Any, q: Any, matrix: Any) -> Any:
    return np.minimum(p, q @ matrix).sum() / len(p)


def _concave(kind: Kind, stated: Any, measured: Any) -> Finding:
    """A proposal is linear in the kernel, and ``min(p, ·)`` is concave."""
    return both(_mixing.chords(), tried(kind, stated, measured, (KERNELS,)))


HALF, ONE, ZERO = Fraction(1, 2), Fraction(1), Fraction(0)
KERNELS = {
    "p": np.array([[HALF, HALF]], dtype=object),
    "q": np.array([[ONE]], dtype=object),
    "first": np.array([[ONE, ZERO]], dtype=object),
    "second": np.array([[ZERO, ONE]], dtype=object),
    "share": HALF,
}


def _maps(p: Any, q: Any) -> Any:
    """One kept token, moved to the likeliest token."""
    return max(p[0].tolist())


def _short(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``p = (x, 1−x)`` with ``0 < x < 1``: a map is accepted as often as its token, the kernel ``p`` always."""

    def wins(x: Any) -> bool:
        x.assume(x["u"] > 0 and x["v"] > 0)
        first = share(x, "u", "v")
        p, q = np.array([[first, 1 - first]], dtype=object), np.array([[1 + 0 * first]], dtype=object)
        return relation(kind)(measured(p, q) - stated(p, q))

    return decide(wins, "u v")


PROOF = symbolic_proof(
    "optimal-kernel",
    __name__,
    Part(
        "gap",
        termwise(TOKEN, shared=SUMS, known=PAID),
        _total(_slack, lambda paid, most, least: most - paid),
        _total(lambda p, r, s: (1 - s) * p - min(p, r), lambda paid, most, least: most),
        {
            "tokens alone": _total(_slack),
            "rows alone": _total(lambda p, r, s: 0 * p, lambda paid, most, least: most - paid),
        },
        known=PAID,
    ),
    Part(
        "bound",
        termwise(TOKEN, shared=SUMS, known=OWED),
        _total(lambda p, r, s: (1 - s) * p, lambda paid, most, least: most),
        _total(lambda p, r, s: min(p, r)),
        {"the worst token in place of the best": _total(lambda p, r, s: (1 - s) * p, lambda paid, most, least: least)},
        known=OWED,
    ),
    Part(
        "concave",
        _concave,
        lambda p, q, first, second, share: share * _acceptance(p, q, first) + (1 - share) * _acceptance(p, q, second),
        lambda p, q, first, second, share: _acceptance(p, q, share * first + (1 - share) * second),
        {"linear": None, "convex": None},
    ),
    Part(
        "deterministic kernels fall short",
        _short,
        _maps,
        lambda p, q: sum(min(a, a * q[0, 0]) for a in p[0]),
        {"maps suffice": None},
    ),
    sizes="any number of contexts, any N, any K",
)
