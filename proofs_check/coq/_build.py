"""Compile the Coq sources outside their folder, and ask the kernel what each theorem says and rests on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from proofs_check import _cache
from rdk_theory import runs

SOURCES = Path(__file__).resolve().parent
LIBRARY = "Rdk"

REFUSED = (
    "Admitted",
    "admit",
    "give_up",
    "Axiom",
    "Axioms",
    "Parameter",
    "Parameters",
    "Conjecture",
    "Conjectures",
    "Notation",
    "Infix",
    "Declare",
    "bypass_check",
    "Unset",
)
"""What a source may not say: what leaves a hole, what prints a statement as another, what switches checks off."""

ALLOWED_AXIOMS = frozenset(
    {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    }
)
"""The axioms of the standard library's reals and of its classical logic; no other assumption may appear."""


class CoqError(RuntimeError):
    """A source does not compile, or breaks a rule."""


@dataclass(frozen=True)
class Theorem:
    """What the kernel says of a theorem."""

    statement: str
    axioms: frozenset[str]
    """What the theorems of its file rest on, together."""


@cache
def coqc() -> str | None:
    """Path of the compiler, `None` where Coq is absent."""
    return shutil.which("coqc")


def source(name: str) -> str:
    """Text of a source file."""
    return (SOURCES / f"{name}.v").read_text(encoding="utf-8")


def without_comments(text: str) -> str:
    """A source without its comments, which nest."""
    out, depth = [], 0
    for part in re.split(r"(\(\*|\*\))", text):
        if part == "(*":
            depth += 1
        elif part == "*)" and depth:
            depth -= 1
        elif not depth:
            out.append(part)
    return "".join(out)


def refused(text: str) -> list[str]:
    """Words of `REFUSED` that a source uses."""
    words = set(re.findall(r"[A-Za-z_']+", without_comments(text)))
    return [word for word in REFUSED if word in words]


def requirements(text: str) -> list[str]:
    """Files of this folder that a source requires."""
    lists = re.findall(rf"From\s+{LIBRARY}\s+Require\s+(?:Import|Export)?\s*([\w\s]+)\.", without_comments(text))
    return [name for names in lists for name in names.split()]


def everything_required(name: str) -> list[str]:
    """The files that a file rests on, itself last."""
    found: list[str] = []
    for needed in requirements(source(name)):
        found += [n for n in everything_required(needed) if n not in found]
    return [*found, name]


def definitions(text: str) -> list[str]:
    """Names that a source defines without a proof: the vocabulary of its statements."""
    return re.findall(r"^\s*(?:Definition|Fixpoint|Inductive)\s+([\w']+)", without_comments(text), flags=re.M)


def stated(text: str) -> list[str]:
    """Names of the theorems that a source states; lemmas are steps on the way."""
    return re.findall(r"^\s*Theorem\s+([\w']+)", without_comments(text), flags=re.M)


def compiled(name: str) -> Path:
    """Compile a file and what it requires, unless that is done; the folder of the results."""
    out = _cache.folder().resolve() / "coq"
    out.mkdir(parents=True, exist_ok=True)
    for file in everything_required(name):
        if words := refused(source(file)):
            raise CoqError(f"{file}.v says {', '.join(words)}")
        with _locked(out / f"{file}.lock"):
            _compile(file, out)
    return out


def _compile(file: str, out: Path) -> None:
    stamp, key = out / f"{file}.key", _key(file)
    if stamp.exists() and stamp.read_text() == key and (out / f"{file}.vo").exists():
        return
    (out / f"{file}.v").write_text(source(file), encoding="utf-8")
    call(out / f"{file}.v", out)
    stamp.write_text(key)


