"""How much of what pruning costs a kernel gives back, and the line that no context-free kernel can cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import acceptance_rate, figures, restrict
from rdk_theory.fitting import fit_cooccurrence, fit_optimal, fit_rank_one
from rdk_theory.kernels import Embedding, Kernel
from rdk_theory.tables import Row
from simulations._experiment import Experiment, Options, Setting
from simulations._pruned import split
from simulations._rows import BAR, distinct, number, numbers, pick, standard_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, CONTEXTS = 128, 400
KEPT = (64, 32, 16, 8, 4)
KERNELS = ("rank one", "co-occurrence", "fitted for acceptance")
BOUND = "best for the fresh contexts"
GAP = 2e-3
"""Certified distance from the best at which a fit for acceptance stops."""

ROUNDING = 1e-9


def parameters(options: Options) -> list[Setting]:
    """One setting for each independent draw of contexts and each kept set."""
    return [{"kept": k, "draw": i, "contexts": CONTEXTS} for k in KEPT for i in range(2 if options.quick else 8)]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """Kernels fitted on half of the contexts, judged on the other half; and the bound that holds for the latter."""
    drawn = split("low rank", setting["contexts"], SIZE, setting["kept"], rng)
    vocab, mine, fresh = drawn.vocab, drawn.calibration, drawn.fresh
    p, q = mine.targets, restrict(mine.drafts, vocab)
    judged, draft = fresh.targets, restrict(fresh.drafts, vocab)

    def accepts(kernel: Kernel) -> float:
        return float(acceptance_rate(judged, kernel.redistribute(draft)).mean())

    tli = accepts(Embedding(vocab))
    whole = float(acceptance_rate(judged, fresh.drafts).mean())
    reached = {
        "rank one": accepts(fit_rank_one(p, q, vocab).kernel),
        "co-occurrence": accepts(fit_cooccurrence(p, q, vocab).kernel),
        "fitted for acceptance": accepts(fit_optimal(p, q, vocab, tolerance=GAP).kernel),
        BOUND: fit_optimal(judged, draft, vocab, tolerance=GAP).upper_bound,
    }
    return [
        {
            **setting,
            "kernel": name,
            "tli": tli,
            "unpruned": whole,
            "acceptance": value,
            "recovered": (value - tli) / (whole - tli),
        }
        for name, value in reached.items()
    ]


def check(rows: Sequence[Row]) -> list[str]:
    """Pruning costs something, and no kernel accepts more in the fresh contexts than the bound for them."""
    lines = []
    for kept in distinct(rows, "kept"):
        for draw in distinct(rows, "draw"):
            cell = pick(rows, kept=kept, draw=draw)
            if not cell:
                continue
            (bound,) = numbers(pick(cell, kernel=BOUND), "acceptance")
            for row in cell:
                where = f"{kept} kept, draw {draw}, {row['kernel']}"
                if number(row, "acceptance") > bound + ROUNDING:
                    lines.append(f"a context-free kernel accepts more than the bound: {where}")
                if number(row, "unpruned") <= number(row, "tli"):
                    lines.append(f"pruning costs nothing: {where}")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Recovered share by kept share of the vocabulary, under the bound."""
    figure, (axes,) = figures.canvas(1)
    shares = [number({"k": kept}, "k") / SIZE for kept in sorted(distinct(rows, "kept"), key=float)]
    for index, name in enumerate(KERNELS):
        means, low, high = _means(pick(rows, kernel=name))
        figures.measured(axes, shares, means, low, high, index, name)
    bound, _, _ = _means(pick(rows, kernel=BOUND))
    figures.theory_line(axes, shares, bound, len(KERNELS), "no context-free kernel above")
    axes.axhline(1, color="0.4", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_xticks(shares, [f"1/{round(1 / share)}" for share in shares])
    axes.set_xlabel("kept share of the vocabulary")
    axes.set_ylabel("recovered share of the loss")
    figures.shade_above(axes, shares, bound)
    figures.legend(axes, 2)
    return figure


def _means(rows: Sequence[Row]) -> tuple[list[float], list[float], list[float]]:
    """Mean over draws by kept size, ascending, with a 95 % interval."""
    columns: list[tuple[float, float, float]] = []
    for kept in sorted(distinct(rows, "kept"), key=float):
        values = np.array(numbers(pick(rows, kept=kept), "recovered"))
        error = BAR * standard_error(values) if values.size > 1 else 0.0
        columns.append((float(values.mean()), float(values.mean()) - error, float(values.mean()) + error))
    means, low, high = (list(x) for x in zip(*columns, strict=True))
    return means, low, high


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the ends of its table."""
    least = min(distinct(rows, "kept"), key=float)
    parts = []
    for name in (*KERNELS, BOUND):
        values = numbers(pick(rows, kept=least, kernel=name), "recovered")
        parts.append(f"{name} {100 * sum(values) / len(values):.0f} %")
    return (
        "The share of the acceptance lost to pruning that context-free kernels give back, (acceptance − TLI)/(unpruned "
        f"− TLI), by kept share of a vocabulary of {SIZE} tokens; contexts of a low-rank softmax head, half of them to "
        f"choose the kept tokens and fit the kernels, half to judge; {len(distinct(rows, 'draw'))} independent draws, "
        "95 % intervals over draws. The line is the certificate of claim `optimal-kernel` for the contexts judged: the "
        f"hatched region is out of reach of every context-free kernel there. With {least} of {SIZE} kept: "
        f"{', '.join(parts)}."
    )


EXPERIMENT = Experiment(
    id="recovered_acceptance",
    title="Recovered acceptance, and what no context-free kernel reaches",
    claims=("optimal-kernel", "local-dominance"),
    shows="The share of the loss that fitted kernels give back by kept share, under the certified optimum.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
