"""Compile the Coq sources outside their folder, and ask the kernel what each theorem says and rests on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
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
    lines = [
        "From Coq Require Import Reals Lra Lia.",
        f"From {LIBRARY} Require Import {' '.join(everything_required(name))}.",
        "Open Scope R_scope.",
        "Set Printing Width 110.",
        "Set Printing Depth 1000.",
    ]
    for label, command in questions:
        lines += [f'Goal True. idtac "@@ {label}". Abort.', command]
    folder = library / "questions"
    folder.mkdir(exist_ok=True)
    file = folder / f"ask_{name}.v"
    with _locked(folder / f"{name}.lock"):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        parts = call(file, library).split("@@ ")[1:]
    answers = (part.partition("\n") for part in parts)
    return {label.strip(): answer.strip() for label, _, answer in answers}


def said(name: str, library: Path) -> dict[str, str]:
    """What the kernel prints of a compiled file: its definitions, its theorems, and what these rest on."""
    kept, key = library / f"{name}.said", _key(name)
    if kept.exists():
        answers: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
        if answers.pop("key") == key:
            return answers
    text = source(name)
    questions = [(f"define {n}", f"Print {n}.") for n in definitions(text)]
    for theorem in stated(text):
        questions += [(f"state {theorem}", f"Check @{theorem}."), (f"rest {theorem}", f"Print Assumptions {theorem}.")]
    answers = ask(name, questions, library)
    runs.write_json(kept, {"key": key, **answers})
    return answers


def statements(name: str, library: Path) -> str:
    """The definitions of a file and the statements of its theorems, as the kernel prints them."""
    answers = said(name, library)
    parts = [re.sub(r"\n\nArguments .*", "", a, flags=re.S) for q, a in answers.items() if not q.startswith("rest ")]
    return "\n\n".join(parts) + "\n"


def theorems(name: str, names: Sequence[str], library: Path) -> dict[str, Theorem]:
    """What the kernel says of theorems of a file."""
    answers = said(name, library)
    missing = [n for n in names if f"state {n}" not in answers]
    if missing:
        raise CoqError(f"{name}.v has no theorem {', '.join(missing)}")
    return {n: Theorem(answers[f"state {n}"], axioms(answers[f"rest {n}"])) for n in names}


def axioms(printed: str) -> frozenset[str]:
    """Names in the answer to ``Print Assumptions``."""
    if printed.startswith("Closed under the global context"):
        return frozenset()
    return frozenset(re.findall(r"^([\w.']+)(?=\s*:|$)", printed, flags=re.M)) - {"Axioms"}
