"""R4 of ``gain-identity``, token by token for any number of tokens and of kept tokens."""

from __future__ import annotations

from typing import Any

from proofs_check.symbolic._statement import Part, Total, symbolic_proof, termwise
from proofs_check.symbolic._tokens import gain
from rdk_theory.theorems import _roads


def _split(p: Any, r: Any, q: Any) -> Any:
    return min(p, r) - q if p > q else -max(p - r, 0)


def _won(p: Any, r: Any, q: Any) -> Any:
    return min(p, r) - q if p > q else 0 * p


def _too_much(p: Any, r: Any, q: Any) -> Any:
    return r - q if p > q else min(r - p, 0)


def _ties_under(p: Any, r: Any, q: Any) -> Any:
    return min(p, r) - q if p >= q else -max(p - r, 0)


def _ties_nowhere(p: Any, r: Any, q: Any) -> Any:
    return min(p, r) - q if p > q else -max(p - r, 0) if p < q else 0 * p


def _rows(p: Any, draft: Any, kept: Any, matrix: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All moves to a token are accepted with one probability, so that they count as their sum."""
    sums = zip(p, _roads.times(draft, matrix), _roads.embedded(draft, kept, len(p)), strict=True)
    return [{"p": a, "r": b, "q": c} for a, b, c in sums], {}


PROOF = symbolic_proof(
    "gain-identity",
    __name__,
    Part(
        "identity",
        termwise("p r q"),
        Total(_split),
        Total(gain),
        {"nothing is lost": Total(_won), "more than p counts as won": Total(_too_much)},
    ),
    Part("ties", termwise("p r q"), Total(_ties_under), Total(gain), {"ties counted nowhere": Total(_ties_nowhere)}),
    Part("kernel", termwise("p r q"), Total(_split, rows=_rows), Total(gain, rows=_rows)),
    sizes="any N, any K",
)
