"""The rows of a run: each implementation at each point, compared before it is timed."""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from gpu.bench import checks, others
from gpu.bench.grid import OPERATIONS, Grid, Point
from gpu.bench.implementations import Call, as_outcome, by_package, fused, in_torch
from gpu.bench.inputs import Inputs, Kernel, bytes_needed, bytes_of_plain, make_inputs, make_kernel
from gpu.bench.timing import copy_bandwidth, launches, timed
from gpu.bench.traffic import moved_bytes
from gpu.ops._agreement import Disagreement
from gpu.ops.verify import Verified
from rdk_theory.runs import progress
from rdk_theory.tables import Row

COMPILE_SECONDS = 60
"""How long `torch.compile` may take for one call."""
BUDGET = {True: 20.0, False: 200.0}
"""Seconds, for a quick run and for a whole one, after which the CPU begins no further point."""
MEMORY = 0.8
"""Share of the free memory that a point may take."""
INTERPRETED = "needs a GPU: under Triton's interpreter a time says nothing"
MEASURED, INCORRECT, NO_ROOM = "measured", "incorrect", "does not fit"


@dataclass
class Run:
    """One run on one device, and what it has found so far."""

    device: str
    seed: int
    seconds: float
    """How long a call is repeated on the CPU."""
    copy: float = 0.0
    """Bytes a second of a copy."""
    rows: list[Row] = field(default_factory=list)
    compared: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    """What the small case of an operation, a form and a dtype differs in; `None` if in nothing."""
    packages: dict[str, others.Verifier | str] = field(default_factory=dict)
    """Other implementations, or why one cannot be timed."""

    def add(self, point: Point | None, implementation: str, status: str, why: str | None = None, **found: Any) -> None:
        """One row of the table."""
        at = point._asdict() if point else dict.fromkeys(Point._fields)
        measured = dict.fromkeys(
            ("how", "low", "median", "high", "bytes", "bandwidth", "share", "launches", "accepted", "fell_back")
        )
        self.rows.append(
            {**at, "kept": point.kept if point else None}
            | {"implementation": implementation, "status": status, "why": why}
            | measured
            | found
        )  # fmt: skip


def measure(grid: Grid, device: str, seed: int, seconds: float, budget: float | None = None) -> list[Row]:
    """Compare and time every implementation at every point.

    Parameters
    ----------
    grid
        From `gpu.bench.grid.grid`.
    device
        ``"cpu"`` or ``"cuda"``.
    seed
        Of kernels, logits, chains and uniforms.
    seconds
        How long one call is repeated on the CPU.
    budget
        Seconds after which no further point is begun; what is left out is told.

    Returns
    -------
    One row for each implementation at each point, measured or with the reason why not. Times are seconds of a call;
    ``share`` is bytes over time over the speed of a copy, measured before and after, of which the larger counts.
    """
    start = time.monotonic()
    run = Run(device, seed, seconds, copy_bandwidth(device))
    for package in others.PACKAGES:
        run.packages[package.name] = _package(package, device, seed)
    # The kernel of one form and size serves all points that have it, one kernel at a time.
    ordered = sorted(grid.points, key=lambda p: (p.size, p.form, p.operation == "propose"))
    held: tuple[Any, Kernel | None] = (None, None)
    kernel: Kernel | None
    for point in progress(ordered, "points"):
        if budget is not None and time.monotonic() - start > budget:
            run.add(point, "naive", "not measured", f"the run's {budget:.0f} s were over")
            continue
        key = (point.size, point.form, point.operation == "propose")
        if held[0] != key:
            held, kernel = (None, None), None  # given back before the next is made
        # On the CPU nothing is timed but the plain forms: what they do not fit into is not made.
        needed = bytes_needed(point) + (bytes_of_plain(point) if device == "cpu" else 0)
        if _too_large(run, point, "kernel" if device == "cuda" else "naive", needed, _held_bytes(held[1])):
            continue
        try:
            kernel = held[1] or make_kernel(point.form, point.size, point.kept, device, seed, rows=key[2])
            held = (key, kernel)
            _point(run, point, make_inputs(point, kernel, device, seed + 1), point in grid.compiled)
        except torch.OutOfMemoryError as error:
            held, kernel = (None, None), None
            run.add(point, "kernel", NO_ROOM, one_line(error))
    for name, found in run.packages.items():
        if isinstance(found, str):
            run.add(None, name, "not available", found)
    run.copy = max(run.copy, copy_bandwidth(device))
    return finished(run.rows, run.copy)


def finished(rows: list[Row], copy: float) -> list[Row]:
    """The rows, by operation and form, with the shares of a copy, and ratios to the form without redistribution."""
    key = ("operation", "implementation", "size", "batch", "gamma", "dtype")
    plain = {tuple(row[k] for k in key): row["median"] for row in rows if row["form"] == "none"}
    done: list[Row] = []
    for row in sorted(rows, key=_order):
        median, moved = row["median"], row["bytes"]
        own = plain.get(tuple(row[k] for k in key))
        bandwidth = moved / median if isinstance(moved, int) and isinstance(median, float) else None
        done.append(
            row
            | {
                "bandwidth": bandwidth,
                "share": bandwidth / copy if bandwidth is not None else None,
                "ratio_to_none": median / own if isinstance(median, float) and isinstance(own, float) else None,
                "copy_bandwidth": copy,
            }
        )
    return done


