"""What a claim is: a statement, its hypotheses, and two independent roads to every number in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rdk_theory.theorems._source import Source

Instance = dict[str, Any]
Road = Callable[..., Any]


class Kind(StrEnum):
    """How `measured` and `stated` of a clause are related on every instance."""

    IDENTITY = "identity"  # measured = stated (numbers, arrays or truth values)
    UPPER = "upper"  # measured ≤ stated
    TIGHT_UPPER = "tight-upper"  # measured ≤ stated, with equality at `attained`
    LOWER = "lower"  # measured ≥ stated
    TIGHT_LOWER = "tight-lower"  # measured ≥ stated, with equality at `attained`
    EXISTENCE = "existence"  # each instance is a witness: measured > stated
    COUNTEREXAMPLE = "counterexample"  # each instance refutes "measured ≥ stated": measured < stated


@dataclass(frozen=True)
class Hypothesis:
    """A named condition of a claim, and what happens without it."""

    name: str
    statement: str
    holds: Callable[..., bool]
    """Whether an instance, given as keywords, satisfies the condition."""
    dropped: Callable[[], Instance]
    """A rational instance that satisfies every other hypothesis, not this one, and violates `clause`."""
    clause: str
    """Name of the clause that `dropped` violates."""


@dataclass(frozen=True)
class Control:
    """A mutated clause that the check must reject, or the check proves nothing."""

    name: str
    stated: Road | None = None
    measured: Road | None = None
    kind: Kind | None = None


@dataclass(frozen=True)
class Clause:
    """One checkable sentence of a claim."""

    name: str
    kind: Kind
    statement: str
    """LaTeX."""
    build: Callable[[Source], Instance]
    """Builds an instance from the choices of a source: random, exhaustive or Hypothesis's."""
    stated: Road
    """The closed form. Takes the instance as keywords."""
    measured: Road
    """The same number by a road that does not call the closed form: enumeration, linear programming, simulation."""
    controls: tuple[Control, ...]
    exact: bool = True
    """Whether both roads are rational, so that rung R1 applies."""
    attained: Callable[[], Instance] | None = None
    """For tight kinds: a rational instance with equality (float if `exact` is false)."""
    grid_size: int = 3
    """Largest size of an axis on the exhaustive grid."""
    grid_denominator: int = 3
    """Denominator of the rationals on the grid."""
    samples: int = 200
    """Random instances at rung R0."""
    tolerance: float = 1e-12
    """Rounding allowed between the two roads at R0; R1 allows none."""

    def __post_init__(self) -> None:
        tight = self.kind in (Kind.TIGHT_UPPER, Kind.TIGHT_LOWER)
        if tight != (self.attained is not None):
            raise ValueError(f"clause {self.name}: `attained` goes with tight kinds, and only with them")
        if not self.controls:
            raise ValueError(f"clause {self.name}: a check without a negative control proves nothing")


@dataclass(frozen=True)
class Claim:
    """A theorem of the package."""

    id: str
    title: str
    section: str
    """Letter of the section: A acceptance, B restriction, C dominance, D first order, E cold mass, F sequences."""
    statement: str
    """LaTeX, whole."""
    clauses: tuple[Clause, ...]
    hypotheses: tuple[Hypothesis, ...] = ()
    source: str = "this package"
    """Where the statement comes from; proofs are ours unless it says otherwise."""
    remarks: tuple[str, ...] = field(default=())
    """What a reader must know: corrections, sharpness, limits."""

    def clause(self, name: str) -> Clause:
        """The clause of that name."""
        for clause in self.clauses:
            if clause.name == name:
                return clause
        raise KeyError(f"{self.id} has no clause {name}")
