"""Speed-up by draft length and by acceptance: closed form, simulated chains, and what happens when contexts differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures
from rdk_theory.sampling import inverse_cdf
from rdk_theory.speed import best_draft_length, speedup
from rdk_theory.tables import Row
from rdk_theory.verification import verify_chain
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import bars, curve, distinct, number, outside, pick, standard_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = (0.5, 0.7, 0.9)
COST = 0.1
"""Time of one draft step over one target step, in the view by draft length."""
MIXED, SPREAD = 0.7, 0.25
"""Mean acceptance, and its distance from either of two kinds of contexts, where contexts differ."""
COSTS = (0.05, 0.2, 0.5)
SIZE = 4


def parameters(options: Options) -> list[Setting]:
    """One setting for each curve."""
    chains = 1000 if options.quick else 4000
    lengths = [1, 2, 4, 8, 12] if options.quick else [1, 2, 3, 4, 6, 8, 10, 12]
    grid = [round(0.1 * i, 2) for i in range(1, 10)] if options.quick else [round(0.05 * i, 2) for i in range(1, 20)]
    by_length = [(rate, 0.0) for rate in RATES] + [(MIXED, SPREAD)]
    settings: list[Setting] = [
        {"view": "length", "rate": a, "spread": s, "lengths": lengths, "chains": chains} for a, s in by_length
    ]
    settings += [{"view": "rate", "cost": cost, "rates": grid, "chains": chains} for cost in COSTS]
    return settings


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """Theory and simulation along one curve."""
    chains = setting["chains"]
    if setting["view"] == "length":
        rate, spread = setting["rate"], setting["spread"]
        return [_row("length", rate, spread, COST, gamma, chains, rng) for gamma in setting["lengths"]]
    cost = setting["cost"]
    return [_row("rate", a, 0.0, cost, best_draft_length(a, cost), chains, rng) for a in setting["rates"]]


def _row(view: str, rate: float, spread: float, cost: float, gamma: int, chains: int, rng: np.random.Generator) -> Row:
    """One point; without drafts (``γ = 0``) the speed-up is 1 and there is nothing to simulate."""
    kinds = (rate - spread, rate + spread)
    if gamma:
        gains = (_accepted(np.resize(kinds, chains), gamma, rng) + 1) / (gamma * cost + 1)
        point = bars(gains.mean(), standard_error(gains), chains, gamma / (gamma * cost + 1))
        theory = float(np.mean([speedup(kind, gamma, cost) for kind in kinds]))
        alike = float(speedup(rate, gamma, cost))
    else:
        point, theory, alike = bars(1.0, 0.0, chains, 0.0), 1.0, 1.0
    columns: Row = {"view": view, "rate": rate, "spread": spread, "cost": cost, "gamma": gamma, "chains": chains}
    return {**columns, "theory": theory, "alike": alike, **point}


def _accepted(rates: np.ndarray, gamma: int, rng: np.random.Generator) -> np.ndarray:
    """Accepted tokens of chains whose every token passes with the chain's own rate.

    The target lives on all tokens but the last; the proposal is the target with weight ``α``, else that token.
    """
    target = np.array([0.5, 0.3, 0.2, 0.0])
    proposal = rates[:, None] * target + (1 - rates)[:, None] * np.eye(SIZE)[-1]
    count = rates.size
    proposals = np.broadcast_to(proposal[:, None, :], (count, gamma, SIZE))
    targets = np.broadcast_to(target, (count, gamma + 1, SIZE))
    drafts, accept, residual, bonus = rng.spawn(4)
    drafted = inverse_cdf(proposals, drafts.random((count, gamma)))
    uniforms = accept.random((count, gamma)), residual.random(count), bonus.random(count)
    return verify_chain(targets, proposals, drafted, *uniforms).accepted


def check(rows: Sequence[Row]) -> list[str]:
    """Simulation agrees with theory; drafting pays iff ``α > c``; differing contexts only help."""
    lines = outside(rows, "theory", keys=("view", "rate", "spread", "cost", "gamma"))
    lines += [
        f"drafting pays at rate {row['rate']} and cost {row['cost']} against the break-even"
        for row in pick(rows, view="rate")
        if (number(row, "theory") > 1) != (number(row, "rate") > number(row, "cost"))
    ]
    return lines + [
        f"contexts that differ lose at draft length {row['gamma']}"
        for row in rows
        if number(row, "theory") < number(row, "alike") - 1e-12
    ]


def draw(rows: Sequence[Row]) -> Figure:
    """Above the speed-up by draft length, below that of the best length by acceptance rate."""
    figure, (above, below) = figures.canvas(2, height=2.3)
    by_length = pick(rows, view="length")
    for index, (rate, spread) in enumerate(dict.fromkeys((number(r, "rate"), number(r, "spread")) for r in by_length)):
        label = f"α = {rate - spread:.2f} or {rate + spread:.2f}" if spread else f"α = {rate}"
        curve(above, pick(by_length, rate=rate, spread=spread), "gamma", "theory", index, label)
    by_rate = pick(rows, view="rate")
    for index, cost in enumerate(distinct(by_rate, "cost")):
        curve(below, pick(by_rate, cost=cost), "rate", "theory", index, f"c = {cost}")
        below.axvline(cost, color=figures.channel(index).colour, linewidth=0.8, linestyle=figures.channel(index).dashes)
    above.set_xlabel("drafted tokens γ")
    above.set_ylabel(f"speed-up at c = {rows[0]['cost']}")
    below.set_xlabel("acceptance rate α")
    below.set_ylabel("speed-up at the best γ")
    below.set_yscale("log")
    below.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    below.minorticks_off()
    figures.legend(above, 4)
    figures.legend(below)
    return figure


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the best draft lengths."""
    alike = [row for row in pick(rows, view="length") if not row["spread"]]
    best = ", ".join(
        f"γ = {best_draft_length(rate, number(alike[0], 'cost'))} at α = {rate}" for rate in distinct(alike, "rate")
    )
    return (
        "Speed-up over plain decoding, with c the time of a draft step over a target step. Lines: "
        "(1 − α^(γ+1)) / ((1 − α)(γc + 1)), which assumes that each token passes independently with the same "
        "probability; points: simulated chains with 95 % intervals. Best lengths above: "
        f"{best}. The fourth curve has two kinds of contexts of the same mean acceptance {MIXED}; the formula at the "
        "mean is too low for it, since tokens a call are convex in α. Below: drafting pays only to the right of α = c "
        "(vertical lines), whatever the length."
    )


EXPERIMENT = Experiment(
    id="draft_length",
    title="Speed-up by draft length and acceptance rate",
    claims=("expected-tokens", "walltime"),
    shows="Speed-up by draft length and by acceptance rate, with the break-even rates.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