def _order(row: Row) -> tuple[int, ...]:
    """Operations and forms as they are listed, then sizes; what belongs to no point comes last."""
    if row["operation"] is None:
        return (len(OPERATIONS),)
    operation, form = str(row["operation"]), str(row["form"])
    numbers = (int(row[name] or 0) for name in ("size", "batch", "gamma"))
    return (list(OPERATIONS).index(operation), OPERATIONS[operation].index(form), *numbers)


def free_memory(device: str) -> int:
    """Bytes that a run may take."""
    if device == "cuda":
        torch.cuda.empty_cache()
        return int(torch.cuda.mem_get_info()[0])
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))


def _held_bytes(kernel: Kernel | None) -> int:
    """What a kernel takes that is there already."""
    parts = [] if kernel is None else [kernel.columns.matrix, *([kernel.rows.matrix] if kernel.rows else [])]
    return sum(x.numel() * x.element_size() for x in parts)


def _too_large(run: Run, point: Point, name: str, needed: int, held: int = 0) -> bool:
    """Whether an implementation does not fit; a row says so."""
    free = free_memory(run.device) + held
    if needed <= MEMORY * free:
        return False
    run.add(point, name, NO_ROOM, f"needs {needed / 1e9:.3g} GB, more than {MEMORY:.0%} of what is free")
    return True


def _point(run: Run, point: Point, inputs: Inputs, compiled: bool) -> None:
    """All implementations at one point."""
    wrong = _small(run, point)
    if wrong:
        run.add(point, "kernel", INCORRECT, wrong)
        if run.device == "cpu":
            run.add(point, "naive", INCORRECT, "the kernel differs from it")
            return
    elif run.device == "cuda":
        _timed(run, inputs, "kernel", fused(inputs))
    else:
        run.add(point, "kernel", "not measured", INTERPRETED)
    for name, call, width, slack in (
        ("naive", fused(inputs, "naive"), 8, 1.0),
        ("torch", in_torch(inputs), 4, checks.FLOAT32),
    ):
        if call is None or _too_large(run, point, name, bytes_of_plain(point, width)):
            continue
        _timed(run, inputs, name, call, slack, tries=0)
        if compiled:
            _compiled(run, inputs, f"{name}, compiled", call, slack)
    if point.operation == "verify token":
        for name, verifier in run.packages.items():
            if not isinstance(verifier, str):
                _by_package(run, inputs, name, verifier)


def _small(run: Run, point: Point) -> str | None:
    """What the kernel of the point's operation and form differs in on a small case, compared once a run."""
    key = (point.operation, point.form, point.dtype)
    if key not in run.compared:
        try:
            checks.small(*key, run.seed)
            run.compared[key] = None
        except Disagreement as error:
            run.compared[key] = str(error)
    return run.compared[key]


def _timed(run: Run, inputs: Inputs, name: str, call: Call, slack: float = 1.0, tries: int | None = None) -> None:
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


def _compiled(run: Run, inputs: Inputs, name: str, call: Call, slack: float) -> None:
    """`torch.compile` of a call, within `COMPILE_SECONDS`."""
    torch.compiler.reset()
    compiled: Callable[[], Any] = torch.compile(call, dynamic=False)
    try:
        with limit(COMPILE_SECONDS):
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


def _by_package(run: Run, inputs: Inputs, name: str, verifier: others.Verifier) -> None:
    """Another package, which was compared in law: from logits, and with both laws given."""
    for given in (False, True):
        label = f"{name}, laws given" if given else name
        try:
            call = by_package(inputs, verifier, given=given)
            accepted, token = call()
            _measured(run, inputs, label, call, as_outcome(accepted, token, inputs.point.gamma))
        except RuntimeError as error:
            run.add(inputs.point, label, "failed", one_line(error))


def _package(package: others.Package, device: str, seed: int) -> others.Verifier | str:
    """The verifier of a package after a comparison in law, or why it cannot be timed."""
    if device == "cpu":
        installed = importlib.util.find_spec(package.module.partition(".")[0]) is not None
        return "needs a GPU" if installed else f"{package.module.partition('.')[0]} is not installed"
    try:
        verifier = others.find(package)
        others.compare_law(verifier, device, seed)
    except ImportError as error:
        return f"not installed: {one_line(error)}"
    except Disagreement as error:
        return f"{INCORRECT}: {error}"
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        return f"cannot be called: {one_line(error)}"
    return verifier


@contextmanager
def limit(seconds: int) -> Iterator[None]:
    """Raise `TimeoutError` in the context after so many seconds; outside the main thread there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signal_number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def one_line(error: BaseException) -> str:
    """The first line of an error's message that says anything, and no path of this machine."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return " ".join("…" if word.startswith(("/", "'/", '"/')) else word for word in text.split())[:200]
