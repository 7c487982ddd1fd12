"""R4 of ``maximal-coupling``, for any number of tokens: what stays, leaves and arrives at each of them."""

from __future__ import annotations

from typing import Any

from proofs_check.symbolic._every import Every, Sign, iff
from proofs_check.symbolic._statement import Part, Total, plain, symbolic_proof, termwise
from proofs_check.symbolic._tokens import common


def _rows(joint: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The mass that agrees at a token, and what leaves its row and enters its column."""
    rows, columns, stays = joint.sum(axis=1), joint.sum(axis=0), joint.diagonal()
    return [{"stay": s, "out": r - s, "into": c - s} for s, r, c in zip(stays, rows, columns, strict=True)], {}


def _overlap(stay: Any, out: Any, into: Any) -> Any:
    return min(stay + out, stay + into)


def _one_way(stay: Any, out: Any, into: Any) -> bool:
    """What leaves, leaves an over-covered token, and what arrives, arrives at an under-covered one."""
    return bool((out == 0 or out > into) and (into == 0 or into > out))


AGREE = Total(lambda stay, out, into: stay, rows=_rows)
SHORT = Total(lambda stay, out, into: _overlap(stay, out, into) - stay, rows=_rows)


PROOF = symbolic_proof(
    "maximal-coupling",
    __name__,
    Part(
        "bound",
        termwise("stay out into"),
        Total(_overlap, rows=_rows),
        AGREE,
        {"a little less": Total(lambda stay, out, into: 99 * _overlap(stay, out, into) / 100, rows=_rows)},
    ),
    Part(
        "equality",
        iff("stay out into"),
        Every(_one_way, rows=_rows),
        Sign(SHORT),
        {"no pair of different tokens": Every(lambda stay, out, into: out == 0 and into == 0, rows=_rows)},
    ),
    # A set is chosen token by token: its cheapest choice costs the smaller of the two.
    Part(
        "cut",
        termwise(plain("p r")),
        Total(common),
        Total(lambda p, r: p if p < r else r),
        {"the empty set alone": Total(lambda p, r: r)},
    ),
    sizes="any N",
)
