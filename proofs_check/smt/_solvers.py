"""The two solvers, each fed the same SMT-LIB text."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from proofs_check.smt import _quotients

# Limits in the solvers' own units of work, so that no answer depends on the machine or its load.
Z3_WORK = 2_000_000
Z3_WORK_ALONE = 8_000_000
CVC5_WORK = 100_000
CVC5_WORK_ALONE = 1_000_000
DECIDED = ("sat", "unsat")


def header() -> str:
    """Declarations of the unknowns."""
    return "(set-logic QF_NRA)\n" + "".join(f"(declare-const {name} Real)\n" for name in _quotients.names())


class Z3:
    """An incremental z3 that also gives models."""

    def __init__(self) -> None:
        import z3

        self._z3 = z3
        self._solver = z3.Solver()
        self._solver.set("rlimit", Z3_WORK)
        self._names = {name: z3.Real(name) for name in _quotients.names()}
        self._parser = z3.ParserContext()
        for name in self._names.values():
            self._parser.add_decl(name.decl())

    def push(self) -> None:
        """Open a scope."""
        self._solver.push()

    def pop(self, count: int = 1) -> None:
        """Close scopes."""
        self._solver.pop(count)

    def add(self, text: str) -> None:
        """Assert a condition."""
        self._solver.add(self.parse(text))

    def parse(self, text: str) -> Any:
        """A condition as an expression of z3."""
        return self._parser.from_string(f"(assert {text})")[0]

    def check(self, *conditions: Any) -> str:
        """``sat``, ``unsat`` or ``unknown`` of what is asserted together with these."""
        return str(self._solver.check(*conditions))

    def alone(self, condition: Any) -> str:
        """`check` by the decision procedure for polynomials, which does not work in scopes."""
        solver = self._z3.SolverFor("QF_NRA")
        solver.set("rlimit", Z3_WORK_ALONE)
        solver.add(self._solver.assertions(), condition)
        return str(solver.check())

    def model(self) -> Model:
        """The model of the last `check` that was ``sat``."""
        return Model(self._z3, self._solver.model(), self._names)


class Model:
    """Values of the unknowns."""

    def __init__(self, z3: Any, model: Any, names: dict[str, Any]) -> None:
        self._z3, self._model, self._names = z3, model, names

    def holds(self, condition: Any) -> bool | None:
        """Whether a condition is true here, if z3 can tell."""
        value = self._model.eval(condition, model_completion=True)
        return True if self._z3.is_true(value) else False if self._z3.is_false(value) else None

    def values(self) -> list[Fraction]:
        """Rationals: those of the model, or near its algebraic numbers."""
        found = []
        for name in _quotients.names():
            value = self._model.eval(self._names[name], model_completion=True)
            if self._z3.is_algebraic_value(value):
                value = value.approx(20)
            found.append(Fraction(value.numerator_as_long(), value.denominator_as_long()))
        return found


def cvc5_answers(script: list[str]) -> list[str]:
    """What cvc5 answers to each ``check-sat`` of a script; one that is left open in scopes is tried on its own."""
    answers = _cvc5(header() + "\n".join(script), CVC5_WORK)
    return [a if a in DECIDED else _alone(goal) for a, goal in zip(answers, _goals(script), strict=True)]


def _alone(goal: str) -> str:
    """One goal by itself: with cylindrical coverings, else by linearisation alone."""
    answer = _cvc5(goal, CVC5_WORK_ALONE, incremental="false")[-1]
    return answer if answer in DECIDED else _cvc5(goal, CVC5_WORK_ALONE, **{"nl-cov": "false"})[-1]


def _cvc5(text: str, work: int, incremental: str = "true", **options: str) -> list[str]:
    import cvc5

    solver = cvc5.Solver()
    for name, value in {"incremental": incremental, "rlimit-per": str(work), **options}.items():
        solver.setOption(name, value)
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "proof")
    answers = []
    while not (command := parser.nextCommand()).isNull():
        said = str(command.invoke(solver, parser.getSymbolManager())).strip()
        if said:
            answers.append(said)
    return answers


def _goals(script: list[str]) -> list[str]:
    """Each ``check-sat`` of a script as a script of its own."""
    scopes: list[list[str]] = [[]]
    goals = []
    for line in script:
        if line == "(push 1)":
            scopes.append([])
        elif line == "(pop 1)":
            scopes.pop()
        elif line == "(check-sat)":
            goals.append("\n".join([header(), *(text for scope in scopes for text in scope), line]))
        else:
            scopes[-1].append(line)
    return goals
