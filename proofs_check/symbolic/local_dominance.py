"""R4 of ``local-dominance``, for any number of tokens and of contexts: the mean is one sum over their tokens."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from proofs_check.symbolic import _mixing
from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._every import Entries
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Build, Part, Total, symbolic_proof, termwise, tried
from rdk_theory.theorems import local_dominance as registry
from rdk_theory.theorems._claim import Kind


def _rows(p: Any, q: Any, r: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Numbers of every token of every context, and a step below which no term bends."""
    step = Fraction(1, lcm(*(x.denominator for x in (p - q).ravel())) + 1)
    rows = zip(p.ravel(), q.ravel(), r.ravel(), strict=True)
    return [{"p": a, "q": b, "rise": c - b, "contexts": len(p)} for a, b, c in rows], {"step": step}


def _near(x: Any) -> dict[str, Any]:
    """A step small enough: the term moves by less than ``|p − q'|``, unless that is 0."""
    move = x["up"] - x["down"]
    x.assume(x["step"] > 0)
    x.assume(x["p"] == x["q"] or abs(move) <= abs(x["p"] - x["q"]))
    return {"p": x["p"], "q": x["q"], "rise": move / x["step"], "contexts": 1, "step": x["step"]}


NEAR = Build("p q up down step", _near)
STEP = Build("unit", lambda x: {"step": None})


def _total(token: Any) -> Total:
    return Total(lambda contexts, step, **x: token(**x, step=step) / contexts, lambda step: 0, _rows)


SLOPE = _total(lambda p, q, rise, step: _mixing.slope(p, q, rise))
TRIAL = _total(lambda p, q, rise, step: (min(p, q + step * rise) - min(p, q)) / step)


def _slopes(kind: Kind, stated: Any, measured: Any) -> Finding:
    road = termwise(NEAR, shared=STEP)
    return both(*(road(kind, one, measured) for one in getattr(stated, "formulas", (stated,))))


def _concave(kind: Kind, stated: Any, measured: Any) -> Finding:
    """A mixture is affine in its weight, and ``min(p, ·)`` is concave, term by term."""
    q, r, a, b, s = symbols("q r a b s")

    def mixed(w: Any) -> Any:
        return (1 - w) * q + w * r

    affine = equal((mixed(s * a + (1 - s) * b), s * mixed(a) + (1 - s) * mixed(b)))
    return both(affine, _mixing.chords(), tried(kind, stated, measured, WEIGHTS))


def _at(p: Any, q: Any, r: Any, weight: Any) -> Any:
    return np.minimum(p, (1 - weight) * q + weight * r).sum() / len(p)


def _chord(p: Any, q: Any, r: Any, low: Any, high: Any, share: Any) -> Any:
    return share * _at(p, q, r, low) + (1 - share) * _at(p, q, r, high)


def _between(p: Any, q: Any, r: Any, low: Any, high: Any, share: Any) -> Any:
    return _at(p, q, r, share * low + (1 - share) * high)


def _context(p: tuple[int, ...], q: tuple[int, ...], r: tuple[int, ...]) -> dict[str, np.ndarray]:
    rows = {"p": p, "q": q, "r": r}
    return {name: np.array([[Fraction(n, sum(row)) for n in row]], dtype=object) for name, row in rows.items()}


SOME = (
    _context((1, 1), (1, 3), (3, 1)),  # wins at a small weight, not at the whole
    _context((1, 1), (1, 1), (3, 1)),  # loses from the start
    _context((1, 1, 2), (1, 2, 1), (1, 2, 1)),  # nothing moves
    _context((1, 1, 2), (2, 2, 0), (1, 3, 0)),  # loses nothing and wins nothing at first
)
WEIGHTS = tuple({**one, "low": Fraction(0), "high": Fraction(1), "share": Fraction(1, 2)} for one in SOME)


def _iff(kind: Kind, stated: Any, measured: Any) -> Finding:
    """Near 0 the mean is affine with that slope, and nowhere above this line."""
    return both(_mixing.wins_iff(), _slopes(Kind.IDENTITY, SLOPE, TRIAL), tried(kind, stated, measured, SOME))


def _back(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``f(λb) ≥ (1−λ) f(0) + λ f(b)``, so that weights below a safe one are safe: the safe weights are an interval."""
    fall = decide(lambda x: x["u"] * x["f"] + x["v"] * (x["f"] + x["more"]) >= (x["u"] + x["v"]) * x["f"], "u v f more")
    return both(_mixing.chords(), fall)


PROOF = symbolic_proof(
    "local-dominance",
    __name__,
    Part("concave", _concave, _chord, _between, {"convex": None, "affine": None}),
    Part(
        "slope",
        _slopes,
        Entries((SLOPE, SLOPE)),
        TRIAL,
        {
            "ties forgotten": _total(lambda p, q, rise, step: rise if q < p else 0 * p),
            "ties counted as under-covered": _total(lambda p, q, rise, step: rise if q <= p else 0 * p),
        },
    ),
    Part(
        "iff the slope is positive",
        _iff,
        lambda **x: bool(SLOPE(**x) > 0),
        registry.CLAIM.clause("iff the slope is positive").measured,
        {
            "slope of at least 0 suffices": lambda **x: bool(SLOPE(**x) >= 0),
            "iff the whole weight wins": lambda **x: bool(_at(**x, weight=1) > _at(**x, weight=0)),
        },
    ),
    Part(
        "iff the slope is not negative",
        _iff,
        lambda **x: bool(SLOPE(**x) >= 0),
        registry.CLAIM.clause("iff the slope is not negative").measured,
        {"only a positive slope is safe": lambda **x: bool(SLOPE(**x) > 0)},
    ),
    Part(
        "interval",
        _back,
        registry.CLAIM.clause("interval").stated,
        lambda p, q, r, weight: bool(_at(p, q, r, weight) >= _at(p, q, r, Fraction(0))),
        covers="the safe weights are an interval from 0; its end as the package finds it is not symbolic",
    ),
    sizes="any N, any number of contexts, every θ",
)
