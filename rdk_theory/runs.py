"""Runs that can be interrupted: atomic files, steps that are not repeated, a manifest, a progress bar.

A run owns a folder. Each step writes files there; once they are complete their SHA-256 stands in ``manifest.json``
beside the hash of what they depend on, and the same run later skips the step while both still agree.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tqdm import tqdm

from rdk_theory import provenance

T = TypeVar("T")
MANIFEST = "manifest.json"
FORMAT = "rdk-run-1"


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it on leaving and removed if an exception is raised.

    The temporary name keeps the suffix of `path`, since some writers choose their format by it.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f".{final.stem}.{os.getpid()}.partial{final.suffix}")
    try:
        yield temporary
        os.replace(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)


def progress(iterable: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """`iterable` with a bar on standard error, shown once it takes longer than two seconds."""
    bar: Iterable[T] = tqdm(iterable, desc=description, total=total, delay=2, file=sys.stderr, leave=False)
    return bar


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as JSON under a temporary name and rename it; NaN and infinities are refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


class Run:
    """A folder of results with its manifest; a context manager.

    Parameters
    ----------
    directory
        The folder, made if need be.
    command
        What runs, ``"report"`` for instance.
    arguments
        Its arguments as JSON values or paths. A path outside `directory` is recorded by its last part alone.
    seed
        The seed of all its randomness, or `None`.
    resume
        Whether steps that an earlier run of the same command completed are skipped.

    Raises
    ------
    ValueError
        If the folder holds a ``manifest.json`` that no run wrote.
    """

    def __init__(
        self,
        directory: str | Path,
        command: str,
        arguments: Mapping[str, Any],
        seed: int | None = None,
        *,
        resume: bool = True,
    ) -> None:
        self.directory = Path(directory)
        self.command = command
        self.arguments = {name: _portable(value, self.directory) for name, value in arguments.items()}
        self.seed = seed
        self._outputs: set[str] = set()
        self._steps: dict[str, dict[str, Any]] = {}
        self._earlier = self._recorded_steps() if resume else {}
        self._began = time.time()

    def __enter__(self) -> Run:
        self.directory.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._write("complete" if kind is None else "stopped")

    def step(
        self,
        name: str,
        outputs: Sequence[str | Path],
        function: Callable[[], object],
        parameters: Mapping[str, Any] | None = None,
        *,
        code: bool = True,
    ) -> bool:
        """Call `function`, which writes `outputs`, unless they are there from an equal step.

        Parameters
        ----------
        name
            Unique in the run.
        outputs
            Files or folders below the run's folder (relative to it, or absolute).
        function
            Writes them; called without arguments.
        parameters
            All that the outputs depend on, besides the command's name, its seed and the code.
        code
            Whether a change of this distribution's source makes the step run again.

        Returns
        -------
        Whether `function` was called.

        Raises
        ------
        ValueError
            If the name is taken, an output lies outside the folder, or `function` did not write one.
        """
        if name in self._steps:
            raise ValueError(f"name {name!r} is that of an earlier step of this run")
        relative = [self._relative(output) for output in outputs]
        key = self._key(name, parameters or {}, code)
        earlier = self._earlier.get(name)
        if earlier and earlier["key"] == key and self._digests(relative) == earlier["outputs"]:
            self._finish(name, earlier)
            return False
        began = time.perf_counter()
        function()
        digests = self._digests(relative)
        if digests is None:
            missing = next(path for path in relative if not (self.directory / path).exists())
            raise ValueError(f"outputs of step {name!r} name {missing}, which it did not write")
        self._finish(name, {"key": key, "seconds": round(time.perf_counter() - began, 3), "outputs": digests})
        return True

    def record(self, *outputs: str | Path) -> None:
        """List further files or folders, written outside any step, in the manifest."""
        self._outputs.update(self._relative(output) for output in outputs)

    def _finish(self, name: str, entry: dict[str, Any]) -> None:
        """Keep a complete step, on disk too: an interrupt after this line does not lose it."""
        self._steps[name] = entry
        self._write("running")

    def _write(self, status: str) -> None:
        outputs: dict[str, str] = dict(self._digests(sorted(self._outputs)) or {})
        for entry in self._steps.values():
            outputs.update(entry["outputs"])
        # Steps of an earlier run that this one did not reach stay valid, so they are kept for the next.
        steps = {**self._earlier, **self._steps} if status != "complete" else self._steps
        write_json(
            self.directory / MANIFEST,
            {
                "format": FORMAT,
                "command": self.command,
                "status": status,
                "arguments": self.arguments,
                "seed": self.seed,
                "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._began)),
                "seconds": round(time.time() - self._began, 3),
                "versions": provenance.versions(),
                "hardware": provenance.hardware(),
                "git": provenance.git_state(),
                "outputs": dict(sorted(outputs.items())),
                "steps": steps,
            },
        )

    def _recorded_steps(self) -> dict[str, dict[str, Any]]:
        """Steps in the manifest that an earlier run of this command left."""
        path = self.directory / MANIFEST
        if not path.exists():
            return {}
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is not a manifest: {error}; remove it or choose another folder") from None
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise ValueError(f"{path} is not the manifest of a run; remove it or choose another folder")
        return dict(manifest["steps"]) if manifest["command"] == self.command else {}

    def _key(self, name: str, parameters: Mapping[str, Any], code: bool) -> str:
        """Hash of all that the outputs of a step depend on."""
        depends = {
            "command": self.command,
            "step": name,
            "seed": self.seed,
            "parameters": {key: _portable(value, self.directory) for key, value in parameters.items()},
            "code": provenance.code_digest() if code else None,
        }
        return hashlib.sha256(json.dumps(depends, sort_keys=True, allow_nan=False).encode()).hexdigest()

    def _relative(self, output: str | Path) -> str:
        """`output` relative to the run's folder, with forward slashes."""
        root = self.directory.resolve()
        path = (root / output).resolve()
        if root not in path.parents:
            raise ValueError(f"outputs name {output}, which is not below {self.directory}")
        return path.relative_to(root).as_posix()

    def _digests(self, outputs: Iterable[str]) -> dict[str, str] | None:
        """SHA-256 of each file, folders walked; `None` if an output does not exist."""
        digests = {}
        for output in outputs:
            path = self.directory / output
            if not path.exists():
                return None
            files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
            digests.update({file.relative_to(self.directory).as_posix(): sha256(file) for file in files})
        return digests


def _portable(value: Any, directory: Path) -> Any:
    """`value` for JSON, without the folders of this machine."""
    if isinstance(value, Mapping):
        return {str(key): _portable(item, directory) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(item, directory) for item in value]
    if isinstance(value, Path) or (isinstance(value, str) and Path(value).is_absolute()):
        path, root = Path(value), directory.resolve()
        if path.resolve().is_relative_to(root):
            return path.resolve().relative_to(root).as_posix()
        return path.name if path.is_absolute() else path.as_posix()
    return value
