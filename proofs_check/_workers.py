"""Run proofs in processes of their own, a few at a time, each with a limit of time."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from proofs_check import _cache
from proofs_check._proof import Proof, Verdict, guarded
from rdk_theory.theorems._check import Status

LIMIT = 240.0
"""Seconds that one proof may take. A prover that does not stop when told to is stopped here."""


BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a proof may raise when it breaks: it then says nothing. Anything else ends its process."""


def check(proof: Proof) -> Verdict:
    """Run a proof and its guards; what it raises is a verdict too."""
    try:
        return guarded(proof, proof.run())
    except ModuleNotFoundError as error:
        return Verdict(Status.SKIPPED, reason=f"{error.name} is not installed: pip install 'rdk-theory[proofs]'")
    except BROKEN as error:
        return Verdict(Status.UNKNOWN, reason=f"{type(error).__name__}: {error}")


def run(proofs: Sequence[Proof], folder: Path, processes: int) -> Iterator[tuple[Proof, Verdict, float]]:
    """Verdicts as they come, with seconds."""
    waiting = list(proofs)[::-1]
    workers = [_Worker(folder) for _ in range(min(processes, len(waiting)))]
    try:
        while waiting or any(w.proof for w in workers):
            for worker in workers:
                if worker.proof is None and waiting:
                    worker.start(waiting.pop())
            busy = [w for w in workers if w.proof]
            ready = wait([w.pipe for w in busy], timeout=1.0)
            for worker in busy:
                if worker.pipe in ready or worker.seconds > LIMIT:
                    yield worker.finish()
    finally:
        for worker in workers:
            worker.process.kill()


def _serve(pipe: Connection, folder: Path) -> None:
    """Prove what comes through the pipe."""
    from proofs_check.registry import proofs

    _cache.use(folder)
    known = {proof.name: proof for proof in proofs()}
    while True:
        try:
            name = pipe.recv()
        except EOFError:
            return
        began = time.perf_counter()
        pipe.send((check(known[name]), time.perf_counter() - began))


@dataclass
class _Worker:
    """A process and what it is at."""

    folder: Path
    proof: Proof | None = None
    began: float = 0.0
    pipe: Connection = field(init=False)
    process: BaseProcess = field(init=False)

    def __post_init__(self) -> None:
        self._open()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, self.folder), daemon=True)
        self.process.start()
        other.close()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def start(self, proof: Proof) -> None:
        self.proof, self.began = proof, time.perf_counter()
        self.pipe.send(proof.name)

    def finish(self) -> tuple[Proof, Verdict, float]:
        """The verdict, or that there is none: then the process is replaced."""
        proof, seconds, reason = self.proof, self.seconds, f"no answer in {LIMIT:.0f} s"
        assert proof is not None
        self.proof = None
        if self.pipe.poll():
            try:
                verdict, seconds = self.pipe.recv()
                return proof, verdict, seconds
            except EOFError:
                reason = "its process died"
        self.process.kill()
        self._open()
        return proof, Verdict(Status.UNKNOWN, reason=reason), seconds
