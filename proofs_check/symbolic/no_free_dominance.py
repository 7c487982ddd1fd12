"""R4 of ``no-free-dominance``: the witness for every entry below 1, and the largest loss for any number of tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.symbolic._every import Every, pointwise
from proofs_check.symbolic._statement import Build, Part, Total, share, symbolic_proof, termwise
from proofs_check.symbolic._tokens import trial
from rdk_theory.theorems import _roads


def _point_rows(matrix: Any, kept: Any, row: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Target and draft at one kept token: the row of the kernel is the proposal."""
    stays = matrix[row][kept[row]]
    tokens = [{"p": 0 * r + int(t == kept[row]), "r": r} for t, r in enumerate(matrix[row])]
    return tokens, {"moves": 1 - stays}


def _here(x: Any) -> dict[str, Any]:
    moves = share(x, "u", "v")
    return {"p": 1 + 0 * moves, "r": 1 - moves, "moves": moves}


def _elsewhere(x: Any) -> dict[str, Any]:
    return {"p": 0 * x["r"], "r": x["r"], "moves": 0 * x["r"]}


def _moving(x: Any) -> dict[str, Any]:
    x.assume(x["u"] > 0)
    return {"moves": share(x, "u", "v")}


def _point(token: Any, constant: Any = lambda moves: 0) -> Total:
    return Total(token, constant, _point_rows)


ONE = _point(lambda p, r, moves: p * moves, lambda moves: -moves)
"""The target is at one token: this vanishes."""


def _loss_rows(p: Any, draft: Any, matrix: Any, kept: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Target, draft, proposal and the mass that stays, at each token; the largest and smallest departures."""
    departures = [1 - row[t] for row, t in zip(matrix, kept, strict=True)]
    q, r = _roads.embedded(draft, kept, len(p)), _roads.times(draft, matrix)
    tokens = [{"p": a, "q": b, "r": c} for a, b, c in zip(p, q, r, strict=True)]
    return tokens, {"most": max(departures), "least": min(departures)}


def _kept(x: Any) -> dict[str, Any]:
    """``q'_t = stays + leaves``, of which the share that leaves is at most the largest departure."""
    q = x["stays"] + x["leaves"]
    x.assume(q > 0)
    most = (x["leaves"] + x["less"]) / (q + x["less"])
    x.assume(x["least"] + x["unit"] > 0)
    return {
        "p": x["p"],
        "q": q,
        "r": x["stays"] + x["arrives"],
        "most": most,
        "least": most * share(x, "least", "unit"),
    }


def _undrafted(x: Any) -> dict[str, Any]:
    most = share(x, "u", "v")
    return {"p": x["p"], "q": 0 * x["p"], "r": x["r"], "most": most, "least": most}


def _departures(x: Any) -> dict[str, Any]:
    return {"most": share(x, "u", "v"), "least": share(x, "u", "v") * share(x, "s", "t")}


def _loss(token: Any, constant: Any = lambda most, least: 0) -> Total:
    return Total(token, constant, _loss_rows)


DRAFT = _loss(lambda p, q, r, most, least: -most * q, lambda most, least: most)


def _diagonal(matrix: Any, kept: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    return [{"stays": row[t]} for row, t in zip(matrix, kept, strict=True)], {}


def _rule_rows(draft: Any, proposal: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    tokens = [{"q": a, "r": b} for a, b in zip(draft, proposal, strict=True)]
    return tokens, {"apart": sum(np.maximum(draft - proposal, 0))}


def _rule(token: Any, constant: Any = lambda apart: 0) -> Total:
    return Total(token, constant, _rule_rows)


def _apart(x: Any) -> dict[str, Any]:
    x.assume(x["u"] > 0)
    return {"apart": share(x, "u", "v")}


DISTANCE = _rule(lambda q, r, apart: max(q - r, 0), lambda apart: -apart)
PROOF = symbolic_proof(
    "no-free-dominance",
    __name__,
    Part(
        "loss",
        termwise(Build("u v", _here), Build("r", _elsewhere), shared=Build("u v", _moving), known=ONE),
        _point(lambda p, r, moves: p),
        _point(lambda p, r, moves: trial(p, r)),
        {"the kernel wins there": None},
        known=ONE,
    ),
    Part(
        "largest loss",
        termwise(
            Build("p stays leaves arrives less least unit", _kept),
            Build("p r u v", _undrafted),
            shared=Build("u v s t", _departures),
            known=DRAFT,
        ),
        _loss(lambda p, q, r, most, least: 0 * p, lambda most, least: most),
        _loss(lambda p, q, r, most, least: trial(p, q) - trial(p, r)),
        {"the smallest departure is enough": _loss(lambda p, q, r, most, least: 0 * p, lambda most, least: least)},
        known=DRAFT,
    ),
    Part(
        "only the embedding",
        pointwise(Build("u v", lambda x: {"stays": share(x, "u", "v")})),
        # The embedding changes nothing; any other kernel has a row with a departure, and loses there.
        Every(lambda stays: stays == 1, rows=_diagonal),
        Every(lambda stays: min(1, stays) >= 1, rows=_diagonal),
        {"every kernel that leaves some mass in place": Every(lambda stays: stays > 0, rows=_diagonal)},
    ),
    Part(
        "any rule that sees the draft alone",
        termwise("q r apart", shared=Build("u v", _apart), known=DISTANCE),
        _rule(lambda q, r, apart: q),
        _rule(lambda q, r, apart: min(q, r)),
        {"by more than the distance": _rule(lambda q, r, apart: q, lambda apart: -apart)},
        known=DISTANCE,
    ),
    sizes="any N, any K, every diagonal entry",
)
