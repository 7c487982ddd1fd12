"""R3 of ``linear-cost``: bytes as polynomials, for all sizes at once.

Products and sums are counted by running a kernel, which needs sizes that are numbers (R1).
"""

from __future__ import annotations

from typing import Any

from proofs_check._costs import COSTS
from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._source import FreeSource
from proofs_check.smt._symbols import Symbol
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems.linear_cost import ENTRIES


def _sizes(source: FreeSource) -> Instance:
    """Sizes of at least 1, the last of which counts the entries of a row."""
    N, K, R, e = (_whole(source.non_negative() + 1) for _ in range(4))
    source.assume(K <= N)
    source.assume(e <= N)
    return {"kind": source.pick(tuple(ENTRIES)), "sizes": (N, K, R, e)}


def _whole(value: Any) -> Any:
    """A size, where it is known: no kernel has a size that is no integer."""
    if isinstance(value, Symbol):
        return value
    if value.denominator != 1:
        raise ValueError(f"the size {value} is no integer")
    return int(value)


def _bytes(kind: str, sizes: tuple[Any, Any, Any, Any]) -> Any:
    """By the package's cost functions, which take sizes without a kernel of that size."""
    return COSTS[kind](*sizes).bytes(itemsize=4)


CASES = (Case("bytes", 0, _sizes, stated=_bytes, sizes="all sizes"),)

PROOF = smt_proof("linear-cost", __name__, *CASES)
