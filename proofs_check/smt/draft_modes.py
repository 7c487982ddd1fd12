"""R3 of ``draft-modes``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check.smt._case import Case, smt_proof


def _token(p: np.ndarray, r: np.ndarray) -> Iterator[Any]:
    """``a b ≤ m min(a, b)`` for any `m` that is at least `a` and `b`."""
    largest = max(*p, *r)
    return (a * b <= largest * min(a, b) for a, b in zip(p, r, strict=True))


CASES = (
    Case("exact match", 4),
    Case("argmax", 5),
    Case("match below ratio", 4, hints=_token, control_size=2),
    Case("equality of match and ratio", 3),
    Case("argmax from above", 5),
    Case("argmax from below", 5),
    Case("argmax can win", 5),
    Case("argmax can lose", 5),
)
PROOF = smt_proof("draft-modes", __name__, *CASES)
