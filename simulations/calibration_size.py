"""How many contexts a prior and its weight must be fitted on before mixing beats TLI on fresh contexts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures, restrict
from rdk_theory.acceptance import acceptance_rate
from rdk_theory.distributions import embed
from rdk_theory.ensembles import zipf
from rdk_theory.mixing import optimal_mixing
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import BAR, distinct, number, numbers, pick, standard_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rdk_theory.statistics import Interval

SIZE, FRESH, SPREAD = 128, 128, 3.0
KEPT = (64, 32, 16, 8, 4)
CALIBRATION = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
TICKS = (1, 2, 4, 8, 16, 32, 64)
ROUNDING = 1e-12
FLOOR = -0.15
"""Where the view of gains is cut."""


def parameters(options: Options) -> list[Setting]:
    """One setting for each independent draw of contexts, at each kept set and number of calibration contexts."""
    draws = 8 if options.quick else 200
    return [{"kept": k, "calibration": c, "draw": i} for k in KEPT for c in CALIBRATION for i in range(draws)]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """Prior and weight fitted on calibration contexts, and what they gain there and on fresh contexts."""
    count, vocab = setting["calibration"], Vocabulary(SIZE, np.arange(setting["kept"]))
    drawn = zipf(rng, count + FRESH, SIZE, spread=SPREAD)
    embedded = embed(restrict(drawn.drafts, vocab), vocab)
    target, fresh, draft = drawn.targets[:count], drawn.targets[count:], embedded[count:]
    prior = np.where(vocab.position < 0, target.mean(0), 0.0)
    prior /= prior.sum()
    fitted = optimal_mixing(target, embedded[:count], prior)
    best = optimal_mixing(fresh, draft, prior)
    reached = acceptance_rate(fresh, (1 - fitted.weight) * draft + fitted.weight * prior).mean()
    return [
        {
            **setting,
            "weight": float(fitted.weight),
            "fitted_gain": float(fitted.acceptance - fitted.baseline),
            "fresh_gain": float(reached - best.baseline),
            "best_weight": float(best.weight),
            "best_gain": float(best.acceptance - best.baseline),
            "slope": float(best.slope),
            "baseline": float(best.baseline),
        }
    ]


def check(rows: Sequence[Row]) -> list[str]:
    """Nothing is lost where the weight was fitted; on fresh contexts no gain is above the best or the tangent at 0."""
    lines = []
    for row in rows:
        where = f"{row['kept']} kept, {row['calibration']} calibration contexts, draw {row['draw']}"
        gain, best, slope = (number(row, name) for name in ("fresh_gain", "best_gain", "slope"))
        if number(row, "fitted_gain") < -ROUNDING:
            lines.append(f"the fitted weight loses where it was fitted: {where}")
        if gain > best + ROUNDING or gain > slope * number(row, "weight") + ROUNDING:
            lines.append(f"the gain exceeds that of the best weight or the tangent: {where}")
        if (best > ROUNDING) != (slope > ROUNDING):
            lines.append(f"some weight gains, and the slope is not positive, or the reverse: {where}")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Above the mean gain on fresh contexts under that of the best weight, below the share of draws that lose."""
    figure, (above, below) = figures.canvas(2, height=2.4)
    for index, kept in enumerate(distinct(rows, "kept")):
        mine, label = pick(rows, kept=kept), f"1 in {SIZE // kept} kept"
        sizes = [float(size) for size in distinct(mine, "calibration")]
        cells = [pick(mine, calibration=size) for size in sizes]
        gains = [_mean(cell, "fresh_gain") for cell in cells]
        figures.theory_line(above, sizes, [_mean(cell, "best_gain")[0] for cell in cells], index, label)
        low, high = ([mean + side * BAR * error for mean, error in gains] for side in (-1, 1))
        figures.measured(above, sizes, [mean for mean, _ in gains], low, high, index, label)
        losses = [_losses(cell) for cell in cells]
        shares = [interval.estimate for interval in losses]
        low, high = [interval.low for interval in losses], [interval.high for interval in losses]
        figures.measured(below, sizes, shares, low, high, index, label)
    figures.shade_counterexample(above, y=(10 * FLOOR, 0.0), label="TLI is better")
    above.set_ylim(FLOOR, 1.1 * max(numbers(rows, "best_gain")))
    above.set_ylabel("acceptance over TLI")
    below.set_ylabel("share of draws below TLI")
    for axes in (above, below):
        axes.set_xscale("log", base=2)
        axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
        axes.set_xlabel("calibration contexts")
    figures.legend(above, 2)
    figures.legend(below, 2)
    return figure


def _mean(rows: Sequence[Row], name: str) -> tuple[float, float]:
    """Mean over draws and its standard error; 0 for a single draw, which tells nothing of it."""
    values = np.array(numbers(rows, name))
    return float(values.mean()), standard_error(values) if values.size > 1 else 0.0


def _losses(rows: Sequence[Row]) -> Interval:
    """Share of draws that lose on fresh contexts."""
    from rdk_theory.statistics import clopper_pearson  # brings scipy.stats, which the settings do without

    return clopper_pearson(sum(gain < -ROUNDING for gain in numbers(rows, "fresh_gain")), len(rows), 0.95)


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the fewest calibration contexts that gain."""
    enough = []
    for kept in distinct(rows, "kept"):
        gaining = [
            size
            for size in distinct(pick(rows, kept=kept), "calibration")
            if (gain := _mean(pick(rows, kept=kept, calibration=size), "fresh_gain"))[0] > BAR * gain[1]
        ]
        least = f"{min(gaining)}" if gaining else f"more than {max(CALIBRATION)}"
        enough.append(f"{least} with 1 in {SIZE // kept} kept")
    draws = len(distinct(rows, "draw"))
    return (
        f"A prior on cold tokens and its mixing weight, both fitted on a few contexts, and what they gain over TLI on "
        f"{FRESH} fresh contexts; Zipf contexts over {SIZE} tokens, of which the most frequent are kept; {draws} "
        "independent draws of all contexts for each point. Above, points: mean gain with 95 % intervals over draws; "
        "lines: mean gain of the best weight for the same prior on the fresh contexts, which no weight exceeds. Below: "
        "share of draws in which the fitted weight loses, with exact 95 % intervals. Where it was fitted it never "
        "loses, so a loss is one of too few contexts. Fewest calibration contexts whose mean gain is above 0 by its "
        f"interval: {', '.join(enough)}. The upper panel is cut at {FLOOR}."
    )


EXPERIMENT = Experiment(
    id="calibration_size",
    title="Calibration contexts that a fitted prior needs",
    claims=("optimal-mixing", "local-dominance"),
    shows="Gain of a fitted prior and weight on fresh contexts by the number fitted on, and how often it is a loss.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
