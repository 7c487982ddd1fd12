"""R4 of ``perfect-drafter``, for any number of kept and of cold tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._mixing import rows as mixing_rows
from proofs_check.symbolic._statement import Build, Part, Total, relation, symbolic_proof, termwise, tried
from rdk_theory.theorems import perfect_drafter as registry
from rdk_theory.theorems._claim import Kind


def _rows(p: Any, draft: Any, kept: Any, prior: Any, weight: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Numbers at each token with its draft, ``p(I)`` and ``1 − θ``."""
    tokens, _ = mixing_rows(p, draft, kept, prior, weight)
    for token in tokens:
        token["q"] = token["stays"] + token.pop("leaves")
    return tokens, {"inside": p[kept].sum(), "left": 1 - weight}


def _kept(given: bool, within: bool) -> Build:
    """``p = p(I) q'``; the weight at most ``p(C)`` or not, the prior on the token or not."""

    def make(x: Any) -> dict[str, Any]:
        larger = x["inside"] + x["left"] if within else max(x["inside"], x["left"])
        unit = larger + x["rest"]
        x.assume(unit > 0)
        inside, left = x["inside"] / unit, (larger if within else x["left"]) / unit
        prior = x["given"] if given else 0 * unit
        numbers = {"p": inside * x["q"], "stays": left * x["q"], "q": x["q"], "given": prior}
        return {**numbers, "cold": False, "inside": inside, "left": left}

    return Build("q given inside left rest", make)


def _cold(x: Any) -> dict[str, Any]:
    numbers = {"p": x["p"], "stays": 0 * x["p"], "q": 0 * x["p"], "given": x["given"], "cold": True}
    return {**numbers, "inside": 0 * x["p"], "left": 0 * x["p"]}


def _shared(x: Any) -> dict[str, Any]:
    unit = max(x["inside"], x["left"]) + x["rest"]
    x.assume(unit > 0)
    return {"inside": x["inside"] / unit, "left": x["left"] / unit}


COLD = Build("p given", _cold)
SHARED = Build("inside left rest", _shared)


def _total(token: Any, constant: Any = lambda inside, left: 0) -> Total:
    return Total(token, constant, _rows)


VALUE = _total(lambda p, stays, q, given, cold, inside, left: min(p, stays + given))
GAIN = _total(lambda p, stays, q, given, cold, inside, left: min(p, stays + given) - min(p, q))
WON = _total(lambda p, stays, q, given, cold, inside, left: min(p, given) if cold else 0 * p)


def _smaller(inside: Any, left: Any) -> Any:
    """``min(p(I), 1 − θ)``."""
    return min(inside, left)


def _won_and(constant: Any) -> Total:
    return _total(WON.token, constant)


DRAFT = _total(
    lambda p, stays, q, given, cold, inside, left: 0 * p if cold else -min(inside, left) * q,
    _smaller,
)
"""The draft has mass 1: this vanishes."""


def _value(p: Any, draft: Any, kept: Any, prior: Any, weight: Any) -> Any:
    return _won_and(_smaller)(p=p, draft=draft, kept=kept, prior=prior, weight=weight)


def _best(kind: Kind, stated: Any, measured: Any) -> Finding:
    """Beyond ``p(C)`` kept tokens lose as much as is moved, and cold ones win at most that; below, both only rise."""
    lost = decide(lambda x: min(x["p"], x["v"] + x["more"]) - min(x["p"], x["v"]) <= x["more"], "p v more")
    rise = decide(lambda x: min(x["p"], x["v"]) <= min(x["p"], x["v"] + x["more"]), "p v more")
    inside, theta = symbols("inside theta")
    paid = equal((inside - (1 - theta), theta - (1 - inside)))
    value = termwise(_kept(False, False), COLD, shared=SHARED, known=DRAFT)
    found = value(Kind.IDENTITY, _won_and(_smaller), VALUE)
    return both(lost, rise, paid, found, tried(kind, stated, measured, (registry._heavy(),)))


def _at(share_of: int) -> Any:
    def road(p: Any, draft: Any, kept: Any, prior: Any, weight: Any) -> Any:
        return _value(p, draft, kept, prior, (1 - p[kept].sum()) / share_of)

    return road


def _noisy(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``(1−θ)(1−ε) ≥ p(I)`` for ``θ ≤ (p(C) − ε)/(1 − ε)``: what stays of the draft covers the target."""
    inside, noise = symbols("inside noise")
    edge = (1 - inside - noise) / (1 - noise)

    def covered(x: Any) -> bool:
        stays = x["p"] + x["spare"] + x["noise"]  # (1−θ)(1−ε) p/p(I) and the part of the noise that stays
        return bool(min(x["p"], stays + x["given"]) == x["p"])

    return both(
        equal(((1 - edge) * (1 - noise), inside)),
        decide(covered, "p spare noise given"),
        tried(kind, stated, measured, SOME),
    )


SOME = tuple({**registry._heavy(), "weight": registry._heavy()["p"][1] * n / 2} for n in range(3))
"""A draft without noise, at weights up to the cold mass."""


def _beyond(kind: Kind, stated: Any, measured: Any) -> Finding:
    """``p = (1−c, 0, c, 0)``: with ``E = 1−ε`` and ``(1−θ)E < min(1−c, E)``, the first token alone is accepted less."""

    def loses(x: Any) -> bool:
        unit = x["stays"] + x["lost"] + x["rest"] + x["other"] + x["slack"]
        x.assume(x["lost"] > 0)
        kept, target = x["stays"] + x["lost"] + x["rest"], x["stays"] + x["lost"] + x["other"]
        zero, one = 0 * unit, 0 * unit + 1
        numbers = {
            "p": np.array([target / unit, zero, 1 - target / unit, zero], dtype=object),
            "draft": np.array([kept / unit, 1 - kept / unit], dtype=object),
            "kept": np.array([0, 1]),
            "prior": np.array([zero, zero, zero, one], dtype=object),
            "weight": 1 - x["stays"] / kept,
        }
        return relation(kind)(measured(**numbers) - stated(**numbers))

    return decide(loses, "stays lost rest other slack")


PROOF = symbolic_proof(
    "perfect-drafter",
    __name__,
    Part(
        "value",
        termwise(_kept(False, False), COLD, shared=SHARED, known=DRAFT),
        _won_and(_smaller),
        VALUE,
        {"kept tokens never pay": _won_and(lambda inside, left: inside)},
        known=DRAFT,
    ),
    Part(
        "free weights",
        termwise(_kept(True, True), COLD, shared=SHARED),
        WON,
        GAIN,
        {
            "the weight itself is won": _total(
                lambda p, stays, q, given, cold, inside, left: 0 * p, lambda inside, left: min(1 - left, 1 - inside)
            )
        },
    ),
    Part(
        "best weight", _best, _at(1), registry.CLAIM.clause("best weight").measured, {"half of the cold mass": _at(2)}
    ),
    Part(
        "free weights of a noisy drafter",
        _noisy,
        _won_and(lambda inside, left: inside),
        VALUE,
    ),
    Part(
        "no larger weight",
        _beyond,
        _total(lambda p, stays, q, given, cold, inside, left: min(p, q)),
        VALUE,
    ),
    sizes="any N, any K, every θ and ε",
)
