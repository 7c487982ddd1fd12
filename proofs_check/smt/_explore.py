"""Run a function on unknown reals along every path through its cases.

A path is what the function did when each of its decisions went one way. z3 tells which ways are possible under what
the path assumes; a way that is not is an obligation, as is every relation that must hold at the end of a path. The
obligations of all paths together are the proof: they are written as one SMT-LIB script, every ``check-sat`` of which
must be answered ``unsat`` by the other solver too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from proofs_check.smt import _quotients
from proofs_check.smt._solvers import Z3, Model, cvc5_answers, header
from proofs_check.smt._symbols import JUDGE, Guard, Symbol


class TooMany(RuntimeError):
    """More paths than allowed."""


@dataclass
class _Event:
    kind: str  # "assume", "lemma", "choice" or "decide"
    text: str
    value: int = 1
    ways: int = 1
    """How many values this event has that are possible here; each of several has a scope of its own."""


@dataclass(frozen=True)
class Failure:
    """A path on which a relation does not hold, or is not shown to."""

    answer: str
    """``sat`` or ``unknown``; or what the road raised."""
    script: str
    """SMT-LIB text of the goal."""
    choices: tuple[int, ...]
    values: tuple[Fraction, ...] | None
    """Numbers of the instance in a model of it, if it is ``sat``."""


@dataclass
class Exploration:
    """All paths of a function."""

    paths: int = 0
    checks: int = 0
    script: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    example: tuple[tuple[int, ...], tuple[Fraction, ...]] | None = None
    """Choices and values of the first path's model."""

    def text(self) -> str:
        """The whole script."""
        return header() + "\n".join(self.script) + "\n"

    def cvc5(self) -> str:
        """``agrees``, or what cvc5 answers other than ``unsat``."""
        answers = cvc5_answers(self.script)
        if len(answers) != self.checks:
            return f"answered {len(answers)} of {self.checks} checks: {answers[-1:]}"
        other = [a for a in answers if a != "unsat"]
        return f"{len(other)} of {self.checks} checks: {other[0]}" if other else "agrees"


