"""Rung R2: what a clause states, against optima that are certified by exact duality."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from proofs_check._proof import Proof, Rung, Verdict
from proofs_check.exact._instances import Sample
from proofs_check.exact._propose import Uncertified
from rdk_theory.theorems._check import Status, describe, holds, mutated
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind, Road
from rdk_theory.theorems._source import exhaust
from rdk_theory.theorems.registry import claims

TIED = 60
"""Instances of the registry's grid on which the certified road must agree with the registry's own."""


@dataclass(frozen=True)
class Case:
    """How one clause is compared."""

    clause: str
    certified: Road
    """In the place of `measured`: a number or truth value that follows from certified optima. Takes the instance."""
    sample: Sample
    both: bool = False
    """Whether what the registry measures is a part of the statement, and must be the certified value everywhere too."""
    best: bool = False
    """Whether it is the best over all that the registry's instance gives one example of (joint laws, kernels)."""


def duality_proof(claim: str, module: str, *cases: Case, notes: tuple[str, ...] = ()) -> Proof:
    """The proof of a claim by cases, one for each clause that it covers."""
    return Proof(claim, Rung.DUALITY, lambda: prove(claims()[claim], cases, notes), module, ("scipy",))


def prove(claim: Claim, cases: tuple[Case, ...], notes: tuple[str, ...] = ()) -> Verdict:
    """Every case on all its instances; the first that fails ends it, and so does an instance without certificate."""
    sizes: dict[tuple[tuple[str, int], ...], list[str]] = {}
    model, refuted = "", []
    for case in cases:
        clause = replace(claim.clause(case.clause), measured=case.certified)
        try:
            tie(claim.clause(case.clause), case)
            counts, violated, witnesses = compare(claim, clause, case)
        except Uncertified as error:
            return Verdict(Status.UNKNOWN, reason=f"{clause.name}: {error}")
        if violated is not None:
            return Verdict(Status.REFUTED, reason=f"{clause.name}: {violated}")
        standing = [c.name for c in clause.controls if c.name not in witnesses]
        if standing:
            return Verdict(Status.UNKNOWN, reason=f"{clause.name}: mutants not refuted: {', '.join(standing)}")
        for control in clause.controls:
            mutant = _mutant(clause, control)
            refuted.append(f"{clause.name}, {control.name}: {describe(mutant, witnesses[control.name])}")
        model = model or f"{clause.name}: {describe(clause, witnesses[clause.controls[0].name])}"
        sizes.setdefault(tuple(counts.items()), []).append(clause.name)
    return Verdict(
        Status.PROVED,
        clauses=tuple(case.clause for case in cases),
        sizes="; ".join(f"{', '.join(names)}: {_counted(counts)}" for counts, names in sizes.items()),
        model=model,
        refuted=tuple(refuted),
        notes=("HiGHS proposes; every point and all prices are checked in rationals, instance by instance", *notes),
    )


def _counted(counts: tuple[tuple[str, int], ...]) -> str:
    """``all 1,234 pairs …, and 300 random with …``."""
    return ", and ".join(what.format(f"{n:,}") for what, n in counts)


def compare(claim: Claim, clause: Clause, case: Case) -> tuple[Counter[str], str | None, dict[str, Instance]]:
    """Numbers of instances, how the first violates the clause that does, and an instance that refutes each mutant."""
    alive = {control.name: _mutant(clause, control) for control in clause.controls}
    witnesses: dict[str, Instance] = {}
    original, counts = claim.clause(case.clause), Counter[str]()
    _attained(clause)
    for what, instance in case.sample:
        counts[what] += 1
        for hypothesis in claim.hypotheses:
            if hypothesis.clause == clause.name and not hypothesis.holds(**instance):
                raise AssertionError(f"{clause.name}: an instance breaks hypothesis {hypothesis.name}")
        found = clause.measured(**instance)
        if not holds(clause.kind, found, clause.stated(**instance), 0.0):
            return counts, describe(clause, instance), witnesses
        if case.both and not np.all(original.measured(**instance) == found):
            return counts, f"certified {found}, but {describe(original, instance)}", witnesses
        for name, mutant in list(alive.items()):
            if not holds(mutant.kind, found, mutant.stated(**instance), 0.0):
                witnesses[name] = instance
                del alive[name]
    return counts, None, witnesses


def _attained(clause: Clause) -> None:
    """Tight clauses hold with equality where they say so."""
    if clause.attained is not None:
        instance = clause.attained()
        if not holds(Kind.IDENTITY, clause.measured(**instance), clause.stated(**instance), 0.0):
            raise AssertionError(f"{clause.name} is not attained where it is said to be: {describe(clause, instance)}")


def _mutant(clause: Clause, control: Control) -> Clause:
    """The mutated clause; what mutates the registry's road takes the place of what is stated about the optimum."""
    if control.measured is not None:
        return replace(mutated(clause, control), measured=clause.measured, stated=control.measured)
    return mutated(clause, control)


def tie(clause: Clause, case: Case) -> None:
    """The certified road agrees with the registry's, where that is rational: equal, or best where it is one of many."""
    if not clause.exact or case.both:
        return
    for instance in islice(exhaust(clause.build, clause.grid_size, clause.grid_denominator), TIED):
        ours, theirs = case.certified(**instance), clause.measured(**instance)
        same = np.asarray(theirs) <= ours if case.best else np.asarray(theirs) == ours
        if not np.all(same):
            raise AssertionError(f"the certified road differs from the registry's: {describe(clause, instance)}")
