"""R4 of ``block-verification``: expected lengths, for chains of any length over any vocabulary, prefix by prefix."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from proofs_check.symbolic._cases import Finding, decide
from proofs_check.symbolic._statement import Part, relation, symbolic_proof
from rdk_theory.theorems._claim import Kind


class Length:
    """``Σ_i Σ_{x_{1:i}}`` of a weight of prefixes, and a constant."""

    def __init__(self, block: bool, more: int = 0) -> None:
        self.block, self.more = block, more

    def least_of(self, weight: Any, drafted: Any, p: Any, r: Any) -> list[Any]:
        """A longer prefix weighs the least of these: ``r(x_{1:i}), W p`` as a block, ``W p, W r`` by tokens."""
        return [drafted * r, weight * p] if self.block else [weight * p, weight * r]

    def __call__(self, targets: Any, proposals: Any) -> Any:
        """It, by enumeration."""
        prefixes: dict[tuple[int, ...], Any] = {(): (Fraction(1), Fraction(1))}
        whole = 0 * targets[0][0] + self.more
        for p, r in zip(targets, proposals, strict=True):
            prefixes = {
                (*x, t): (min(self.least_of(w, d, p[(*x, t)], r[(*x, t)])), d * r[(*x, t)])
                for x, (w, d) in prefixes.items()
                for t in range(p.shape[-1])
            }
            whole = whole + sum(w for w, _ in prefixes.values())
        return whole


def _at_least(kind: Kind, stated: Length, measured: Length) -> Finding:
    """If ``V ≤ W ≤ r(x_{1:i})`` holds for a prefix it holds for each that is longer by one token; at first all are 1.

    Token by token the longer one has ``V min(p, r)``, as a block ``min(r(x_{1:i}) r, W p)``: at most its chance.
    """

    def step(x: Any) -> bool:
        tokens = x["v"]
        block = tokens + x["more"]
        drafted = block + x["most"]
        p, r = x["p"], x["r"]
        left = min(stated.least_of(tokens, drafted, p, r))
        return all(relation(kind)(side - left) for side in measured.least_of(block, drafted, p, r))

    def start(x: Any) -> bool:
        return relation(kind)(measured.more - stated.more + 0 * x["v"])

    first = decide(start, "v")
    return first if not first.proved else decide(step, "v more most p r")


PROOF = symbolic_proof(
    "block-verification",
    __name__,
    Part(
        "at least token by token",
        _at_least,
        Length(block=False),
        Length(block=True),
        {"strictly": None, "one token more": Length(block=False, more=1)},
    ),
    sizes="any N, any γ, laws that depend on the prefix",
)
