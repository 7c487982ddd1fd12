"""One clause of a claim on unknown reals of one size: its paths, its mutants, and what ties it to the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from proofs_check import _cache
from proofs_check._proof import Proof, Rung, Verdict
from proofs_check.smt._arrays import instrumented
from proofs_check.smt._explore import Exploration, Explorer, Failure, TooMany
from proofs_check.smt._relations import relations
from proofs_check.smt._source import FreeSource, GridSource, PinnedSource, ReplaySource, SymbolicSource
from proofs_check.smt._symbols import Guard, guard
from rdk_theory.theorems._check import Status, describe, mutated, violation
from rdk_theory.theorems._claim import Claim, Clause, Instance, Kind
from rdk_theory.theorems._source import exhaust
from rdk_theory.theorems.registry import claims

TIED = 400
"""Instances of the registry's grid on which a road given here must equal the registry's."""
PATHS = 20_000
SEARCHED = 100
"""Paths on which models of a mutant are replayed where no instance of a grid refutes it."""
DRAWS = 1_000
"""Instances of a grid that are drawn for a mutant."""

Goal = Callable[[FreeSource, Clause, Instance], list[Guard | bool]]


@dataclass(frozen=True)
class Case:
    """How one clause is proved."""

    clause: str
    size: int
    """Largest size of a vocabulary; builders of the registry may have a smaller limit of their own."""
    build: Callable[[FreeSource], Instance] | None = None
    """Instances in place of the registry's: more of them, or the same in unknowns that leave less to multiply."""
    stated: Callable[..., Any] | None = None
    """A road in place of the registry's, equal to it on the registry's grid, that asks less of Python."""
    measured: Callable[..., Any] | None = None
    """As `stated`."""
    goal: Goal | None = None
    """Conditions in place of the comparison of the two roads, where a road searches what a formula quantifies."""
    hints: Callable[..., Iterable[Any]] | None = None
    """Facts about single tokens, proved first; from the instance."""
    sizes: str = ""
    """How to call the size, where it is not the number of tokens."""
    splits: bool = False
    """Whether each minimum is two cases, so that what is compared are quotients of polynomials without pieces."""
    unknowns: int = 64
    controls: tuple[str, ...] | None = None
    """Which mutants to refute here (default: all that the clause has)."""
    control_size: int = 0
    """Size for the mutants where it differs; they run by the registry's own builder and roads."""


def smt_proof(claim: str, module: str, *cases: Case, notes: tuple[str, ...] = ()) -> Proof:
    """The proof of a claim by cases, one or more for each clause that it covers."""
    return Proof(
        claim, Rung.SMT, lambda: prove(claims()[claim], cases, notes), module, ("z3-solver", "cvc5", "python-flint")
    )


def prove(claim: Claim, cases: tuple[Case, ...], notes: tuple[str, ...] = ()) -> Verdict:
    """Every case, its mutants and its ties; the first that fails ends it."""
    sizes, refuted, model, checks = [], [], "", 0
    with instrumented():
        for case in cases:
            clause = claim.clause(case.clause)
            tie(clause, case)
            found = explore(clause, case)
            checks += found.checks
            if found.failures:
                return _failed(claim, clause, case, found)
            if not found.checks:
                return _unknown(claim, clause, "the solvers had nothing to prove", "")
            if (said := found.cvc5()) != "agrees":
                return _unknown(claim, clause, f"z3 proves it, cvc5 {said}", found.text())
            model = model or _replayed_model(claim, clause, case, found)
            _attained(clause)
            for control in clause.controls:
                if case.controls is None or control.name in case.controls:
                    witness = refute(clause, mutated(clause, control), case, control)
                    if witness is None:
                        return _unknown(claim, clause, f"the mutant {control.name!r} was not refuted", found.text())
                    refuted.append(f"{clause.name}, {control.name}: {witness}")
            sizes.append(f"{clause.name} {case.sizes or f'N = {case.size}'} ({found.paths} paths)")
    return Verdict(
        Status.PROVED,
        clauses=tuple(dict.fromkeys(case.clause for case in cases)),
        sizes="; ".join(sizes),
        model=model,
        refuted=tuple(refuted),
        notes=(
            f"{checks} obligations, each unsat by z3 and by cvc5; kept sets, if any, up to renaming tokens",
            *notes,
        ),
    )


def explore(
    clause: Clause,
    case: Case,
    stop: Callable[[Failure], bool] | None = None,
    source: Callable[[Explorer], SymbolicSource] | None = None,
    limit: int = PATHS,
) -> Exploration:
    """All paths of a clause."""
    statement = replace(clause, stated=case.stated or clause.stated, measured=case.measured or clause.measured)

    def road(explorer: Explorer) -> list[Guard | bool]:
        own = source(explorer) if source else SymbolicSource(case.size, explorer)
        instance = (case.build or clause.build)(own)
        for hint in case.hints(**instance) if case.hints else ():
            explorer.lemma(guard(hint).text)
        if case.goal:
            return case.goal(own, statement, instance)
        return relations(statement.kind, statement.measured(**instance), statement.stated(**instance))

    return Explorer(case.unknowns, splits=case.splits).explore(road, limit, stop)


