"""R4 of ``tli-beats-union``, for any number of shared and of foreign tokens."""

from __future__ import annotations

from typing import Any

from proofs_check.symbolic._every import Entries, Every, Sign, entrywise, iff
from proofs_check.symbolic._statement import Build, Part, Total, share, symbolic_proof, termwise
from proofs_check.symbolic._tokens import trial


def _rows(p: Any, full: Any, kept: Any, draft_ids: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Shared tokens: target, full draft, restricted draft, and the mass ``q(I)`` that restriction divides by."""
    mass = sum(full[d] for d in draft_ids)
    tokens = [
        {"p": p[t], "q": full[d], "tli": full[d] / mass, "mass": mass} for t, d in zip(kept, draft_ids, strict=True)
    ]
    return tokens, {"mass": mass}


def _likely(x: Any) -> dict[str, Any]:
    """A token that can be drafted: ``q = q(I) q'``, and any ``q(I)`` in (0, 1]."""
    x.assume(x["q"] > 0)
    tli = x["q"] + x["more"]
    return {"p": x["p"], "q": x["q"], "tli": tli, "mass": x["q"] / tli}


def _unlikely(x: Any) -> dict[str, Any]:
    mass = share(x, "u", "v")
    x.assume(mass > 0)
    return {"p": x["p"], "q": 0 * x["p"], "tli": 0 * x["p"], "mass": mass}


def _mass(x: Any) -> dict[str, Any]:
    mass = share(x, "u", "v")
    x.assume(mass > 0)
    return {"mass": mass}


BUILDS = (Build("p q more", _likely), Build("p u v", _unlikely))
MASS = Build("u v", _mass)


def _total(token: Any, constant: Any = lambda mass: 0) -> Total:
    return Total(token, constant, _rows)


def _every(token: Any, some: bool = False) -> Every:
    return Every(token, some, _rows)


UNION = _total(lambda p, q, tli, mass: min(p, q))
TLI = _total(lambda p, q, tli, mass: trial(p, tli))
GAIN = _total(lambda p, q, tli, mass: trial(p, tli) - trial(p, q))
FOREIGN = _total(lambda p, q, tli, mass: q - tli, lambda mass: 1 - mass)
"""``Σ q = q(I)`` and ``Σ q' = 1``: this vanishes."""

PROOF = symbolic_proof(
    "tli-beats-union",
    __name__,
    Part(
        "at least the union",
        termwise(*BUILDS, shared=MASS),
        UNION,
        TLI,
        {
            "the union scaled up": _total(lambda p, q, tli, mass: min(p, q) / mass),
            "below instead": None,
        },
    ),
    Part(
        "strictness",
        iff(*BUILDS, shared=MASS),
        _every(lambda p, q, tli, mass: mass < 1 and 0 < q < p, some=True),
        Sign(GAIN, positive=True),
        {
            "whenever the draft is pruned": _every(lambda p, q, tli, mass: mass < 1, some=True),
            "also where the token cannot be drafted": _every(lambda p, q, tli, mass: mass < 1 and q < p, some=True),
        },
    ),
    Part(
        "at most the foreign mass",
        termwise(*BUILDS, shared=MASS, known=FOREIGN),
        _total(lambda p, q, tli, mass: 0 * p, lambda mass: 1 - mass),
        GAIN,
        {"half of it": _total(lambda p, q, tli, mass: 0 * p, lambda mass: (1 - mass) / 2)},
        known=FOREIGN,
    ),
    Part(
        "all foreign mass gained",
        iff(*BUILDS, shared=MASS),
        _every(lambda p, q, tli, mass: mass == 1 or tli <= p),
        Sign(_total(lambda p, q, tli, mass: tli - q - GAIN.token(p, q, tli, mass))),
        {"before renormalisation": _every(lambda p, q, tli, mass: q <= p)},
    ),
    Part(
        "at most in proportion",
        termwise(*BUILDS, shared=MASS),
        UNION,
        _total(lambda p, q, tli, mass: mass * trial(p, tli)),
        {"without the factor": TLI},
    ),
    Part(
        "played out",
        entrywise(termwise(*BUILDS, shared=MASS), termwise(*BUILDS, shared=MASS)),
        Entries((_total(lambda p, q, tli, mass: min(p, tli)), UNION)),
        Entries((TLI, _total(lambda p, q, tli, mass: trial(p, q)))),
        {"renormalised after acceptance": Entries((_total(lambda p, q, tli, mass: min(p, q) / mass), UNION))},
    ),
    sizes="any N, any K, any number of foreign tokens",
)
