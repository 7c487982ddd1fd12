"""Mixing with the drafter's own cold mass: how often it lowers acceptance, from a perfect drafter to noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures, restrict
from rdk_theory.acceptance import acceptance_rate
from rdk_theory.distributions import embed
from rdk_theory.kernels import RankOne
from rdk_theory.mixing import optimal_mixing
from rdk_theory.statistics import clopper_pearson
from rdk_theory.tables import Row
from simulations import _pruned
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import bars, curve, distinct, number, numbers, pick, standard_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = 512
KEPT = (256, 51, 10)
ERRORS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Share of noise in the drafter: 0 errs only by its missing tokens, 1 knows nothing of the context."""
TIE = 1e-12
"""A difference of acceptance within rounding is no loss."""


def parameters(options: Options) -> list[Setting]:
    """One setting for each size of the kept set."""
    return [{"kept": kept, "contexts": 400 if options.quick else 1200} for kept in KEPT]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """For each drafter the share of contexts that lose, the share for which a gain is not proved, and mean gains.

    The drafter's law is ``(1 − λ) p + λ p'`` with ``p'`` the target's law in an unrelated context.
    """
    contexts, kept = setting["contexts"], setting["kept"]
    pruned = _pruned.prune("zipf", contexts, SIZE, kept, rng)
    noise = np.roll(pruned.targets, 1, axis=0)
    vocab, target = pruned.vocab, pruned.targets
    rows: list[Row] = []
    for error in ERRORS:
        full = (1 - error) * target + error * noise
        draft = restrict(full, vocab)
        embedded = embed(draft, vocab)
        weight = full[:, vocab.cold].sum(-1)
        prior = np.broadcast_to(pruned.prior, target.shape)
        proposal = RankOne(vocab, weight, prior).redistribute(draft)
        gain = acceptance_rate(target, proposal) - acceptance_rate(target, embedded)
        least, slack = _least_gain(target, embedded, pruned.prior, weight)
        losses = clopper_pearson(int((gain < -TIE).sum()), contexts, 0.95)
        best = optimal_mixing(target, embedded, pruned.prior)
        rows.append(
            {
                "kept": kept,
                "drafter_error": error,
                "contexts": contexts,
                "tli": best.baseline,
                "mean_weight": weight.mean(),
                "loses": losses.estimate,
                "loses_low": losses.low,
                "loses_high": losses.high,
                "unproved": (least < -TIE).mean(),
                "worst_gap": np.abs(gain - least - slack).max(),
                **bars(gain.mean(), standard_error(gain), contexts),
                "best_weight": best.weight,
                "best_gain": best.acceptance - best.baseline,
            }
        )
    return rows


def _least_gain(p: np.ndarray, q: np.ndarray, prior: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Claim ``finite-weight``: what cold tokens win less what kept tokens lose at most, and what that leaves out.

    A kept token that is exactly covered, as all are for a perfect drafter, must not count as lost by a rounding.
    """
    theta = weight[:, None]
    won = np.where(prior > 0, np.minimum(p, theta * prior), 0).sum(-1)
    under = (1 - theta) * q < p * (1 - TIE)
    return won - weight * np.where(under, q, 0).sum(-1), np.where(under & (p < q), q - p, 0).sum(-1)


def check(rows: Sequence[Row]) -> list[str]:
    """A perfect drafter never loses, nor does a context with a proof; bound and slack make the gain."""
    lines = []
    for row in rows:
        where = f"{row['kept']} kept, drafter error {row['drafter_error']}"
        if row["drafter_error"] == 0 and number(row, "loses") > 0:
            lines.append(f"a perfect drafter loses at {where}")
        if number(row, "loses") > number(row, "unproved"):
            lines.append(f"contexts lose against the bound at {where}")
        if number(row, "worst_gap") > 1e-9:
            lines.append(f"the gain is not what the identity says at {where}")
        if number(row, "best_gain") < -1e-12:
            lines.append(f"the best weight loses at {where}")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Above the share of contexts that lose, below the mean gain beside that of the best weight."""
    figure, (above, below) = figures.canvas(2, height=2.4)
    for index, kept in enumerate(distinct(rows, "kept")):
        mine = pick(rows, kept=kept)
        error, label = numbers(mine, "drafter_error"), f"{100 * kept / SIZE:.0f} % kept"
        figures.theory_line(above, error, numbers(mine, "unproved"), index, label)
        low, high = numbers(mine, "loses_low"), numbers(mine, "loses_high")
        figures.measured(above, error, numbers(mine, "loses"), low, high, index, label)
        curve(below, mine, "drafter_error", "best_gain", index, label)
    above.set_ylabel("contexts below TLI")
    below.set_ylabel("mean acceptance over TLI")
    figures.shade_counterexample(below, y=(-1.0, 0.0), label="TLI is better")
    below.set_ylim(1.2 * min(numbers(rows, "low")), 1.1 * max(numbers(rows, "high")))
    for axes in (above, below):
        axes.set_xlabel("noise in the drafter λ")
    figures.legend(above)
    return figure


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the worst case."""
    worst = max(rows, key=lambda row: number(row, "loses"))
    return (
        "Mixing each context's TLI law with a fixed prior at weight θ = q(C), the cold mass that the unpruned "
        "drafter itself saw; drafter (1 − λ) p + λ p' with p' the target's law in another context; Zipf contexts "
        f"over {SIZE} tokens. Above, points: share of contexts whose acceptance falls below TLI, with exact 95 % "
        "intervals; lines: share for which the finite-weight bound proves no gain, which is never less. Below, "
        "points: mean gain at θ = q(C) with 95 % intervals over contexts; lines: the best weight shared by all "
        "contexts, fitted on these contexts, which never loses in the mean. At λ = 0, where the drafter errs only by "
        f"its missing tokens, no context loses. Worst here: {100 * number(worst, 'loses'):.0f} % of contexts lose "
        f"with {100 * number(worst, 'kept') / SIZE:.0f} % kept and λ = {number(worst, 'drafter_error'):g}, "
        f"{-number(worst, 'measured'):.3f} of acceptance on average."
    )


EXPERIMENT = Experiment(
    id="overshoot",
    title="Mixing with the drafter's own cold mass",
    claims=("overshoot", "perfect-drafter", "finite-weight"),
    shows="Share of contexts that lose by mixing with the drafter's own cold mass, and the mean gain.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
