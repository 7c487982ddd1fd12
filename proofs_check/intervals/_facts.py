"""What a rung R5 proof is: scalar facts on whole intervals, exact identities, and ties to the registry's roads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check._proof import Proof, Rung, Verdict
from proofs_check.intervals._positive import Function, positive, value_at
from rdk_theory.theorems._check import Status
from rdk_theory.theorems._claim import Claim, Instance
from rdk_theory.theorems.registry import claims

POINTS = (Fraction(1, 16), Fraction(1, 3), Fraction(7, 10), Fraction(15, 16))
"""Where a road of the registry must equal the formula that is proved about."""
ROUNDING = 1e-12
"""How far floats of the registry may be from the ball, relative to 1 or to the value if that is larger."""


@dataclass(frozen=True)
class Fact:
    """``function > 0`` on ``(low, high]``."""

    says: str
    function: Function
    high: Fraction | int
    low: Fraction | int = 0
    beyond: str = ""
    """Why it holds above `high`, where a clause needs that."""


@dataclass(frozen=True)
class Identity:
    """Something exact, by polynomials with rational coefficients; `mutant` is the same with one number changed."""

    says: str
    holds: Callable[[], bool]
    mutant: Callable[[], bool]


@dataclass(frozen=True)
class Tie:
    """A road of a clause of the registry, at instances of one number, is this formula."""

    clause: str
    road: str
    instance: Callable[[float], Instance]
    formula: Function
    points: Sequence[Fraction] = POINTS
    entry: int = 0
    """Which of its numbers, where the road gives several."""


def interval_proof(
    claim: str,
    module: str,
    *,
    facts: Sequence[Fact],
    clauses: Sequence[str],
    mutants: Sequence[Fact],
    ties: Sequence[Tie],
    sizes: str,
    model: str,
    identities: Sequence[Identity] = (),
    partial: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Proof:
    """The proof of clauses by facts; how they follow stands in the docstring of `module`.

    Parameters
    ----------
    mutants
        Facts that are false, each that of a wrong statement: they must be refuted.
    ties
        At least one: without it the facts are about nothing in the registry.
    """
    run = functools.partial(
        _run, claim, tuple(facts), tuple(identities), tuple(mutants), tuple(ties),
        Verdict(Status.PROVED, tuple(clauses), tuple(partial), sizes, model=model, notes=tuple(notes)),
    )  # fmt: skip
    return Proof(claim, Rung.INTERVAL, run, module, tools=("python-flint",))


def _run(
    name: str,
    facts: tuple[Fact, ...],
    identities: tuple[Identity, ...],
    mutants: tuple[Fact, ...],
    ties: tuple[Tie, ...],
    proved: Verdict,
) -> Verdict:
    claim = claims()[name]
    notes = []
    for tie in ties:
        if difference := differs(claim, tie):
            return Verdict(Status.REFUTED, reason=difference)
    for identity in identities:
        if not identity.holds():
            return Verdict(Status.REFUTED, reason=f"{identity.says}: not so")
        notes.append(f"{identity.says}: exact")
    for fact in facts:
        bound = positive(fact.function, fact.low, fact.high)
        if bound.status is not Status.PROVED:
            return Verdict(bound.status, reason=f"{fact.says}: {bound.where}")
        power = f" x^{bound.order}" if bound.order else ""
        notes.append(
            f"{fact.says} on {_interval(fact)}: by {_below(bound.margin)}{power} or more, {bound.boxes} boxes"
            + (f"; beyond, {fact.beyond}" if fact.beyond else "")
        )
    refuted = []
    for mutant in mutants:
        bound = positive(mutant.function, mutant.low, mutant.high)
        if bound.status is not Status.REFUTED:
            return Verdict(Status.UNKNOWN, reason=f"guard: the mutant {mutant.says} is {bound.status}")
        refuted.append(f"{mutant.says}: {bound.where}")
    for identity in identities:
        if identity.mutant():
            return Verdict(Status.UNKNOWN, reason=f"guard: the mutant of {identity.says} holds")
    return Verdict(
        proved.status,
        proved.clauses,
        proved.partial,
        proved.sizes,
        model=proved.model,
        refuted=tuple(refuted),
        notes=(*notes, *proved.notes),
    )


def differs(claim: Claim, tie: Tie) -> str:
    """How a road of the registry differs from the formula; empty if it does not."""
    road: Callable[..., Any] = getattr(claim.clause(tie.clause), tie.road)
    for point in tie.points:
        # The float is the point: the ball is about the number that the registry is given.
        at = float(point)
        number = float(np.asarray(road(**tie.instance(at)), dtype=np.float64).ravel()[tie.entry])
        ball = value_at(tie.formula, at)
        if not abs(float(ball.mid()) - number) <= ROUNDING * max(1.0, abs(number)):
            return f"{tie.clause}: {tie.road} is {number} at {at}, and what is proved about {float(ball.mid())}"
    return ""


def _interval(fact: Fact) -> str:
    return f"{'(0' if fact.low == 0 else f'[{fact.low}'}, {fact.high}]"


def _below(margin: float) -> str:
    """A margin with three digits, rounded down."""
    digits = f"{margin:.2e}"
    return digits if float(digits) <= margin else f"{margin * (1 - 5e-3):.2e}"
