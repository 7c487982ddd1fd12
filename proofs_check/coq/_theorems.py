"""What a rung R6 proof is: named theorems of one file, their pinned statements, and the guards."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from proofs_check._proof import Proof, Rung, Verdict
from proofs_check.coq import _build
from rdk_theory.theorems._check import Status

STATEMENTS = Path(__file__).resolve().parent / "statements"

LAWS = (
    "exists p r : nat -> R, law 2 p /\\ law 2 r",
    "exists (point 0), (point 1). split; apply point_law; lia.",
)
"""The usual hypotheses have a model: laws on two tokens."""


def coq_proof(
    claim: str,
    module: str,
    theorems: Mapping[str, Sequence[str]],
    mutants: Sequence[tuple[str, str]],
    model: tuple[str, str] = LAWS,
    partial: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Proof:
    """The proof of a claim by the file of its name.

    Parameters
    ----------
    theorems
        Which clauses of the claim each theorem proves; a lemma that is stated for its own sake proves none.
    mutants
        Edits (old text, new text) of a statement or definition, after which the file must not compile.
    model
        A proposition that says that the hypotheses can hold, and its proof.
    partial
        Clauses that a theorem proves in part, with the part.
    """
    name = claim.replace("-", "_")
    required = _build.everything_required(name)
    files = [f"statements/{file}.txt" for file in required] + [f"{file}.v" for file in required]
    return Proof(
        claim,
        Rung.KERNEL,
        functools.partial(_run, name, dict(theorems), tuple(mutants), model, tuple(partial), tuple(notes)),
        module,
        tools=("coqc",),
        files=tuple(f"proofs_check/coq/{file}" for file in files),
    )


def _run(
    name: str,
    theorems: Mapping[str, Sequence[str]],
    mutants: Sequence[tuple[str, str]],
    model: tuple[str, str],
    partial: Sequence[str],
    notes: Sequence[str],
) -> Verdict:
    if _build.coqc() is None:
        return Verdict(Status.SKIPPED, reason="coqc is absent (on Debian: apt-get install coq)")
    library = _build.compiled(name)
    found = _build.theorems(name, list(theorems), library)
    foreign = {a for theorem in found.values() for a in theorem.axioms} - _build.ALLOWED_AXIOMS
    if foreign:
        return Verdict(Status.UNKNOWN, reason=f"it rests on {', '.join(sorted(foreign))}")
    for file in _build.everything_required(name):
        if difference := _difference(file, library):
            return Verdict(Status.REFUTED, reason=difference)
    proposition, script = model
    _build.ask(name, [("model", f"Goal {proposition}. Proof. {script} Qed.")], library)
    used = sorted({a for theorem in found.values() for a in theorem.axioms})
    return Verdict(
        Status.PROVED,
        clauses=tuple(dict.fromkeys(clause for clauses in theorems.values() for clause in clauses)),
        partial=tuple(partial),
        sizes="all sizes",
        model=proposition,
        refuted=tuple(f"{old} -> {new}: {broken(name, old, new, library)}" for old, new in mutants),
        notes=(
            *(" ".join(theorem.statement.split()) for theorem in found.values()),
            f"axioms: {', '.join(used) or 'none'}",
            *notes,
        ),
    )


def _difference(file: str, library: Path) -> str:
    """How a file's statements differ from those that are pinned; empty if they do not."""
    path = STATEMENTS / f"{file}.txt"
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    now = _build.statements(file, library)
    if now == expected:
        return ""
    paragraphs = set(expected.split("\n\n"))
    changed = next((p for p in now.split("\n\n") if p not in paragraphs), "a statement is gone")
    return f"{file}.v does not say what {path.name} pins: {' '.join(changed.split())}"


def broken(name: str, old: str, new: str, library: Path) -> str:
    """Why an edited file does not compile: the proof must fail, not the syntax."""
    text = _build.source(name)
    if old not in text:
        raise AssertionError(f"{name}.v does not say {old!r}")
    folder = library / "mutants"
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.v"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        _build.call(file, library)
    except _build.CoqError as error:
        reason = str(error).partition("Error:")[2].strip()
        if any(word in reason for word in ("Syntax error", "not found in the current environment", "has type")):
            raise AssertionError(f"the mutant {old!r} -> {new!r} is no statement: {reason}") from None
        return reason[:120] or "does not compile"
    raise AssertionError(f"the proof of {name}.v also proves {old!r} -> {new!r}")
