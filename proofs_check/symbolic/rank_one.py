"""R4 of ``rank-one``, for any number of tokens and of kept tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._every import Row, rowwise
from proofs_check.symbolic._statement import Build, Part, share, symbolic_proof, terms
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Kind


def _rows(draft: Any, kept: Any, prior: Any, weight: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Draft, prior and weight at each token, and the mass of the draft."""
    whole = _roads.embedded(draft, kept, len(prior))
    tokens = [{"q": q, "prior": x} for q, x in zip(whole, prior, strict=True)]
    return tokens, {"weight": weight, "mass": sum(draft)}


def _token(x: Any) -> dict[str, Any]:
    weight = share(x, "u", "v")
    return {"q": x["q"], "prior": x["prior"], "weight": weight, "mass": weight * 0 + 1}


def mixed(q: Any, prior: Any, weight: Any, mass: Any) -> Any:
    """``(1−θ) q' + θ π``."""
    return (1 - weight) * q + weight * prior


def by_rows(q: Any, prior: Any, weight: Any, mass: Any) -> Any:
    """``Σ_i q'_i ((1−θ)[i = t] + θ π_t)``: the draft's own token, and the prior as often as anything is drafted."""
    return (1 - weight) * q + weight * prior * mass


def _entry(draft: Any, kept: Any, prior: Any, weight: Any) -> Any:
    rows = [[weight * x + ((1 - weight) if t == i else 0) for t, x in enumerate(prior)] for i in kept]
    return np.array([[*row, sum(row)] for row in rows])


def _reference(draft: Any, kept: Any, prior: Any, weight: Any) -> Any:
    """The same with a sum of 1."""
    rows = _entry(draft, kept, prior, weight)
    return np.array([[*row[:-1], 0 * weight + 1] for row in rows])


def _sums(kind: Kind, stated: Any, measured: Any) -> Finding:
    """A row of the kernel is the share 1−θ at one token and the share θ of the prior: ``(1−θ) + θ Σ π = 1``."""

    def on_two_tokens(x: Any) -> bool:
        prior = share(x, "s", "t")
        numbers = {
            "draft": np.array([prior * 0 + 1], dtype=object),
            "kept": np.array([0]),
            "prior": np.array([prior, 1 - prior], dtype=object),
            "weight": share(x, "u", "v"),
        }
        return all(a == b for a, b in zip(stated(**numbers).ravel(), measured(**numbers).ravel(), strict=True))

    adds = terms(lambda own, weight, mass: (1 - weight) * own + weight * mass == 1, [Build("u v", _masses)])
    return both(adds, decide(on_two_tokens, "s t u v"))


def _masses(x: Any) -> dict[str, Any]:
    return {"own": 1, "weight": share(x, "u", "v"), "mass": 1}


TOKEN = Build("q prior u v", _token)
PROOF = symbolic_proof(
    "rank-one",
    __name__,
    Part(
        "proposal",
        rowwise(TOKEN),
        Row(mixed, _rows),
        Row(by_rows, _rows),
        {"weights exchanged": Row(lambda q, prior, weight, mass: by_rows(q, prior, 1 - weight, mass), _rows)},
    ),
    Part(
        "one token",
        rowwise(TOKEN),
        Row(mixed, _rows),
        Row(by_rows, _rows),
        {"the prior alone": Row(lambda q, prior, weight, mass: prior, _rows)},
    ),
    Part(
        "row-stochastic",
        _sums,
        _entry,
        _reference,
        {"weights exchanged": lambda **x: _reference(**{**x, "weight": 1 - x["weight"]})},
    ),
    sizes="any N, any K, every θ",
)
