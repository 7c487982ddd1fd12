"""A clause by a symbolic road: the formulas it is about, what ties them to the registry, and its mutants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from proofs_check._proof import Proof, Rung, Verdict
from proofs_check.symbolic._cases import Finding, both, decide
from rdk_theory.theorems._check import Status, describe, holds, mutated, violation
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import RandomSource, exhaust
from rdk_theory.theorems.registry import claims

TIED = 150
"""Rational instances of the registry's grid on which a formula must equal the registry's road."""

FLOATS = 20
"""Random instances in place of these, where a road is not rational."""

SEARCHED = 4_000
"""Instances of the grid among which one must violate a mutant."""

Formula = Callable[..., Any]
Rows = Callable[..., tuple[list[dict[str, Any]], dict[str, Any]]]
"""From an instance to the numbers of each token, and those that all tokens share."""

Road = Callable[[Kind, Any, Any], Finding]
"""From the relation, the closed form and the other side to whether the relation holds for all unknowns."""


@dataclass(frozen=True)
class Part:
    """A symbolic proof of a clause, or of a part of it."""

    clause: str
    road: Road
    stated: Formula
    """The registry's closed form, by a function of numbers or of symbols."""
    measured: Formula
    """The registry's other road, in the same way."""
    mutants: Mapping[str, Formula | None] = field(default_factory=dict)
    """By the name of a control: the formula in place of the side that it mutates; `None` where it mutates the kind."""
    covers: str = ""
    """Which part of the clause, if not all of it."""
    known: Formula | None = None
    """What vanishes on every instance, and is used."""


