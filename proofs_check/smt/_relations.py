"""What a clause says of its two numbers, as conditions."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.smt import _quotients
from proofs_check.smt._symbols import Guard, Symbol, compare, equal, lift
from rdk_theory.theorems._claim import Kind

_RELATIONS = {
    Kind.IDENTITY: lambda m, s: compare(m, s, "="),
    Kind.UPPER: lambda m, s: compare(m, s, "<="),
    Kind.TIGHT_UPPER: lambda m, s: compare(m, s, "<="),
    Kind.LOWER: lambda m, s: compare(s, m, "<="),
    Kind.TIGHT_LOWER: lambda m, s: compare(s, m, "<="),
    Kind.EXISTENCE: lambda m, s: compare(s, m, "<"),
    Kind.COUNTEREXAMPLE: lambda m, s: compare(m, s, "<"),
}


def relations(kind: Kind, measured: Any, stated: Any) -> list[Guard | bool]:
    """One condition for each entry; arrays of truth values are compared as such."""
    m, s = np.broadcast_arrays(_array(measured), _array(stated))
    out: list[Guard | bool] = []
    for a, b in zip(m.ravel(), s.ravel(), strict=True):
        if any(isinstance(x, (bool, np.bool, Guard)) for x in (a, b)):
            out.append(kind is Kind.IDENTITY and equal(a, b))
        else:
            holds = _RELATIONS[kind](a, b)
            out.append(sides(a, b) if holds is True and kind is Kind.IDENTITY else holds)
    return out


def sides(a: Any, b: Any) -> Guard | bool:
    """``a = b`` with each side as it came: what normal forms make equal, the solvers are to find equal too."""
    if not isinstance(a, Symbol) and not isinstance(b, Symbol):
        return True
    left, right = lift(a), lift(b)
    common = _quotients.least([*left.denominators(), *right.denominators()])
    return Guard(f"(= {left.over(common)} {right.over(common)})")


def _array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray).astype(object)
    if isinstance(value, list | tuple):
        out = np.empty(len(value), dtype=object)
        out[:] = value
        return out
    out = np.empty((), dtype=object)
    out[()] = value
    return out
