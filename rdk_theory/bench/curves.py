"""Curves of time and memory by vocabulary size: what is measured, the table, and the figure drawn from it alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rdk_theory import figures
from rdk_theory.bench import _tasks
from rdk_theory.bench._kernels import KERNELS
from rdk_theory.bench._timing import exponent, memory_pass, peak, seconds
from rdk_theory.kernels import Kernel
from rdk_theory.runs import progress
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE = 4
"""``N / K``: one token in four is kept."""
TASKS: dict[str, Callable[[Kernel, np.random.Generator, int], _tasks.Task]] = {
    "redistribute": _tasks.redistribution,
    "verify whole": _tasks.plain,
    "verify lazily": _tasks.lazy,
}


LAST = 4
"""Largest sizes of a curve, on which a second exponent is fitted: there the fixed cost of a call weighs least."""


class Curve(NamedTuple):
    """One task with one kernel at several sizes."""

    task: str
    kernel: str
    sizes: tuple[int, ...]


class Plan(NamedTuple):
    """What one run measures."""

    curves: tuple[Curve, ...]
    repeats: int
    draws: int
    """Batches of a call of verification."""


def plan(quick: bool) -> Plan:
    """Vocabularies of 2¹² to 2¹⁸ tokens, to 2¹⁶ where it is to be quick; of dense kernels, what fits into memory."""
    linear = tuple(1 << power for power in range(12, 17 if quick else 19))
    # In half steps, so that there are points enough where only three doublings fit.
    dense = tuple(int(2 ** (half / 2)) // 128 * 128 for half in range(24, 28 if quick else 31))
    return Plan(
        (
            Curve("redistribute", "dense", dense),
            *(Curve("redistribute", kernel, linear) for kernel in ("first order", "rank one", "sparse", "low rank")),
            Curve("verify whole", "embedding", linear),
            Curve("verify whole", "dense", dense),
            *(
                Curve("verify lazily", kernel, linear)
                for kernel in ("embedding", "columns", "sparse", "low rank", "rank one", "first order")
            ),
        ),
        4 if quick else 15,
        2 if quick else _tasks.DRAWS,
    )


def measure(chosen: Plan, seed: int) -> list[Row]:
    """Time and memory of every curve at every size, and of a pass over as many bytes as it must move.

    Parameters
    ----------
    chosen
        Curves, and how often each call is timed.
    seed
        Of kernels, rows and uniforms.

    Returns
    -------
    One row for each curve and size. Times are seconds for one row of a batch: the shortest, the median and the 80th
    percentile of the repeats, which alternate between all calls. The exponent is fitted to the shortest: what disturbs
    a time only lengthens it.
    """
    rng = np.random.default_rng(seed)
    tasks = []
    for curve in progress(chosen.curves, "kernels"):
        for size in curve.sizes:
            vocab = Vocabulary(size, rng.permutation(size)[: size // SHARE])
            tasks.append(TASKS[curve.task](KERNELS[curve.kernel](vocab, rng), rng, chosen.draws))
    calls = [task.call for task in tasks] + [memory_pass(task.bytes * _tasks.ROWS) for task in tasks]
    rows = np.array([task.rows for task in tasks])
    times = seconds(calls, chosen.repeats)
    lowest, middle, high = (np.quantile(times[:, : len(tasks)], [0.0, 0.5, 0.8], axis=0) / rows).tolist()
    floor = (times[:, len(tasks) :].min(axis=0) / _tasks.ROWS).tolist()
    # One batch is held at a time, however many a call goes through.
    peaks = [peak(task.call) // _tasks.ROWS for task in tasks]
    found: list[Row] = []
    start = 0
    for curve in chosen.curves:
        part = slice(start, start + len(curve.sizes))
        start = part.stop
        own, its_floor = exponent(curve.sizes, lowest[part]), exponent(curve.sizes, floor[part])
        top = exponent(curve.sizes[-LAST:], lowest[part][-LAST:])
        counted = exponent(curve.sizes, [1.0 + task.multiplications + task.additions for task in tasks[part]])
        for place, size in zip(range(part.start, part.stop), curve.sizes, strict=True):
            found.append(
                {
                    "task": curve.task,
                    "kernel": curve.kernel,
                    "size": size,
                    "kept": size // SHARE,
                    "seconds": lowest[place],
                    "median": middle[place],
                    "high": high[place],
                    "floor": floor[place],
                    "ratio_to_floor": lowest[place] / floor[place],
                    "multiplications": tasks[place].multiplications,
                    "additions": tasks[place].additions,
                    "bytes": tasks[place].bytes,
                    "peak_bytes": peaks[place],
                    "exponent": own.slope,
                    "exponent_low": own.low,
                    "exponent_high": own.high,
                    "last_exponent": top.slope,
                    "counted_exponent": counted.slope,
                    "floor_exponent": its_floor.slope,
                }
            )
    return found


def pick(rows: Sequence[Row], task: str, kernel: str) -> list[Row]:
    """The rows of one curve, by size."""
    return [row for row in rows if row["task"] == task and row["kernel"] == kernel]


def number(row: Row, column: str) -> float:
    """A cell that is a number."""
    value = row[column]
    assert isinstance(value, int | float)
    return float(value)


def largest(rows: Sequence[Row]) -> list[Row]:
    """The last row of each curve."""
    last = {(row["task"], row["kernel"]): row for row in rows}
    return list(last.values())


def draw(rows: Sequence[Row]) -> Figure:
    """Redistribution, drafting with verification, and memory; lines are passes over as many bytes."""
    figure, (above, middle, below) = figures.canvas(3)
    lazily = ("embedding", "columns", "sparse", "low rank")
    panels = (
        (above, [("redistribute", kernel) for kernel in ("dense", "first order", "rank one", "sparse", "low rank")]),
        (middle, [("verify whole", "embedding"), ("verify whole", "dense"), *(("verify lazily", k) for k in lazily)]),
        (below, [("verify whole", "embedding"), ("verify whole", "dense"), *(("verify lazily", k) for k in lazily)]),
    )
    for axes, curves in panels:
        for index, (task, kernel) in enumerate(curves):
            points = pick(rows, task, kernel)
            sizes = [number(row, "size") for row in points]
            name = f"{kernel}, {task.removeprefix('verify ')}" if task != "redistribute" else kernel
            if axes is below:
                values = [number(row, "peak_bytes") / 1e6 for row in points]
                figures.measured(axes, sizes, values, index=index, label=name)
                continue
            low, mid, high, floor = (
                [1e6 * number(row, column) for row in points] for column in ("seconds", "median", "high", "floor")
            )
            label = f"{name}: {number(points[0], 'exponent'):.2f}"
            figures.theory_line(axes, sizes, floor, index, label)
            figures.measured(axes, sizes, mid, low, high, index, label)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel("target vocabulary N")
        figures.legend(axes, 2)
    above.set_ylabel("redistribute, µs a row")
    middle.set_ylabel("draw and verify, µs a row")
    below.set_ylabel("peak memory, MB a row")
    return figure