def _key(file: str) -> str:
    digest = hashlib.sha256(_cache.version("coqc").encode())
    for name in everything_required(file):
        digest.update(source(name).encode())
    return digest.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time compiles a file."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def call(file: Path, library: Path) -> str:
    """Run the compiler on a file beside compiled ones; what it prints."""
    compiler = coqc()
    if compiler is None:
        raise CoqError("coqc is absent")
    done = subprocess.run(
        [compiler, "-q", "-Q", str(library), LIBRARY, str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CoqError(" ".join(f"{done.stdout}{done.stderr}".split())[-600:])
    return done.stdout


def ask(name: str, questions: Sequence[tuple[str, str]], library: Path) -> dict[str, str]:
    """Answers of Coq, in the setting of a file, to labelled commands."""
    return ask_all({name: questions}, library)[name]


def ask_all(questions: Mapping[str, Sequence[tuple[str, str]]], library: Path) -> dict[str, dict[str, str]]:
    """Answers to labelled commands, for each file in its own setting; one run of Coq, which takes long to start."""
    names = sorted({required for name in questions for required in everything_required(name)})
    lines = [
        "From Coq Require Import Reals Lra Lia.",
        f"From {LIBRARY} Require {' '.join(names)}.",
        "Open Scope R_scope.",
        "Set Printing Width 110.",
        "Set Printing Depth 1000.",
    ]
    for name, commands in questions.items():
        lines += [f"Module Setting_{name}.", f"Import {' '.join(f'{LIBRARY}.{n}' for n in everything_required(name))}."]
        for label, command in commands:
            lines += [f'Goal True. idtac "@@ {name}: {label}". Abort.', command]
        lines += [f"End Setting_{name}."]
    folder = library / "questions"
    folder.mkdir(exist_ok=True)
    file = folder / f"ask_{'_'.join(questions) if len(questions) == 1 else 'all'}.v"
    with _locked(folder / f"{file.stem}.lock"):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        parts = call(file, library).split("@@ ")[1:]
    answers: dict[str, dict[str, str]] = {name: {} for name in questions}
    for part in parts:
        label, _, answer = part.partition("\n")
        name, _, question = label.strip().partition(": ")
        answers[name][question] = answer.strip()
    return answers


def said(name: str, library: Path) -> dict[str, str]:
    """What the kernel prints of a compiled file: its definitions, its theorems, and what these rest on."""
    return said_all([name], library)[name]


def said_all(names: Sequence[str], library: Path) -> dict[str, dict[str, str]]:
    """The same of several compiled files; what is not kept from before is asked at once."""
    kept = {name: _kept(name, library) for name in names}
    if missing := [name for name, answers in kept.items() if not answers]:
        for name, answers in ask_all({name: _questions(name) for name in missing}, library).items():
            runs.write_json(library / f"{name}.said", {"key": _key(name), **answers})
            kept[name] = answers
    return kept


def _kept(name: str, library: Path) -> dict[str, str]:
    """Answers of an earlier run, if they are to these questions about these sources."""
    file = library / f"{name}.said"
    if not file.exists():
        return {}
    answers: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    same = answers.pop("key") == _key(name) and set(answers) == {label for label, _ in _questions(name)}
    return answers if same else {}


def _questions(name: str) -> list[tuple[str, str]]:
    text = source(name)
    questions = [(f"define {n}", f"Print {n}.") for n in definitions(text)]
    names = stated(text)
    questions += [(f"state {theorem}", f"Check @{theorem}.") for theorem in names]
    if names:  # one question for the file: each takes as long as all
        together = ", ".join(f"@{theorem}" for theorem in names)
        questions.append(("rest", f"Definition together := ({together}). Print Assumptions together."))
    return questions


def statements(name: str, library: Path) -> str:
    """The definitions of a file and the statements of its theorems, as the kernel prints them."""
    answers = said(name, library)
    parts = [re.sub(r"\n\nArguments .*", "", a, flags=re.S) for q, a in answers.items() if q != "rest"]
    return "\n\n".join(parts) + "\n"


def theorems(name: str, names: Sequence[str], library: Path) -> dict[str, Theorem]:
    """What the kernel says of theorems of a file."""
    answers = said(name, library)
    missing = [n for n in names if f"state {n}" not in answers]
    if missing:
        raise CoqError(f"{name}.v has no theorem {', '.join(missing)}")
    return {n: Theorem(answers[f"state {n}"], axioms(answers["rest"])) for n in names}


def axioms(printed: str) -> frozenset[str]:
    """Names in the answer to ``Print Assumptions``."""
    if printed.startswith("Closed under the global context"):
        return frozenset()
    return frozenset(re.findall(r"^([\w.']+)(?=\s*:|$)", printed, flags=re.M)) - {"Axioms"}
