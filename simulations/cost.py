"""Time of redistribution and of verification by vocabulary size, against counted operations and a pass over memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from rdk_theory import figures
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import number, numbers, pick
from simulations._tasks import KERNELS, LEAST_ROWS, MOST_ROWS, SHARE, TASKS, batch, laws

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REFERENCE = 1 << 12
"""Vocabulary size of the pass over memory in whose time all times are told."""


def parameters(options: Options) -> list[Setting]:
    """One setting for each curve.

    A dense matrix is bounded by memory (64 MiB at N = 2¹³), the first-order form by the check that it is a kernel,
    which looks at every entry once.
    """
    top = 16 if options.quick else 18
    ranges = {"dense": (10, 13), "first order": (12, 14 if options.quick else 15)}

    def curve(task: str, kernel: str) -> Setting:
        low, high = ranges.get(kernel, (12, top))
        powers = list(range(low, high + 1))
        return {"task": task, "kernel": kernel, "powers": powers, "repeats": 5 if options.quick else 15}

    return [
        *(curve("redistribute", kernel) for kernel in KERNELS),
        curve("whole", "dense"),
        curve("lazy", "dense"),
        curve("lazy", "sparse"),
    ]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """Times along one curve, the fitted exponent with its 95 % interval, and the counted operations."""
    sizes = [1 << power for power in setting["powers"]]
    tasks, passes = [], []
    for size in sizes:
        vocab = Vocabulary(size, rng.permutation(size)[: size // SHARE])
        tasks.append(TASKS[setting["task"]](KERNELS[setting["kernel"]](vocab, rng), rng))
        passes.append(_memory_pass(size, rng))
    calls = [_memory_pass(REFERENCE, rng), *(task.call for task in tasks), *passes]
    rows = np.array([batch(size) for size in (REFERENCE, *sizes, *sizes)])
    seconds_a_row = _seconds(calls, setting["repeats"]) / rows
    unit, *seconds = np.quantile(seconds_a_row, [0.0, 0.5, 0.8], axis=0).T
    times, own = seconds[: len(sizes)], seconds[len(sizes) :]
    counts = np.log([task.operations for task in tasks])
    # What disturbs a time only lengthens it, so the fit takes the shortest.
    logs = np.log([low for low, _, _ in times])
    fit = stats.linregress(np.log(sizes), logs)
    reach = stats.t.ppf(0.975, len(sizes) - 2) * fit.stderr
    scale = np.exp(np.mean(logs - counts)) / unit[0]
    return [
        {
            "task": setting["task"],
            "kernel": setting["kernel"],
            "size": size,
            "kept": size // SHARE,
            "operations": task.operations,
            "rows": batch(size),
            "seconds_a_row": middle,
            "passes_of_its_size": middle / its_pass[1],
            "passes": middle / unit[0],
            "low": low / unit[0],
            "high": high / unit[0],
            "scaled_count": task.operations * scale,
            "exponent": fit.slope,
            "exponent_low": fit.slope - reach,
            "exponent_high": fit.slope + reach,
            "counted_exponent": stats.linregress(np.log(sizes), counts).slope,
        }
        for size, task, (low, middle, high), its_pass in zip(sizes, tasks, times, own, strict=True)
    ]


def _memory_pass(size: int, rng: np.random.Generator) -> Callable[[], object]:
    """The least that any of them does: read two rows and write one."""
    first, second = laws((batch(size), size), rng), laws((batch(size), size), rng)
    out = np.empty_like(first)
    return lambda: np.minimum(first, second, out=out)


def _seconds(calls: Sequence[Callable[[], object]], repeats: int) -> np.ndarray:
    """Durations of every call, ``(repeats, calls)``: in turn, so that a disturbance meets all; after one idle round."""
    durations = np.empty((repeats + 1, len(calls)))
    for round_ in durations:
        for at, call in enumerate(calls):
            start = time.perf_counter()
            call()
            round_[at] = time.perf_counter() - start
    return durations[1:]


def check(rows: Sequence[Row]) -> list[str]:
    """Counted operations grow as stated; times vary with the machine and are only reported."""
    lines = []
    for task, kernel in dict.fromkeys((str(row["task"]), str(row["kernel"])) for row in rows):
        found = number(pick(rows, task=task, kernel=kernel)[0], "counted_exponent")
        stated = 2 if kernel == "dense" and task != "lazy" else 1
        if abs(found - stated) > 0.05:
            lines.append(f"operations of {task} with a {kernel} kernel grow with exponent {found:.2f}, not {stated}")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Above redistribution, below drafting and verifying, on logarithmic axes; exponents in the legend."""
    figure, (above, below) = figures.canvas(2, height=2.3)
    for axes, tasks in ((above, ("redistribute",)), (below, ("whole", "lazy"))):
        mine = [row for row in rows if row["task"] in tasks]
        for index, (task, kernel) in enumerate(dict.fromkeys((row["task"], row["kernel"]) for row in mine)):
            points = pick(mine, task=task, kernel=kernel)
            name = str(kernel) if axes is above else f"{kernel}, {'whole' if task == 'whole' else 'lazily'}"
            label = f"{name}: {number(points[0], 'exponent'):.2f}"
            size = numbers(points, "size")
            figures.theory_line(axes, size, numbers(points, "scaled_count"), index, label)
            low, high = numbers(points, "low"), numbers(points, "high")
            figures.measured(axes, size, numbers(points, "passes"), low, high, index, label)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel("target vocabulary N")
        figures.legend(axes, 2)
    above.set_ylabel("redistribute, in passes")
    below.set_ylabel("draw and verify, in passes")
    return figure


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with every exponent and its interval."""
    parts = []
    for task, kernel in dict.fromkeys((row["task"], row["kernel"]) for row in rows):
        row = pick(rows, task=task, kernel=kernel)[0]
        low, high = number(row, "exponent_low"), number(row, "exponent_high")
        parts.append(f"{task} {kernel} {number(row, 'exponent'):.2f} [{low:.2f}, {high:.2f}]")
    return (
        "Median time of a row in float32 with one thread of linear algebra, told in passes: the shortest time in "
        f"which np.minimum takes a row of two such arrays at N = {REFERENCE}, in the same run; bars from the shortest "
        f"to the 80th percentile. A call works on {MOST_ROWS} rows, or on as many ({LEAST_ROWS} at least) as fit 2 "
        "MiB; repeats of all sizes alternate. A quarter of the tokens is kept. Lines: counted operations, scaled to "
        "the shortest times, so that only their slope is compared. Fitted exponents, of the shortest times too, with "
        f"95 % intervals: {'; '.join(parts)}. Lazy verification reads one row and in expectation two columns, so a "
        "dense kernel costs linear time; the fixed cost of a call flattens curves at small N, and leaving the cache "
        "steepens them at large N."
    )


EXPERIMENT = Experiment(
    id="cost",
    title="Cost by vocabulary size",
    claims=("linear-cost", "exact-linear-time"),
    shows="Time of redistribution and verification by vocabulary size, with fitted exponents beside the counted ones.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
    timed=True,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
