"""R4 of ``overshoot``: the weight is the drafter's cold mass, so that the mixture is the full draft on kept tokens."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._statement import Build, Part, Total, share, symbolic_proof, termwise, tried
from rdk_theory.theorems import _mixtures
from rdk_theory.theorems import overshoot as registry
from rdk_theory.theorems._claim import Kind


def _rows(p: Any, q: Any, kept: Any, prior: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """At each token the target, the full draft, the restricted draft, and what the prior gives; and the cold mass."""
    inside = q[kept].sum()
    tokens = [
        {
            "p": a,
            "q": 0 * b if cold else b,
            "tli": 0 * b if cold else b / inside,
            "given": (1 - inside) * r,
            "cold": cold,
        }
        for a, b, r, cold in zip(p, q, prior, _mixtures.is_cold(kept, len(p)), strict=True)
    ]
    return tokens, {"lost": 1 - inside}


def _kept(covered: bool = False) -> Build:
    """A kept token: ``q ≤ q'``; `covered`: and the draft is at least the target."""

    def make(x: Any) -> dict[str, Any]:
        q = x["q"]
        if covered:
            x.assume(q >= x["p"])
        return {"p": x["p"], "q": q, "tli": q + x["more"], "given": 0 * q, "cold": False, "lost": None}

    return Build("p q more", make)


def _cold(unwasted: bool = False) -> Build:
    def make(x: Any) -> dict[str, Any]:
        p = x["given"] + x["p"] if unwasted else x["p"]
        return {"p": p, "q": 0 * p, "tli": 0 * p, "given": x["given"], "cold": True, "lost": None}

    return Build("p given", make)


SHARED = Build("u v", lambda x: {"lost": share(x, "u", "v")})


def _total(token: Any, constant: Any = lambda lost: 0) -> Total:
    return Total(lambda lost, **x: token(**x), constant, _rows)


def _after(p: Any, q: Any, tli: Any, given: Any, cold: bool) -> Any:
    return min(p, given) if cold else min(p, q)


def _before(p: Any, q: Any, tli: Any, given: Any, cold: bool) -> Any:
    return 0 * p if cold else min(p, tli)


def _gain(**x: Any) -> Any:
    return _after(**x) - _before(**x)


def _split(p: Any, q: Any, tli: Any, given: Any, cold: bool) -> Any:
    return min(p, given) if cold else -(min(p, tli) - min(p, q))


def _won(p: Any, q: Any, tli: Any, given: Any, cold: bool) -> Any:
    return min(p, given) if cold else 0 * p


BEFORE, AFTER, GAIN = _total(_before), _total(_after), _total(_gain)
MOVED = _total(lambda p, q, tli, given, cold: q - tli + given)
"""What kept tokens lose of the draft is what the prior gives: this vanishes."""


def _bound(factor: Any) -> Any:
    def road(p: Any, q: Any, kept: Any, prior: Any) -> Any:
        cold = np.array(_mixtures.is_cold(kept, len(p)))
        lost, missing = q[cold].sum(), np.maximum(p[kept] - q[kept], 0).sum()
        return factor * (min(lost, missing) - np.minimum(p[cold], lost * prior[cold]).sum())

    return road


def _largest(kind: Kind, stated: Any, measured: Any) -> Finding:
    """A kept token loses at most ``q' − q``, which sums to ``q(C)``, and at most ``(p − q)_+``."""

    def loss(x: Any) -> bool:
        lost = min(x["p"], x["q"] + x["more"]) - min(x["p"], x["q"])
        return bool(lost <= x["more"] and lost <= max(x["p"] - x["q"], 0))

    return both(decide(loss, "p q more"), tried(kind, stated, measured, (registry._all_lost(),)))


def _on_kept(x: Any) -> dict[str, Any]:
    """``p = q'``, and ``q = (1 − q(C)) p``."""
    lost = share(x, "u", "v")
    q = (1 - lost) * x["p"]
    return {"p": x["p"], "q": q, "tli": x["p"], "given": 0 * q, "cold": False, "lost": lost}


def _never(x: Any) -> dict[str, Any]:
    zero = 0 * x["given"]
    return {"p": zero, "q": zero, "tli": zero, "given": x["given"], "cold": True, "lost": zero}


def _some_lost(x: Any) -> dict[str, Any]:
    x.assume(x["u"] > 0)
    return {"lost": share(x, "u", "v")}


