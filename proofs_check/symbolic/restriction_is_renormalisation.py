"""R4 of ``restriction-is-renormalisation``: the weights of a softmax are positive numbers, their sums symbols.

One kept token has weight `w`, all kept tokens have `kept` and the vocabulary `total`, whatever their numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, symbolic_proof
from rdk_theory.theorems._claim import Kind


class Softmax:
    """A function of a kept token's weight and of the two sums; weights are ``e^{z/T}``."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def __call__(self, logits: Any, kept: Any, temperature: Any) -> Any:
        """It, for each kept token, in numbers that do not overflow."""
        import sympy

        weights = np.array([sympy.exp(sympy.Float(float(z) / temperature, 30)) for z in logits], dtype=object)
        return self.of(weights[kept], weights[kept].sum(), weights.sum()).astype(np.float64)


class Weights:
    """The same function of weights that are given."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def __call__(self, full: Any, kept: Any, draft_ids: Any, unit: Any) -> Any:
        """It, for each kept token."""
        return self.of(full[draft_ids], full[draft_ids].sum(), full.sum())


def _conditioned(w: Any, kept: Any, total: Any) -> Any:
    """``(w/total) / (kept/total)``: the full law, then conditioning."""
    return (w / total) / (kept / total)


def _renormalised(w: Any, kept: Any, total: Any) -> Any:
    """``w/kept``: the pruned head."""
    return w / kept


def _same(kind: Kind, stated: Any, measured: Any) -> Finding:
    w, kept, total = symbols("w kept total")
    return equal((stated.of(w, kept, total), measured.of(w, kept, total)), where=[total - kept, kept - w])


NOT_RENORMALISED = {"not renormalised": Softmax(lambda w, kept, total: w / total)}
PROOF = symbolic_proof(
    "restriction-is-renormalisation",
    __name__,
    Part(
        "weights",
        _same,
        Weights(_conditioned),
        Weights(_renormalised),
        {"not renormalised": Weights(lambda w, kept, total: w / total)},
    ),
    Part("full row", _same, Softmax(_conditioned), Softmax(_renormalised), NOT_RENORMALISED),
    Part("pruned head", _same, Softmax(_renormalised), Softmax(_conditioned), NOT_RENORMALISED),
    sizes="any N, any K, any temperature",
)