class Explorer:
    """The judge of one exploration; also the source of unknowns and of choices."""

    def __init__(self, unknowns: int = 64, *, splits: bool = False) -> None:
        self.splits = splits
        _quotients.use(unknowns)
        self._z3 = Z3()
        self._trail: list[_Event] = []
        self._at = 0
        self._unknowns = 0
        self._inputs: list[int] = []
        self.names: dict[str, Symbol] = {}
        self._model: Model | None = None
        self._stop: Callable[[Failure], bool] | None = None
        self.result = Exploration()

    def explore(
        self,
        road: Callable[[Explorer], list[Guard | bool]],
        limit: int = 20_000,
        stop: Callable[[Failure], bool] | None = None,
    ) -> Exploration:
        """Follow every path of `road`, which returns the relations that must hold at its end.

        With `stop`, paths are followed until it says yes to a failure; without, until one fails.
        """
        self._stop = stop
        token = JUDGE.set(self)
        try:
            while True:
                self._at = self._unknowns = 0
                self._inputs, self.names = [], {}
                self._finish(road)
                if any(map(stop or bool, self.result.failures)):
                    return self.result
                self.result.failures.clear()
                if not self._next():
                    return self.result
                if self.result.paths >= limit:
                    raise TooMany(f"more than {limit} paths")
        finally:
            JUDGE.reset(token)

    # What the road asks.

    def fresh(self) -> int:
        """Index of an unknown that this path has not used."""
        self._unknowns += 1
        if self._unknowns > len(_quotients.names()):
            raise TooMany(f"more than {len(_quotients.names())} unknowns")
        return self._unknowns - 1

    def input(self) -> int:
        """An unknown that is part of the instance."""
        self._inputs.append(self.fresh())
        return self._inputs[-1]

    def assume(self, condition: str) -> None:
        """Assert on this path."""
        if self._replayed("assume", condition) is None:
            self._push(_Event("assume", condition))
            self._assert(condition)
            if self._model is not None and self._model.holds(self._z3.parse(condition)) is not True:
                self._model = None

    def lemma(self, condition: str) -> None:
        """Prove a condition here and assert it, so that what follows need not find it."""
        if self._replayed("lemma", condition) is not None:
            return
        self._push(_Event("lemma", condition))
        self._must_not(f"(not {condition})")
        self._assert(condition)

    def choose(self, count: int, only: int | None = None) -> int:
        """An integer in ``range(count)``; each is a path, unless it is said which is the only one."""
        event = self._replayed("choice", str(count))
        if event is None:
            event = _Event("choice", str(count), 0, count) if only is None else _Event("choice", str(count), only)
            self._push(event)
        return event.value

    def decide(self, condition: str) -> bool:
        """Which way this path goes."""
        if condition in ("true", "false"):
            return condition == "true"
        event = self._replayed("decide", condition)
        if event is None:
            event = self._known(condition) or self._decide(condition)
            self._push(event)
            if event.ways == 2:
                self._assert(condition)
        return bool(event.value)

    def _known(self, condition: str) -> _Event | None:
        """What this path decided about the same condition before."""
        for event in self._trail:
            if event.kind == "decide" and event.text == condition:
                return _Event("decide", condition, event.value)
        return None

    def _decide(self, condition: str) -> _Event:
        ways = {True: self._z3.parse(condition), False: self._z3.parse(f"(not {condition})")}
        if self._model is None and self._z3.check() == "sat":
            self._model = self._z3.model()
        at_hand = self._model.holds(ways[True]) if self._model is not None else None
        for value, way in ways.items():
            if at_hand is not value and self._z3.check(way) == "unsat":
                self._obligation(condition if value else f"(not {condition})")
                return _Event("decide", condition, not value)
        if at_hand is not True:
            self._model = None
        return _Event("decide", condition, True, 2)

    def _replayed(self, kind: str, text: str) -> _Event | None:
        """The event at this point of the path, if an earlier path came through here."""
        if self._at == len(self._trail):
            return None
        event = self._trail[self._at]
        if (event.kind, event.text) != (kind, text):
            raise RuntimeError(f"the road is not the same twice: {event.kind} {event.text}, then {kind} {text}")
        self._at += 1
        return event

    # The end of a path.

    def _finish(self, road: Callable[[Explorer], list[Guard | bool]]) -> None:
        try:
            relations = road(self)
        except (ZeroDivisionError, ValueError) as error:
            self._fail(f"{type(error).__name__}: {error}", "true")
            relations = []
        self.result.paths += 1
        if self.result.example is None and self._z3.check() == "sat":
            self.result.example = (self._choices(), self._values())
        for relation in relations:
            if relation is True:
                continue
            text = "true" if relation is False else f"(not {relation.text})"
            self._must_not(text)

    def _must_not(self, condition: str) -> None:
        """Show that a condition is impossible here."""
        goal = self._z3.parse(condition)
        answer = self._z3.check(goal)
        if answer == "unknown" and not self._stop:
            answer = self._z3.alone(goal)
        if answer == "unsat":
            self._obligation(condition)
        else:
            self._fail(answer, condition)

    def _fail(self, answer: str, text: str) -> None:
        sat = answer == "sat" or (text == "true" and self._z3.check() == "sat")
        values = self._values() if sat and self._z3.check(self._z3.parse(text)) == "sat" else None
        lines = [f"(assert {e})" for e in self._assertions()]
        script = header() + "\n".join([*lines, f"(assert {text})", "(check-sat)", "(get-model)"]) + "\n"
        self.result.failures.append(Failure(answer, script, self._choices(), values))

    def _next(self) -> bool:
        """Go back to the last event with a value still open; whether there is one."""
        while self._trail:
            event = self._trail.pop()
            if event.ways == 1:
                continue
            self._z3.pop()
            self.result.script.append("(pop 1)")
            self._model = None
            if event.kind == "choice":
                left = event.ways - event.value - 1
                if left:
                    self._push(_Event("choice", event.text, event.value + 1, event.ways))
                    return True
            elif event.value:
                self._push(_Event("decide", event.text, False, 2))
                self._assert(f"(not {event.text})")
                return True
        return False

    # Bookkeeping.

    def _push(self, event: _Event) -> None:
        self._trail.append(event)
        self._at = len(self._trail)
        if event.ways > 1:
            self._z3.push()
            self.result.script.append("(push 1)")

    def _assert(self, condition: str) -> None:
        self._z3.add(condition)
        self.result.script.append(f"(assert {condition})")

    def _obligation(self, condition: str) -> None:
        self.result.checks += 1
        self.result.script += ["(push 1)", f"(assert {condition})", "(check-sat)", "(pop 1)"]

    def _choices(self) -> tuple[int, ...]:
        return tuple(e.value for e in self._trail if e.kind == "choice")

    def _values(self) -> tuple[Fraction, ...]:
        values = self._z3.model().values()
        return tuple(values[index] for index in self._inputs)

    def _assertions(self) -> list[str]:
        said = [e for e in self._trail if e.kind in ("assume", "lemma") or (e.kind == "decide" and e.ways > 1)]
        return [e.text if e.value else f"(not {e.text})" for e in said]
