"""Tokens of a mixture ``(1−θ) q' + θ r`` in unknowns: what stays of the draft, what leaves it, what the prior gives.

``stays = (1−θ) q'`` and ``leaves = θ q'`` are unknowns of their own, and so is ``given = θ r``: comparisons are linear.
"""

from __future__ import annotations

from typing import Any

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._statement import Build, Total, plain, share
from rdk_theory.theorems import _mixtures


def rows(p: Any, draft: Any, kept: Any, prior: Any, weight: Any = None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Numbers at each token, and the weight."""
    weight = 0 * p[0] if weight is None else weight
    tokens = [
        {"p": a, "stays": (1 - weight) * q, "leaves": weight * q, "given": weight * r, "cold": cold}
        for a, q, r, cold in zip(
            p, _mixtures.whole(draft, kept, len(p)), prior, _mixtures.is_cold(kept, len(p)), strict=True
        )
    ]
    return tokens, {"weight": weight}


def total(token: Any, constant: Any = lambda weight: 0) -> Total:
    """A sum over tokens, whose terms do not look at the weight."""
    return Total(lambda weight, **numbers: token(**numbers), constant, rows)


def _kept(given: bool) -> Build:
    def make(x: Any) -> dict[str, Any]:
        prior = x["given"] if given else 0 * x["p"]
        return {"p": x["p"], "stays": x["stays"], "leaves": x["leaves"], "given": prior, "cold": False, "weight": None}

    return Build("p stays leaves given", make)


KEPT, KEPT_AND_GIVEN = _kept(False), _kept(True)
"""A kept token, to which the prior gives nothing; or something too."""

COLD = plain("p given", stays=0, leaves=0, cold=True, weight=None)
WEIGHT = Build("u v", lambda x: {"weight": share(x, "u", "v")})


def after(p: Any, stays: Any, leaves: Any, given: Any, cold: bool) -> Any:
    """What the target and the mixture have in common."""
    return min(p, stays + given)


def before(p: Any, stays: Any, leaves: Any, given: Any, cold: bool) -> Any:
    """The same at weight 0."""
    return min(p, stays + leaves)


# Small weights: f(θ) = Σ min(p, q + θ(r − q)) near 0.


def slope(p: Any, q: Any, rise: Any) -> Any:
    """The slope of a term right of 0, where it rises by ``rise = r − q'``."""
    return rise if q < p else min(rise, 0 * p) if q == p else 0 * p


def near() -> Finding:
    """A term is affine while ``θ |r − q'| ≤ |p − q'|`` (or ``q' = p``), with that slope: so is the sum near 0."""

    def exact(x: Any) -> bool:
        p, q, move = x["p"], x["q"], x["up"] - x["down"]
        x.assume(p == q or abs(move) <= abs(p - q))
        return bool(min(p, q + move) == min(p, q) + slope(p, q, move))

    return decide(exact, "p q up down")


def below() -> Finding:
    """At every weight a term is at most its value at 0 plus the weight times that slope: so is the sum."""

    def concave(x: Any) -> bool:
        p, q, move = x["p"], x["q"], x["up"] - x["down"]
        x.assume(q + move >= 0)
        return bool(min(p, q + move) <= min(p, q) + slope(p, q, move))

    return decide(concave, "p q up down")


def chords() -> Finding:
    """``λ min(p, a) + (1−λ) min(p, b)`` is at most `p` and at most ``λ a + (1−λ) b``: terms are concave."""

    def concave(x: Any) -> bool:
        p, first, second = x["p"], x["a"], x["b"]
        chord = x["u"] * min(p, first) + x["v"] * min(p, second)
        return bool(chord <= (x["u"] + x["v"]) * p and chord <= x["u"] * first + x["v"] * second)

    return decide(concave, "p a b u v")


def wins_iff() -> Finding:
    """Some weight wins iff the slope right of 0 is positive, and a positive weight is safe iff it is at least 0."""
    return both(near(), below())
