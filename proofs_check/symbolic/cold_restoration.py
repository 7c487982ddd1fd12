"""R4 of ``cold-restoration``, for any number of kept and of cold tokens."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._mixing import COLD, KEPT, WEIGHT, after, total, wins_iff
from proofs_check.symbolic._statement import Build, Part, Total, share, symbolic_proof, termwise, tried
from rdk_theory.theorems import _mixtures
from rdk_theory.theorems import cold_restoration as registry
from rdk_theory.theorems._claim import Kind

# Slopes at 0: a kept token loses its draft, a cold one gains the prior.


def _slope_rows(p: Any, draft: Any, kept: Any, prior: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Numbers at each token, a step below which no term bends, and the target's cold mass."""
    q = _mixtures.whole(draft, kept, len(p))
    step = Fraction(1, lcm(*(x.denominator for x in p - q)) + 1)
    cold = _mixtures.is_cold(kept, len(p))
    tokens = [{"p": a, "q": b, "r": c, "cold": d} for a, b, c, d in zip(p, q, prior, cold, strict=True)]
    return tokens, {"step": step, "mass": sum((t["p"] for t in tokens if t["cold"]), 0 * p[0])}


def _kept(x: Any) -> dict[str, Any]:
    """A kept token, and a step that is small enough: ``step · q'`` is at most ``|p − q'|`` unless that is 0."""
    q = x["part"] + x["rest"]
    x.assume(q > 0 and x["part"] > 0)
    x.assume(x["p"] == q or x["part"] <= abs(x["p"] - q))
    return {"p": x["p"], "q": q, "r": 0 * q, "cold": False, "step": x["part"] / q, "mass": None}


def _undrafted(x: Any) -> dict[str, Any]:
    return {"p": x["p"], "q": 0 * x["p"], "r": 0 * x["p"], "cold": False, "step": share(x, "u", "v") + 1, "mass": None}


def _cold(x: Any) -> dict[str, Any]:
    r = x["part"] + x["rest"]
    x.assume(r > 0 and x["part"] > 0)
    x.assume(x["p"] == 0 or x["part"] <= x["p"])
    return {"p": x["p"], "q": 0 * r, "r": r, "cold": True, "step": x["part"] / r, "mass": None}


def _ungiven(x: Any) -> dict[str, Any]:
    return {**_undrafted(x), "cold": True}


SMALL = (
    Build("p part rest", _kept),
    Build("p u v", _undrafted),
    Build("p part rest", _cold),
    Build("p u v", _ungiven),
)


def _constants(x: Any) -> dict[str, Any]:
    x.assume(x["u"] > 0)
    return {"step": None, "mass": share(x, "u", "v")}


SHARED = Build("u v", _constants)


def _sloped(token: Any, constant: Any = lambda step, mass: 0) -> Total:
    return Total(token, constant, _slope_rows)


def _trial(p: Any, q: Any, r: Any, cold: bool, step: Any, mass: Any) -> Any:
    return (min(p, q + step * (r - q)) - min(p, q)) / step


def _margin(p: Any, q: Any, r: Any, cold: bool, step: Any, mass: Any) -> Any:
    return (-r if p == 0 else 0 * r) if cold else (q if q > p else 0 * q)


def _no_waste(p: Any, q: Any, r: Any, cold: bool, step: Any, mass: Any) -> Any:
    return 0 * r if cold else (q if q > p else 0 * q)


LAWS = _sloped(lambda p, q, r, cold, step, mass: q - r)
"""Draft and prior have one mass: this vanishes."""

MASSES = _sloped(lambda p, q, r, cold, step, mass: 0 * r - r + q - (0 * p if cold else q - p), lambda step, mass: mass)
"""And ``Σ_I (q' − p)`` is the target's cold mass: so does this."""


def _unwasted(build: Build) -> Build:
    def make(x: Any) -> dict[str, Any]:
        numbers = build.make(x)
        x.assume(numbers["r"] == 0 or numbers["p"] > 0)
        return numbers

    return Build(build.names, make)


# What is above the ceiling p(I), and what bounds it.


def _above(p: Any, stays: Any, leaves: Any, given: Any, cold: bool) -> Any:
    return min(p, given) if cold else -max(p - stays, 0)


