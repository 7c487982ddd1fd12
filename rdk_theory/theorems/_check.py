"""Run a claim: rung R0 on random floats, rung R1 on every rational instance of a small grid, and the guards of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import RandomSource, exhaust

PATIENCE = 10
"""Random instances at most, as a multiple of what the clause asks for: a rare failure of a control needs more."""


class Status(StrEnum):
    """Only `PROVED` is success."""

    PROVED = "proved"  # held on every instance of the rung, and every guard held
    REFUTED = "refuted"  # an instance violates it
    UNKNOWN = "unknown"  # a guard failed, so that the instances say nothing
    SKIPPED = "skipped"  # the rung does not apply


@dataclass(frozen=True)
class Outcome:
    """What one rung says about one claim."""

    claim: str
    rung: str
    status: Status
    instances: int
    sizes: str
    seconds: float
    reason: str = ""
    """Why it is not proved: the violating instance, or the guard that failed."""


def holds(kind: Kind, measured: Any, stated: Any, tolerance: float) -> bool:
    """Whether the relation of `kind` holds; `tolerance` is 0 for rationals.

    Strict relations must clear the tolerance, so that rounding alone is never a witness.
    """
    m, s = np.asarray(measured), np.asarray(stated)
    if m.shape != s.shape:
        m, s = np.broadcast_arrays(m, s)
    if m.dtype == bool or s.dtype == bool:
        return kind is Kind.IDENTITY and bool((m == s).all())
    if any(x.dtype != object and not np.isfinite(x).all() for x in (m, s)):
        return False
    gap = m - s
    relations: dict[Kind, Callable[[], Any]] = {
        Kind.IDENTITY: lambda: np.abs(gap) <= tolerance,
        Kind.UPPER: lambda: gap <= tolerance,
        Kind.TIGHT_UPPER: lambda: gap <= tolerance,
        Kind.LOWER: lambda: gap >= -tolerance,
        Kind.TIGHT_LOWER: lambda: gap >= -tolerance,
        Kind.EXISTENCE: lambda: gap > tolerance,
        Kind.COUNTEREXAMPLE: lambda: gap < -tolerance,
    }
    return bool(np.all(relations[kind]()))


def violation(clause: Clause, instance: Instance, tolerance: float) -> bool:
    """Whether the instance violates the clause."""
    return not holds(clause.kind, clause.measured(**instance), clause.stated(**instance), tolerance)


def check_random(claim: Claim, seed: int = 0, scale: float = 1.0) -> Outcome:
    """Rung R0: random float instances of every clause, `scale` times as many as the clause asks for."""

    def instances(clause: Clause) -> Iterator[Instance]:
        # The seed is one for each clause, so that adding a clause changes no other's instances.
        rng = np.random.default_rng([seed, *clause.name.encode()])
        while True:
            yield clause.build(RandomSource(rng))

    def enough(clause: Clause) -> int:
        return max(10, round(clause.samples * scale))

    return _run(claim, "R0", claim.clauses, instances, enough)


def check_exhaustive(claim: Claim) -> Outcome:
    """Rung R1: every rational instance of the grid of every clause that is rational, compared without tolerance."""
    clauses = tuple(c for c in claim.clauses if c.exact)
    if not clauses:
        return Outcome(claim.id, "R1", Status.SKIPPED, 0, "", 0.0, "no clause of it is rational")

    def instances(clause: Clause) -> Iterator[Instance]:
        return exhaust(clause.build, clause.grid_size, clause.grid_denominator)

    return _run(claim, "R1", clauses, instances, None)


def _run(
    claim: Claim,
    rung: str,
    clauses: Iterable[Clause],
    instances: Callable[[Clause], Iterator[Instance]],
    enough: Callable[[Clause], int] | None,
) -> Outcome:
    """Every instance; or, where they do not end, `enough` of them and more while a control still stands."""
    exact = enough is None
    start, total = time.perf_counter(), 0
    sizes: list[str] = []

    def outcome(status: Status, reason: str = "") -> Outcome:
        return Outcome(claim.id, rung, status, total, "; ".join(sizes), time.perf_counter() - start, reason)

    for clause in clauses:
        tolerance = 0.0 if exact else clause.tolerance
        alive = {control.name: mutated(clause, control) for control in clause.controls}
        for index, instance in enumerate(instances(clause)):
            if enough and ((index >= enough(clause) and not alive) or index >= PATIENCE * clause.samples):
                break
            total += 1
            for hypothesis in claim.hypotheses:
                if clause.name == hypothesis.clause and not hypothesis.holds(**instance):
                    return outcome(Status.UNKNOWN, f"{clause.name}: an instance breaks hypothesis {hypothesis.name}")
            if violation(clause, instance, tolerance):
                return outcome(Status.REFUTED, f"{clause.name}: {describe(clause, instance)}")
            for name in [n for n, c in alive.items() if violation(c, instance, tolerance)]:
                del alive[name]
        if alive:
            return outcome(Status.UNKNOWN, f"{clause.name}: control not rejected: {', '.join(alive)}")
        if clause.attained and (exact or not clause.exact):
            instance = clause.attained()
            attained = replace(clause, kind=Kind.IDENTITY, attained=None)
            if violation(attained, instance, tolerance):
                return outcome(Status.UNKNOWN, f"{clause.name}: not attained: {describe(clause, instance)}")
        grid = f"≤ {clause.grid_size}, /{clause.grid_denominator}" if exact else "random"
        sizes.append(f"{clause.name} {grid}")
    return _guard(claim, exact, outcome)


def _guard(claim: Claim, exact: bool, outcome: Callable[..., Outcome]) -> Outcome:
    """Each hypothesis dropped must give an instance that satisfies the others and violates its clause."""
    for hypothesis in claim.hypotheses:
        clause = claim.clause(hypothesis.clause)
        if exact and not clause.exact:
            continue
        instance = hypothesis.dropped()
        others = [h for h in claim.hypotheses if h.clause == hypothesis.clause and h is not hypothesis]
        if hypothesis.holds(**instance) or not all(h.holds(**instance) for h in others):
            return outcome(Status.UNKNOWN, f"the instance without {hypothesis.name} does not drop it alone")
        if not violation(clause, instance, 0.0):
            return outcome(
                Status.UNKNOWN, f"{clause.name} holds without {hypothesis.name}: {describe(clause, instance)}"
            )
    return outcome(Status.PROVED)


def mutated(clause: Clause, control: Control) -> Clause:
    """The clause with the roads or the relation of the control."""
    kind = control.kind or clause.kind
    tight = kind in (Kind.TIGHT_UPPER, Kind.TIGHT_LOWER)
    return replace(
        clause,
        kind=kind,
        stated=control.stated or clause.stated,
        measured=control.measured or clause.measured,
        attained=clause.attained if tight else None,
    )


def describe(clause: Clause, instance: Instance) -> str:
    """An instance and its two numbers, short enough to read and exact enough to replay."""
    parts = [f"{name} = {_show(value)}" for name, value in instance.items()]
    numbers = f"measured {_show(clause.measured(**instance))}, stated {_show(clause.stated(**instance))}"
    return f"{numbers} at {', '.join(parts)}"


def _show(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, np.ndarray):
        return _show(list(value)) if value.ndim else _show(value.item())
    if isinstance(value, list):
        return "[" + ", ".join(_show(v) for v in value) + "]"
    if isinstance(value, np.generic):
        return repr(value.item())
    return repr(value)
