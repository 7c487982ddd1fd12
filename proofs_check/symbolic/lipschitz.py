"""R4 of ``lipschitz``, for any number of tokens: both signs of the change are sums, bounded term by term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._every import Every, Sign, iff
from proofs_check.symbolic._statement import Build, Part, Road, Total, symbolic_proof, termwise
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Kind


@dataclass(frozen=True)
class Size:
    """The absolute value of a sum."""

    total: Total

    def __call__(self, **instance: Any) -> Any:
        """It, of an instance."""
        return abs(self.total(**instance))


@dataclass(frozen=True)
class Either:
    """Whether one of two holds."""

    first: Any
    second: Any

    def __call__(self, **instance: Any) -> bool:
        """It, of an instance."""
        return bool(self.first(**instance) or self.second(**instance))


def within(build: Build | str, moved: Any) -> Road:
    """``|Σ change| ≤ Σ bound``: with half of what is moved, which vanishes in total, added or taken away."""

    def road(kind: Kind, stated: Total, measured: Size) -> Finding:
        sides = []
        for sign in (1, -1):
            change = Total(lambda sign=sign, **x: sign * measured.total.token(**x))
            known = Total(lambda sign=sign, **x: -sign * moved(**x) / 2)
            sides.append(termwise(build, known=known)(kind, stated, change))
        return both(*sides)

    return road


def change(p: Any, r: Any, s: Any) -> Any:
    """``min(p, r) − min(p, s)``."""
    return min(p, r) - min(p, s)


def _moved(r: Any, s: Any, **_: Any) -> Any:
    return r - s


def slack(p: Any, r: Any, s: Any) -> Any:
    """What the change is short of ``(r − s)_+``."""
    return (abs(r - s) + r - s) / 2 - change(p, r, s)


def _either(kind: Kind, stated: Either, measured: Either) -> Finding:
    """``Δ = TV`` iff no token is short of its part, and ``−Δ = TV`` in the same way with the proposals exchanged."""
    road = iff("p r s")
    return both(road(kind, stated.first, measured.first), road(kind, stated.second, measured.second))


def _rows(p: Any, draft: Any, matrix: Any, other: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    r, s = _roads.times(draft, matrix), _roads.times(draft, other)
    moves = [
        sum(q * abs(a - b) for q, a, b in zip(draft, x, y, strict=True)) for x, y in zip(matrix.T, other.T, strict=True)
    ]
    tokens = zip(p, r, s, moves, strict=True)
    return [{"p": a, "r": b, "s": c, "moves": d} for a, b, c, d in tokens], {}


def _kernel(x: Any) -> dict[str, Any]:
    """``Σ_i q'_i |M_ij − M̂_ij|`` is at least ``|r − s|``: the triangle inequality, row after row."""
    return {"p": x["p"], "r": x["r"], "s": x["s"], "moves": abs(x["r"] - x["s"]) + x["more"]}


def _triangle(x: Any) -> bool:
    first, second = x["a"] - x["b"], x["c"] - x["d"]
    return bool(abs(first + second) <= abs(first) + abs(second))


def _by_rows(kind: Kind, stated: Any, measured: Any) -> Finding:
    return both(decide(_triangle, "a b c d"), within(Build("p r s more", _kernel), _moved)(kind, stated, measured))


PROOF = symbolic_proof(
    "lipschitz",
    __name__,
    Part(
        "proposal",
        within("p r s", _moved),
        Total(lambda p, r, s: abs(r - s) / 2),
        Size(Total(change)),
        {"half of it": Total(lambda p, r, s: abs(r - s) / 4)},
    ),
    Part(
        "equality",
        _either,
        Either(Every(lambda p, r, s: (p - r) * (r - s) >= 0), Every(lambda p, r, s: (p - s) * (s - r) >= 0)),
        Either(Sign(Total(slack)), Sign(Total(lambda p, r, s: slack(p, s, r)))),
        {"only if one of them is the target": Either(Every(lambda p, r, s: p == r), Every(lambda p, r, s: p == s))},
    ),
    Part(
        "both sides",
        within("p r o s", lambda p, r, o, s: p - o + r - s),
        Total(lambda p, r, o, s: (abs(p - o) + abs(r - s)) / 2),
        Size(Total(lambda p, r, o, s: min(p, r) - min(o, s))),
    ),
    Part(
        "kernel",
        _by_rows,
        Total(lambda p, r, s, moves: moves / 2, rows=_rows),
        Size(Total(lambda p, r, s, moves: change(p, r, s), rows=_rows)),
        {"half of it": Total(lambda p, r, s, moves: moves / 4, rows=_rows)},
    ),
    sizes="any N, any K",
)
