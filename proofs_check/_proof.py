"""What a proof is: which claim, by which road, for which sizes; what it found; the guards without which it is void."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rdk_theory.theorems._check import Status, describe, violation
from rdk_theory.theorems._claim import Claim
from rdk_theory.theorems.registry import claims


class Rung(StrEnum):
    """The ladder. A rung is stronger than those before it, or of another kind."""

    GRID = "R1"  # every rational instance of a small grid
    DUALITY = "R2"  # a linear programme whose dual is re-checked exactly
    SMT = "R3"  # all reals at fixed sizes, by two solvers
    SYMBOLIC = "R4"  # sizes and parameters symbolic
    INTERVAL = "R5"  # whole ranges of exponentials and logarithms
    KERNEL = "R6"  # all sizes, by a proof assistant


@dataclass(frozen=True)
class Verdict:
    """What a proof found when it ran."""

    status: Status
    clauses: tuple[str, ...] = ()
    """Clauses of the claim that are proved, whole."""
    partial: tuple[str, ...] = ()
    """Clauses that are proved in part, each with the part; they do not count."""
    sizes: str = ""
    """For which sizes or ranges."""
    reason: str = ""
    """Why it is not proved."""
    model: str = ""
    """An instance of the hypotheses: the claim is not about nothing."""
    refuted: tuple[str, ...] = ()
    """Mutated statements that the same road refuted, with what refutes them."""
    dropped: tuple[str, ...] = ()
    """Hypotheses without which the claim fails, with the rational instance that shows it."""
    notes: tuple[str, ...] = field(default=())
    """What else a reader wants to know: margins, axioms, sharpness."""


@dataclass(frozen=True)
class Proof:
    """A proof of some clauses of one claim."""

    claim: str
    rung: Rung
    run: Callable[[], Verdict]
    module: str
    """Where it stands: ``__name__`` there."""
    tools: tuple[str, ...] = ()
    """Distributions whose versions the result depends on, and ``coqc``."""
    files: tuple[str, ...] = ()
    """Files besides Python sources that the result depends on, from the folder of `proofs_check`."""

    @property
    def name(self) -> str:
        """Rung and claim: unique."""
        return f"{self.rung} {self.claim}"

    @property
    def source(self) -> str:
        """The file that a reader opens: the last of `files`, or the module."""
        return self.files[-1] if self.files else self.module.replace(".", "/") + ".py"


def guarded(proof: Proof, verdict: Verdict) -> Verdict:
    """The verdict, `UNKNOWN` if a guard fails: a model, a refuted mutant, and every hypothesis shown to be needed."""
    if verdict.status is not Status.PROVED:
        return verdict
    claim = claims()[proof.claim]
    names = {clause.name for clause in claim.clauses}

    def fails(reason: str) -> Verdict:
        return replace(verdict, status=Status.UNKNOWN, reason=f"guard: {reason}")

    named = {*verdict.clauses, *(text.partition(":")[0] for text in verdict.partial)}
    if not named or not named <= names:
        return fails(f"it names the clauses {sorted(named)}, the claim has {sorted(names)}")
    if not verdict.model:
        return fails("no model of the hypotheses")
    if not verdict.refuted:
        return fails("no mutated statement was refuted")
    try:
        return replace(verdict, dropped=needed(claim, verdict.clauses))
    except AssertionError as error:
        return fails(str(error))


def needed(claim: Claim, proved: tuple[str, ...]) -> tuple[str, ...]:
    """Replay the instance that each hypothesis of the proved clauses excludes; it must violate its clause."""
    found = []
    for hypothesis in claim.hypotheses:
        if hypothesis.clause not in proved:
            continue
        clause, instance = claim.clause(hypothesis.clause), hypothesis.dropped()
        others = [h for h in claim.hypotheses if h.clause == hypothesis.clause and h is not hypothesis]
        if hypothesis.holds(**instance) or not all(h.holds(**instance) for h in others):
            raise AssertionError(f"the instance without {hypothesis.name} does not drop it alone")
        if not violation(clause, instance, 0.0):
            raise AssertionError(f"{clause.name} holds without {hypothesis.name}")
        found.append(f"{hypothesis.name}: {describe(clause, instance)}")
    return tuple(found)
