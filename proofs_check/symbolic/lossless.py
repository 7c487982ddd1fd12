"""R4 of ``lossless``: the law of the emitted token for any number of tokens, by formula.

The verifier itself runs in rationals (R1), on every cell of its uniforms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both
from proofs_check.symbolic._statement import Build, Part, Total, plain, share, symbolic_proof, terms, termwise
from proofs_check.symbolic._tokens import over, trial
from rdk_theory.theorems._claim import Kind


class Emitted:
    """Law and acceptance where a rejected token is replaced by a law that is proportional to `left`."""

    def __init__(self, left: Any, accepted: Any = trial) -> None:
        self.left, self.accepted = left, accepted

    def token(self, p: Any, r: Any, rejected: Any, mass: Any) -> Any:
        """What is accepted of a token, and its part of the rejected mass."""
        return self.accepted(p, r) + rejected * self.left(p, r) / mass

    def __call__(self, p: Any, r: Any) -> Any:
        """Law and acceptance."""
        pairs = list(zip(p, r, strict=True))
        rejected = 1 - sum(self.accepted(a, b) for a, b in pairs)
        mass = sum(self.left(a, b) for a, b in pairs)
        law = [self.token(a, b, rejected, mass) if mass else self.accepted(a, b) for a, b in pairs]
        return np.array([*law, sum(min(a, b) for a, b in pairs)], dtype=object)


def _reference(p: Any, r: Any) -> Any:
    return np.array([*p, sum(min(a, b) for a, b in zip(p, r, strict=True))], dtype=object)


def _token(kind: Kind, stated: Any, measured: Emitted) -> Finding:
    """The rejected mass is that of the residual, ``1 − Σ min = Σ (p − r)_+``; so each token gets what it lacks.

    Without a residual every token has all of `p` already.
    """
    rejected = termwise("p r", known=Total(lambda p, r: -p, lambda: 1))
    masses = rejected(kind, Total(lambda p, r: -trial(p, r), lambda: 1), Total(over))
    some = plain("p r mass", lambda p, r, mass: mass > 0)
    lacks = terms(lambda p, r, mass: measured.token(p, r, mass, mass) == p, [some])
    nothing_left = terms(lambda p, r: over(p, r) > 0 or measured.accepted(p, r) == p, ["p r"])
    return both(masses, lacks, nothing_left)


class Matched:
    """Accept with ``p_x``, else draw from what `other` says: law and acceptance."""

    def __init__(self, other: Any) -> None:
        self.other = other

    def __call__(self, p: Any, r: Any) -> Any:
        """It, token by token."""
        law = [
            r[t] * p[t] + sum(r[x] * (1 - p[x]) * self.other(p[t], p[x], t == x) for x in range(len(p)) if p[x] < 1)
            for t in range(len(p))
        ]
        return np.array([*law, sum(a * b for a, b in zip(p, r, strict=True))], dtype=object)


def _match_reference(p: Any, r: Any) -> Any:
    return np.array([*p, sum(a * b for a, b in zip(p, r, strict=True))], dtype=object)


def _match(kind: Kind, stated: Any, measured: Matched) -> Finding:
    """A drafted `x` other than `t` leads to `t` with ``(1 − p_x) p_t/(1 − p_x) = p_t``, and `t` itself with `p_t`."""

    def one(p: Any, drafted: Any) -> bool:
        return bool((1 - drafted) * measured.other(p, drafted, False) == p)

    def same(p: Any, drafted: Any) -> bool:
        return bool(p + (1 - p) * measured.other(p, p, True) == p)

    return both(terms(one, [Build("p u v", _below_one)]), terms(same, [Build("p u v", _below_one)]))


def _below_one(x: Any) -> dict[str, Any]:
    x.assume(x["v"] > 0)
    drafted = share(x, "u", "v")
    return {"p": (1 - drafted) * share(x, "p", "v"), "drafted": drafted}


def _without(p: Any, drafted: Any, same: bool) -> Any:
    return 0 * p if same else p / (1 - drafted)


def _from_target(p: Any, drafted: Any, same: bool) -> Any:
    return p


def _as_drafted(p: Any, r: Any) -> Any:
    return r


PROOF = symbolic_proof(
    "lossless",
    __name__,
    Part(
        "token",
        _token,
        _reference,
        Emitted(over),
        {
            "replaced from the target": Emitted(lambda p, r: p),
            "replaced from the drafted law": Emitted(_as_drafted),
            "always accepted": Emitted(lambda p, r: 0 * p, _as_drafted),
        },
    ),
    Part(
        "a match with a target sample",
        _match,
        _match_reference,
        Matched(_without),
        {"else draw from p": Matched(_from_target)},
    ),
    sizes="any N",
)