TARGET = Total(lambda lost, **x: x["p"] * lost, lambda lost: -lost, _rows)
"""The target is a law: this vanishes."""


def _wrong_token(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``p = (1−c, 0, c, 0)``, ``q = (x, 1−c−x, c, 0)`` with ``x < 1−c``, the prior on the token that is never emitted.

    Before, the first token is accepted as often as the smaller of ``1 − c`` and ``x/(1−c)``, and after as often as `x`,
    which is below both.
    """

    def below(x: Any) -> bool:
        x.assume(x["x"] > 0 and x["rest"] > 0 and x["c"] > 0)
        unit = x["x"] + x["rest"] + x["c"]
        first, inside = x["x"] / unit, (x["x"] + x["rest"]) / unit
        return bool(first < inside and first < first / inside)

    some = (_family(Fraction(1, 4), Fraction(1, 4)), _family(Fraction(1, 2), Fraction(1, 6)))
    return both(decide(below, "x rest c"), tried(kind, stated, measured, some))


def _family(c: Fraction, first: Fraction) -> dict[str, Any]:
    rows = {
        "p": [1 - c, 0 * c, c, 0 * c],
        "q": [first, 1 - c - first, c, 0 * c],
        "prior": [0 * c, 0 * c, 0 * c, 1 + 0 * c],
    }
    return {name: np.array(row, dtype=object) for name, row in rows.items()} | {"kept": np.array([0, 1])}


def _some_prior(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``min(p, aπ) ≥ π min(p, a)`` for ``π ≤ 1``, so that ``Σ_C min(p, q(C) π)`` is least at a point mass."""

    def scaled(x: Any) -> bool:
        part, whole = x["u"], x["u"] + x["v"]
        least = part * min(x["p"], x["a"])
        return bool(least <= whole * x["p"] and least <= part * x["a"])

    return both(decide(scaled, "p a u v"), tried(kind, stated, measured, EVERY))


def _can_lose(p: Any, q: Any, kept: Any, prior: Any) -> bool:
    cold = np.array(_mixtures.is_cold(kept, len(p)))
    lost = q[cold].sum()
    taken = (np.minimum(p[kept], q[kept] / (1 - lost)) - np.minimum(p[kept], q[kept])).sum()
    return bool(min(min(x, lost) for x in p[cold]) < taken)


def _anything_taken(p: Any, q: Any, kept: Any, prior: Any) -> bool:
    return bool(q[kept].sum() < 1)


EVERY = tuple(
    {
        "p": np.array([Fraction(a, 4), Fraction(4 - a, 4)], dtype=object),
        "q": np.array([Fraction(b, 4), Fraction(4 - b, 4)], dtype=object),
        "kept": np.array([0]),
        "prior": np.array([Fraction(0), Fraction(1)], dtype=object),
    }
    for a in range(5)
    for b in range(1, 5)
)

PROOF = symbolic_proof(
    "overshoot",
    __name__,
    Part(
        "gain",
        termwise(_kept(), _cold(), shared=SHARED),
        _total(_split),
        GAIN,
        {"the kept part is free": _total(_won)},
    ),
    Part(
        "target on kept tokens",
        termwise(Build("p u v", _on_kept), Build("given", _never), shared=Build("u v", _some_lost), known=TARGET),
        BEFORE,
        AFTER,
        {"dominance": None},
        known=TARGET,
    ),
    Part("right mass, wrong token", _wrong_token, BEFORE, AFTER),
    Part(
        "largest loss",
        _largest,
        _bound(Fraction(1)),
        _total(lambda **x: -_gain(**x)),
        {"half of it": _bound(Fraction(1, 2))},
    ),
    Part(
        "covered",
        termwise(_kept(covered=True), _cold(), shared=SHARED),
        BEFORE,
        AFTER,
        {"by the cold mass": _total(_before, lambda lost: lost)},
    ),
    Part(
        "not wasted",
        termwise(_kept(), _cold(unwasted=True), shared=SHARED, known=_total(lambda **x: -MOVED.token(lost=0, **x))),
        BEFORE,
        AFTER,
        {"by the cold mass": _total(_before, lambda lost: lost)},
        known=MOVED,
    ),
    Part(
        "iff for some prior",
        _some_prior,
        _can_lose,
        registry.CLAIM.clause("iff for some prior").measured,
        {"whenever anything is taken": _anything_taken},
    ),
    sizes="any N, any K, any q(C)",
)
