"""The rows of a run: each implementation at each point, compared before it is timed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch

from gpu.bench import checks, others
from gpu.bench.attempts import compiled_row, one_line, package_rows, package_verifier, timed_row
from gpu.bench.grid import Grid, Point
from gpu.bench.implementations import fused, in_torch
from gpu.bench.inputs import Inputs, Kernel, bytes_needed, bytes_of_plain, make_inputs, make_kernel
from gpu.bench.rows import INCORRECT, NO_ROOM, Run, finished
from gpu.bench.timing import copy_bandwidth
from gpu.ops._agreement import Disagreement
from rdk_theory.runs import progress
from rdk_theory.tables import Row

BUDGET = {True: 15.0, False: 180.0}
"""Seconds, for a quick run and for a whole one, after which the CPU begins no further point."""
MEMORY = 0.8
"""Share of the free memory that a point may take."""
INTERPRETED = "needs --device cuda: a time under Triton's interpreter says nothing"


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
        run.packages[package.name] = package_verifier(package, device, seed)
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


def free_memory(device: str) -> int:
    """Bytes that a run may take."""
    if device == "cuda":
        torch.cuda.empty_cache()
        return int(torch.cuda.mem_get_info()[0])
    told = Path("/proc/meminfo")
    if told.exists():
        # What the system keeps of files counts as free, other than in the number of free pages.
        return 1024 * int(told.read_text(encoding="utf-8").partition("MemAvailable:")[2].split()[0])
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
        timed_row(run, inputs, "kernel", fused(inputs))
    else:
        run.add(point, "kernel", "not measured", INTERPRETED)
    for name, call, width, slack in (
        ("naive", fused(inputs, "naive"), 8, 1.0),
        ("torch", in_torch(inputs), 4, checks.FLOAT32),
    ):
        if call is None or _too_large(run, point, name, bytes_of_plain(point, width)):
            continue
        timed_row(run, inputs, name, call, slack, tries=0)
        if compiled:
            compiled_row(run, inputs, f"{name}, compiled", call, slack)
    if point.operation == "verify token":
        for name, verifier in run.packages.items():
            if not isinstance(verifier, str):
                package_rows(run, inputs, name, verifier)


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
