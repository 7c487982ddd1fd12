"""One implementation at one point: compared, then timed, or told why it cannot be."""

from __future__ import annotations

import importlib.util
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from gpu.bench import checks, others
from gpu.bench.implementations import Call, as_outcome, by_package
from gpu.bench.inputs import Inputs
from gpu.bench.rows import INCORRECT, MEASURED, Run
from gpu.bench.timing import launches, timed
from gpu.bench.traffic import moved_bytes
from gpu.ops._agreement import Disagreement
from gpu.ops.verify import Verified

COMPILE_SECONDS = 60
"""How long `torch.compile` may take for one call."""
PACKAGE_SECONDS = 180
"""How long another package may take to compile what it needs, and to be compared."""


def timed_row(run: Run, inputs: Inputs, name: str, call: Call, slack: float = 1.0, tries: int | None = None) -> None:
    """Compare an outcome on the inputs themselves, then time the call; what cannot run is a row that says why."""
    try:
        outcome = call()
        checks.own(inputs, outcome, slack, tries=tries)
        _measured(run, inputs, name, call, outcome)
    except Disagreement as error:
        run.add(inputs.point, name, INCORRECT, str(error))
    except RuntimeError as error:
        run.add(inputs.point, name, "failed", one_line(error))


def _measured(run: Run, inputs: Inputs, name: str, call: Call, outcome: Any) -> None:
    """The row of a call that was found right."""
    timing = timed(call, run.device, run.seconds)
    told = isinstance(outcome, Verified)
    run.add(
        inputs.point, name, MEASURED, **timing._asdict(),
        bytes=sum(moved_bytes(inputs, outcome).values()),
        launches=launches(call, run.device),
        accepted=float(outcome.accepted.float().mean()) if told else None,
        fell_back=int(outcome.fell_back.sum()) if told else None,
    )  # fmt: skip


def compiled_row(run: Run, inputs: Inputs, name: str, call: Call, slack: float) -> None:
    """`torch.compile` of a call, within `COMPILE_SECONDS`."""
    torch.compiler.reset()
    compiled: Callable[[], Any] = torch.compile(call, dynamic=False)
    try:
        # It warns of what it cannot trace and leaves to Python, which is its business.
        with limit(COMPILE_SECONDS), warnings.catch_warnings(action="ignore"):
            compiled()
            outcome = compiled()
    except TimeoutError:
        run.add(inputs.point, name, "failed", f"torch.compile took more than {COMPILE_SECONDS} s")
        return
    # What a compiler raises on code that it does not know is of no one kind.
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError, LookupError, OSError) as error:
        run.add(inputs.point, name, "failed", f"torch.compile: {one_line(error)}")
        return
    try:
        checks.own(inputs, outcome, slack, tries=0)
        _measured(run, inputs, name, compiled, outcome)
    except Disagreement as error:
        run.add(inputs.point, name, INCORRECT, str(error))


def package_rows(run: Run, inputs: Inputs, name: str, verifier: others.Verifier) -> None:
    """Another package, which was compared in law: from logits, and with both laws given."""
    for given in (False, True):
        label = f"{name}, laws given" if given else name
        try:
            call = by_package(inputs, verifier, given=given)
            accepted, token = call()
            _measured(run, inputs, label, call, as_outcome(accepted, token, inputs.point.gamma))
        except RuntimeError as error:
            run.add(inputs.point, label, "failed", one_line(error))


def package_verifier(package: others.Package, device: str, seed: int) -> others.Verifier | str:
    """The verifier of a package after a comparison in law, or why it cannot be timed."""
    if device == "cpu":
        installed = importlib.util.find_spec(package.module.partition(".")[0]) is not None
        return "needs a GPU" if installed else f"{package.module.partition('.')[0]} is not installed"
    try:
        verifier = others.find(package)
        with limit(PACKAGE_SECONDS):
            others.compare_law(verifier, device, seed)
    except ImportError as error:
        return f"not installed: {one_line(error)}"
    except Disagreement as error:
        return f"{INCORRECT}: {error}"
    except (ValueError, TypeError, AttributeError, RuntimeError, OSError) as error:
        return f"cannot be called: {one_line(error)}"
    return verifier


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in the context after so many seconds; outside the main thread there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signal_number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def one_line(error: BaseException) -> str:
    """The first line of an error's message that says anything, and no path of this machine."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return " ".join("…" if word.startswith(("/", "'/", '"/')) else word for word in text.split())[:200]
