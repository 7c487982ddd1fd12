"""R3 of ``lossless``: the laws by formula, which equal the laws of the real verifier on the registry's grid.

The verifier itself runs in rationals (R1), on every cell of its uniforms.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._instances import laws
from rdk_theory.theorems import _roads
from rdk_theory.theorems._emitted import join


def _emitted(p: np.ndarray, r: np.ndarray) -> np.ndarray:
    return join(_roads.emitted_by_trial(p, r), _roads.acceptance_by_trial(p, r))


def _rejected(p: np.ndarray, r: np.ndarray) -> Iterator[Any]:
    """What is accepted and what is missing make up `p`; the rejected mass is the residual's."""
    accepted = [b * min(1, a / b) if b > 0 else 0 * a for a, b in zip(p, r, strict=True)]
    weights = _roads.positive_part(p, r)
    for a, kept, left in zip(p, accepted, weights, strict=True):
        yield kept + left == a
    yield 1 - sum(accepted) == sum(weights)


def _matched(p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Accept with ``p_x``, else draw from `p` without `x`."""
    law = [
        r[t] * p[t] + sum(r[x] * (1 - p[x]) * p[t] / (1 - p[x]) for x in range(len(p)) if x != t and p[x] < 1)
        for t in range(len(p))
    ]
    return join(law, sum(a * b for a, b in zip(p, r, strict=True)))


def _bias(p: np.ndarray, r: np.ndarray, reported: np.ndarray) -> Any:
    """Distance from `p` of what is emitted when `r` draws and `reported` verifies."""
    passed = [a * min(1, t / b) for a, b, t in zip(r, reported, p, strict=True)]
    weights = _roads.positive_part(p, reported)
    total = sum(weights)
    law = passed if total <= 0 else [x + (1 - sum(passed)) * w / total for x, w in zip(passed, weights, strict=True)]
    return sum(_roads.positive_part(law, p))


def _reported(source: Any) -> dict[str, Any]:
    """Laws, the reported one without zeros: more of them than the registry's builder makes."""
    size = source.largest
    reported = source.distribution(size)
    for value in reported:
        source.assume(value > 0)
    return {"p": source.distribution(size), "r": source.distribution(size), "reported": reported}


CASES = (
    Case("token", 4, laws("p", "r"), measured=_emitted, hints=_rejected),
    Case("a match with a target sample", 3, laws("p", "r"), measured=_matched),
    Case("misreported proposal", 2, _reported, measured=_bias, splits=True),
)
PROOF = smt_proof("lossless", __name__, *CASES)
