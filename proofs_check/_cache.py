"""Verdicts of earlier runs, kept under the hash of all that they depend on.

That is: the source of the proof and of the claim with all that they import from this distribution, further files such
as Coq sources, and the versions of the provers. Only proved verdicts are kept; all else runs again.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import shutil
import subprocess
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from proofs_check._proof import Proof, Verdict
from rdk_theory import runs
from rdk_theory.theorems._check import Status

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("rdk_theory", "proofs_check")
FORMAT = 1


_folder = Path(".cache/proofs")


def folder() -> Path:
    """Where verdicts, compiled Coq files and goals that failed lie: outside the sources."""
    return _folder


def use(path: Path) -> None:
    """Choose that folder for this process."""
    global _folder  # noqa: PLW0603
    _folder = path


def key(proof: Proof) -> str:
    """Hash of everything that a verdict depends on."""
    digest = hashlib.sha256(f"{FORMAT} {proof.name} {platform.python_version()}".encode())
    modules = imported(proof.module) | imported(f"rdk_theory.theorems.{proof.claim.replace('-', '_')}")
    for file in sorted(modules) + [ROOT / name for name in proof.files]:
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    for tool in ("numpy", *proof.tools):
        digest.update(f"{tool} {version(tool)}\0".encode())
    return digest.hexdigest()


def load(proof: Proof) -> tuple[Verdict, float] | None:
    """The verdict and the seconds that it took, if one is kept."""
    path = _path(proof)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if kept.get("key") != key(proof):
        return None
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in kept["verdict"].items()}
    return Verdict(**{**fields, "status": Status(fields["status"])}), kept["seconds"]


def save(proof: Proof, verdict: Verdict, seconds: float) -> None:
    """Keep a verdict if it is a proof."""
    if verdict.status is Status.PROVED:
        runs.write_json(_path(proof), {"key": key(proof), "seconds": round(seconds, 3), "verdict": asdict(verdict)})


def _path(proof: Proof) -> Path:
    return folder() / "verdicts" / f"{proof.rung}-{proof.claim}.json"


@cache
def version(tool: str) -> str:
    """Version of a distribution or of ``coqc``; ``absent`` without it."""
    if tool == "coqc":
        if shutil.which("coqc") is None:
            return "absent"
        return subprocess.run(["coqc", "--print-version"], capture_output=True, text=True, check=True).stdout.strip()
    try:
        return metadata.version(tool)
    except metadata.PackageNotFoundError:
        return "absent"


@cache
def imported(module: str) -> frozenset[Path]:
    """Files of a module and of all that it imports from this distribution, directly or not."""
    found: set[Path] = set()
    queue = [module]
    while queue:
        path = _file(queue.pop())
        if path is not None and path not in found:
            found.add(path)
            queue += _imports(path)
    return frozenset(found)


def _file(module: str) -> Path | None:
    if module.partition(".")[0] not in PACKAGES:
        return None
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Modules that a file names in its imports, the packages around them included."""
    names = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)