def vectors(**instance: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Arrays hold one number for each token; all else is shared."""
    arrays = {k: v for k, v in instance.items() if isinstance(v, np.ndarray) and v.ndim == 1}
    shared = {k: v for k, v in instance.items() if k not in arrays}
    return [dict(zip(arrays, values, strict=True)) for values in zip(*arrays.values(), strict=True)], shared


@dataclass(frozen=True)
class Total:
    """``constant + Σ_t token``: by its two parts for unknown numbers, and summed up on an instance."""

    token: Formula
    constant: Formula = lambda **shared: 0
    rows: Rows = vectors

    def __call__(self, **instance: Any) -> Any:
        tokens, shared = self.rows(**instance)
        return self.constant(**shared) + sum(self.token(**{**shared, **token}) for token in tokens)


@dataclass(frozen=True)
class Build:
    """How the numbers of a token (or the shared ones) are written in unknowns, so that what is compared is linear."""

    names: str
    make: Callable[[Any], dict[str, Any]]


def plain(names: str, given: Formula | None = None, **fixed: Any) -> Build:
    """Each number an unknown of its own, some `fixed`; `given` is what is assumed of them."""

    def make(x: Any) -> dict[str, Any]:
        numbers = {name: x[name] for name in names.split()} | fixed
        if given is not None:
            x.assume(given(**numbers))
        return numbers

    return Build(names, make)


def share(x: Any, first: str, second: str) -> Any:
    """A number in [0, 1]: one unknown over the sum of two."""
    x.assume(x[first] + x[second] > 0)
    return x[first] / (x[first] + x[second])


def terms(condition: Callable[..., bool], builds: Iterable[Build | str]) -> Finding:
    """Whether a condition on the numbers of one token holds in every build."""
    cases = 0
    for build in builds:
        chosen = plain(build) if isinstance(build, str) else build
        found = decide(partial(_met, condition, chosen), chosen.names)
        if not found.proved:
            return found
        cases += found.cases
    return Finding(Status.PROVED, cases)


def _met(condition: Callable[..., bool], build: Build, x: Any) -> bool:
    return condition(**build.make(x))


NOTHING = Build("unit", lambda x: {})


def termwise(*builds: Build | str, shared: Build | str = NOTHING, known: Total | None = None) -> Road:
    """Sums over any number of tokens, compared term by term after `known`, which vanishes, is added.

    ``constant + Σ_t token`` is 0, or at least 0, if its constant and its term for any one token are; above 0 if in
    addition the constant is.
    """
    extra = known or Total(lambda **numbers: 0)

    def road(kind: Kind, stated: Total, measured: Total) -> Finding:
        strict = {Kind.EXISTENCE: Kind.LOWER, Kind.COUNTEREXAMPLE: Kind.UPPER}
        total, one = relation(kind), relation(strict.get(kind, kind))

        def token(**x: Any) -> bool:
            return one(measured.token(**x) - stated.token(**x) + extra.token(**x))

        def constant(**x: Any) -> bool:
            return total(measured.constant(**x) - stated.constant(**x) + extra.constant(**x))

        found = terms(token, builds)
        return both(found, terms(constant, [shared])) if found.proved else found

    return road


def relation(kind: Kind) -> Callable[[Any], bool]:
    """What must hold of ``measured − stated``."""
    if kind is Kind.IDENTITY:
        return lambda gap: bool(gap == 0)
    if kind in (Kind.UPPER, Kind.TIGHT_UPPER):
        return lambda gap: bool(gap <= 0)
    if kind in (Kind.LOWER, Kind.TIGHT_LOWER):
        return lambda gap: bool(gap >= 0)
    return lambda gap: bool(gap > 0) if kind is Kind.EXISTENCE else bool(gap < 0)


def tried(kind: Kind, stated: Formula, measured: Formula, chosen: Iterable[Instance]) -> Finding:
    """The relation at numbers: it proves nothing, but it refutes what is not meant."""
    for instance in chosen:
        if not holds(kind, measured(**instance), stated(**instance), 0.0):
            return Finding(Status.REFUTED, 1, instance)
    return Finding(Status.PROVED)


def symbolic_proof(claim: str, module: str, *parts: Part, sizes: str, notes: tuple[str, ...] = ()) -> Proof:
    """The proof of a claim by its parts."""
    return Proof(claim, Rung.SYMBOLIC, lambda: prove(claims()[claim], parts, sizes, notes), module, ("sympy",))


def prove(claim: Claim, parts: tuple[Part, ...], sizes: str, notes: tuple[str, ...] = ()) -> Verdict:
    """Every part with its ties and mutants; the first that fails ends it."""
    refuted: list[str] = []
    cases = 0
    for part in parts:
        clause = claim.clause(part.clause)
        _tie(clause, part)
        found = part.road(clause.kind, part.stated, part.measured)
        if not found.proved:
            return _failed(clause, found)
        cases += found.cases
        for name, formula in part.mutants.items():
            refuted.append(f"{clause.name}, {name}: {_refute(clause, part, name, formula)}")
        if clause.attained is not None:
            _attained(clause)
    partial = tuple(f"{part.clause}: {part.covers}" for part in parts if part.covers)
    names = dict.fromkeys(part.clause for part in parts)
    whole = tuple(n for n in names if not any(p.covers for p in parts if p.clause == n))
    first = claim.clause(parts[0].clause)
    model = describe(first, next(instances(first)))
    return Verdict(Status.PROVED, whole, partial, sizes, "", model, tuple(refuted), (), (f"{cases} cases", *notes))


def instances(clause: Clause) -> Iterator[Instance]:
    """Those of the registry's grid, or random ones where a road is not rational."""
    if clause.exact:
        yield from exhaust(clause.build, clause.grid_size, clause.grid_denominator)
        return
    rng = np.random.default_rng([0, *clause.name.encode()])
    for _ in range(20 * FLOATS):
        yield clause.build(RandomSource(rng))


def _tie(clause: Clause, part: Part) -> None:
    """The formulas equal the registry's roads, and what is said to vanish does."""
    for instance in islice(instances(clause), TIED if clause.exact else FLOATS):
        for own, road in ((part.stated, clause.stated), (part.measured, clause.measured)):
            _same(clause, own, road, instance)
        if part.known is not None and not _close(clause, part.known(**instance), 0):
            raise AssertionError(f"{clause.name}: what is used as 0 is not, {describe(clause, instance)}")


def _same(clause: Clause, own: Formula, road: Formula, instance: Instance) -> None:
    if not _close(clause, own(**instance), road(**instance)):
        raise AssertionError(f"{clause.name}: a formula differs from the registry's road, {describe(clause, instance)}")


def _close(clause: Clause, own: Any, road: Any) -> bool:
    left, right = np.asarray(own), np.asarray(road)
    return holds(Kind.IDENTITY, left, right, 0.0 if clause.exact else 1e-9)


def _refute(clause: Clause, part: Part, name: str, formula: Formula | None) -> str:
    """What refutes a mutant on the same road, and an instance that violates it."""
    control = next(c for c in clause.controls if c.name == name)
    mutant = mutated(clause, control)
    stated = formula if formula and control.stated else part.stated
    measured = formula if formula and control.measured else part.measured
    if formula:
        _tie_mutant(clause, control, formula)
    found = part.road(mutant.kind, stated, measured)
    if found.status is not Status.REFUTED:
        raise AssertionError(f"{clause.name}: the mutant {name!r} is {found.status} by this road ({found.reason})")
    for instance in islice(instances(clause), SEARCHED):
        if violation(mutant, instance, 0.0 if clause.exact else clause.tolerance):
            return f"{_show(found.witness)}; replayed: {describe(mutant, instance)}"
    raise AssertionError(f"{clause.name}: no instance violates the mutant {name!r}")


def _tie_mutant(clause: Clause, control: Control, formula: Formula) -> None:
    road = control.stated or control.measured
    assert road is not None
    for instance in islice(instances(clause), TIED if clause.exact else FLOATS):
        _same(clause, formula, road, instance)


def _show(witness: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{k} = {v}" for k, v in (witness or {}).items())


def _failed(clause: Clause, found: Finding) -> Verdict:
    """Refuted only with an instance of the registry that violates the clause."""
    if found.status is Status.REFUTED:
        for instance in islice(instances(clause), SEARCHED):
            if violation(clause, instance, 0.0 if clause.exact else clause.tolerance):
                return Verdict(Status.REFUTED, reason=f"{clause.name}: {describe(clause, instance)}")
    return Verdict(Status.UNKNOWN, reason=f"{clause.name}: {found.status}, {found.reason or _show(found.witness)}")


def _attained(clause: Clause) -> None:
    """Tight clauses hold with equality where they say so."""
    assert clause.attained is not None
    equal = replace(clause, kind=Kind.IDENTITY, attained=None)
    if violation(equal, clause.attained(), 0.0 if clause.exact else clause.tolerance):
        raise AssertionError(f"{clause.name} is not attained where it is said to be")