def refute(clause: Clause, mutant: Clause, case: Case, control: Any) -> str | None:
    """A rational instance that violates a mutant, found by the same road; `None` if there is none.

    The paths are followed with the numbers of instances on a grid; where none of these violates it, with all numbers
    unknown. Either way a solver says that the negated relation is satisfiable, and the registry's roads say it again.
    """
    own = replace(
        case,
        size=case.control_size or case.size,
        stated=case.stated if control.stated is None else None,
        measured=case.measured if control.measured is None else None,
        hints=None,
    )
    if case.goal and control.measured:
        own = Case(case.clause, case.control_size or 2)  # a goal does not look at the road that this mutant changes
    witness: list[str] = []

    def replayed(failure: Failure) -> bool:
        if failure.values is None:
            return False
        try:
            instance = _instance(clause, own, failure.choices, failure.values)
        except ValueError:
            return False  # a model near an algebraic number need not be an instance
        if violation(mutant, instance, 0.0):
            witness.append(describe(mutant, instance))
        return bool(witness)

    for instance in _grid(clause, mutant, own):
        explore(mutant, own, replayed, partial(_pinned, own.size, instance))
        if witness:
            return witness[0]
    with suppress(TooMany):
        explore(mutant, own, stop=replayed, limit=SEARCHED)
    return witness[0] if witness else None


def _pinned(size: int, instance: GridSource, explorer: Explorer) -> PinnedSource:
    return PinnedSource(size, explorer, instance.choices, instance.values)


def _grid(clause: Clause, mutant: Clause, case: Case) -> Iterator[GridSource]:
    """Instances on a grid that violate a mutant."""
    for seed in range(DRAWS):
        source = GridSource(case.size, seed)
        try:
            instance = _plain((case.build or clause.build)(source))
        except ValueError:
            continue
        if violation(mutant, instance, 0.0):
            yield source


def _instance(clause: Clause, case: Case, choices: tuple[int, ...], values: tuple[Fraction, ...]) -> Instance:
    return _plain((case.build or clause.build)(ReplaySource(case.size, choices, values)))


def _plain(built: Instance) -> Instance:
    """An instance without arrays of symbols, which its numbers do not need."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(v) for v in value]
        return np.asarray(value) if isinstance(value, np.ndarray) else value

    return {name: plain(value) for name, value in built.items()}


def tie(clause: Clause, case: Case) -> None:
    """The roads of a case equal the registry's on its grid."""
    for own, original in ((case.stated, clause.stated), (case.measured, clause.measured)):
        if own is None:
            continue
        for instance in islice(exhaust(clause.build, clause.grid_size, clause.grid_denominator), TIED):
            left, right = np.asarray(own(**instance)), np.asarray(original(**instance))
            if not np.array_equal(left, right):
                raise AssertionError(
                    f"a road given for {clause.name} differs from the registry's: {describe(clause, instance)}"
                )


def _replayed_model(claim: Claim, clause: Clause, case: Case, found: Exploration) -> str:
    if found.example is None:
        return ""
    instance = _instance(clause, case, *found.example)
    for hypothesis in claim.hypotheses:
        if hypothesis.clause == clause.name and not hypothesis.holds(**instance):
            raise AssertionError(f"the model breaks the hypothesis {hypothesis.name}")
    if violation(clause, instance, 0.0):
        raise AssertionError(f"the model violates the clause: {describe(clause, instance)}")
    return f"{clause.name}: {describe(clause, instance)}"


def _attained(clause: Clause) -> None:
    """Tight clauses hold with equality where they say so."""
    if clause.attained is not None:
        equal = replace(clause, kind=Kind.IDENTITY, attained=None)
        if violation(equal, clause.attained(), 0.0):
            raise AssertionError(f"{clause.name} is not attained where it is said to be")


def _failed(claim: Claim, clause: Clause, case: Case, found: Exploration) -> Verdict:
    failure = found.failures[0]
    path = _keep(claim, clause, failure.script)
    if failure.values is not None:
        instance = _instance(clause, case, failure.choices, failure.values)
        if violation(clause, instance, 0.0):
            return Verdict(Status.REFUTED, reason=f"{clause.name}: {describe(clause, instance)} ({path})")
    return Verdict(Status.UNKNOWN, reason=f"{clause.name}: {failure.answer}, see {path}")


def _unknown(claim: Claim, clause: Clause, reason: str, script: str) -> Verdict:
    return Verdict(Status.UNKNOWN, reason=f"{clause.name}: {reason}, see {_keep(claim, clause, script)}")


def _keep(claim: Claim, clause: Clause, script: str) -> str:
    """Keep the SMT-LIB text of a goal that failed."""
    path = _cache.folder() / "failed" / f"{claim.id}-{clause.name.replace(' ', '-').replace(',', '')}.smt2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, encoding="utf-8")
    return path.as_posix()