def _kept_draft(p: Any, stays: Any, leaves: Any, given: Any, cold: bool) -> Any:
    return min(p, given) if cold else -max(p - stays - leaves, 0)


def _over_ceiling(**x: Any) -> Any:
    return after(**x) - (0 if x["cold"] else x["p"])


def _upper(kind: Kind, stated: Any, measured: Any) -> Finding:
    """On kept tokens the overlap is at most `p` and ``(1−θ) q'``; on cold ones `p`, and `θr` where ``p > 0``."""

    def kept(x: Any) -> bool:
        both_sides = min(x["p"], x["stays"])
        return bool(both_sides <= x["p"] and both_sides <= x["stays"])

    def cold(x: Any) -> bool:
        won = min(x["p"], x["given"])
        return bool(won <= x["p"] and won <= (x["given"] if x["p"] > 0 else 0))

    return both(decide(kept, "p stays"), decide(cold, "p given"), tried(kind, stated, measured, SOME))


SOME = tuple({**registry._perfect(), "weight": Fraction(n, 4)} for n in range(5)) + tuple(
    {**registry._wasted(), "weight": Fraction(n, 4)} for n in range(5)
)


def _bound(p: Any, draft: Any, kept: Any, prior: Any, weight: Any) -> Any:
    inside, useful = p[kept].sum(), prior[p > 0].sum()
    return min(inside, 1 - weight) + min(1 - inside, weight * useful)


def _criterion(kind: Kind, stated: Any, measured: Any) -> Finding:
    """Some weight wins iff the slope at 0 is positive, which is the margin."""
    slopes = termwise(*SMALL, shared=SHARED, known=LAWS)(Kind.IDENTITY, _sloped(_margin), _sloped(_trial))
    return both(slopes, wins_iff(), tried(kind, stated, measured, EDGES))


def _covering(kind: Kind, stated: Any, measured: Any) -> Finding:
    """Where ``q' ≥ p`` on kept tokens the acceptance at 0 is ``p(I)``."""
    return both(
        _criterion(kind, stated, measured), decide(lambda x: min(x["p"], x["p"] + x["more"]) == x["p"], "p more")
    )


EDGES = (registry._wasted(), registry._perfect(), {**registry._wasted(), "p": registry._wasted()["p"][[0, 2, 1]] * 1})


def _positive(margin: Any) -> Any:
    return lambda **x: bool(_sloped(margin)(**x) > 0)


def _cold_mass(p: Any, draft: Any, kept: Any, prior: Any) -> bool:
    return bool(p[kept].sum() < 1)


PROOF = symbolic_proof(
    "cold-restoration",
    __name__,
    Part(
        "slope",
        termwise(*SMALL, shared=SHARED, known=LAWS),
        _sloped(_margin),
        _sloped(_trial),
        {"waste costs nothing": _sloped(_no_waste)},
        known=LAWS,
    ),
    Part(
        "always wins",
        termwise(*map(_unwasted, SMALL), shared=SHARED, known=MASSES),
        _sloped(lambda p, q, r, cold, step, mass: 0 * p),
        _sloped(_trial),
        {"with slope at least the cold mass": _sloped(lambda p, q, r, cold, step, mass: p if cold else 0 * p)},
        known=MASSES,
    ),
    Part(
        "criterion",
        _criterion,
        _positive(_margin),
        registry.CLAIM.clause("criterion").measured,
        {
            "iff the target has cold mass": _cold_mass,
            "with equality": lambda **x: bool(_sloped(_margin)(**x) >= 0),
        },
    ),
    Part(
        "above the ceiling",
        termwise(KEPT, COLD, shared=WEIGHT),
        total(_above),
        total(_over_ceiling),
        {"the draft keeps its mass": total(_kept_draft)},
    ),
    Part(
        "ceiling passed",
        _covering,
        _positive(_margin),
        registry.CLAIM.clause("ceiling passed").measured,
        {"iff the target has cold mass": _cold_mass},
    ),
    Part(
        "upper bound",
        _upper,
        _bound,
        total(after),
        {"nothing on cold tokens": lambda p, draft, kept, prior, weight: min(p[kept].sum(), 1 - weight)},
    ),
    sizes="any N, any K, every θ",
)
