"""Where mixing with a prior beats TLI: acceptance gained by mixing weight, on four ensembles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures, restrict
from rdk_theory.acceptance import acceptance_rate
from rdk_theory.distributions import embed
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Embedding, Kernel, RankOne
from rdk_theory.mixing import optimal_mixing
from rdk_theory.tables import Row
from simulations import _pruned
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import bars, curve, distinct, number, numbers, outside, pick

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, KEPT = 512, 64
WEIGHTS = (0.0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
NEAR = 0.1
"""Where the view of small weights ends."""
FLOOR = -0.1
"""Where the view of all weights is cut."""
OPTIONS: dict[str, dict[str, float]] = {"adversarial": {"error": 0.3}}


def parameters(options: Options) -> list[Setting]:
    """One setting for each ensemble."""
    contexts, repeats = (600, 2) if options.quick else (2000, 3)
    return [{"ensemble": name, "contexts": contexts, "repeats": repeats} for name in _pruned.NAMES]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """Exact and simulated gain along the weights, with slope, best weight and interval of one ensemble."""
    contexts, laws, draws = setting["contexts"], *rng.spawn(2)
    name = setting["ensemble"]
    pruned = _pruned.prune(name, contexts, SIZE, KEPT, laws, **OPTIONS.get(name, {}))
    draft = restrict(pruned.full_drafts, pruned.vocab)
    embedded = embed(draft, pruned.vocab)
    best = optimal_mixing(pruned.targets, embedded, pruned.prior)
    cold = 1 - pruned.targets[:, pruned.vocab.kept].sum(-1)
    uniforms = draws.random((2, setting["repeats"], contexts))
    baseline = _passing(pruned.targets, draft, Embedding(pruned.vocab), uniforms)
    rows: list[Row] = []
    for weight in WEIGHTS:
        kernel = RankOne(pruned.vocab, weight, pruned.prior)
        gain = acceptance_rate(pruned.targets, kernel.redistribute(draft)).mean() - best.baseline
        # The same uniforms draw both tokens, so that the difference has little noise where the weight is small.
        found = _passing(pruned.targets, draft, kernel, uniforms) - baseline
        rows.append(
            {
                "ensemble": name,
                "contexts": contexts,
                "weight": weight,
                "gain": gain,
                **bars(found.mean(), _error(found), found.size),
                "ceiling": (1 - cold + np.minimum(weight, cold)).mean() - best.baseline,
                "baseline": best.baseline,
                "slope": best.slope,
                "best_weight": best.weight,
                "best_gain": best.acceptance - best.baseline,
                "safe_weight": best.safe_weight,
            }
        )
    return rows


def _passing(target: np.ndarray, draft: np.ndarray, kernel: Kernel, uniforms: np.ndarray) -> np.ndarray:
    """Probability that the drafted token passes, ``(repeats, contexts)``: drawn and tested without the proposal."""
    rows = np.arange(target.shape[0])
    passing = []
    for first, second in zip(*uniforms, strict=True):
        _, token = draft_token(draft, kernel, first, second)
        passing.append(np.minimum(1, target[rows, token] / kernel.probability(draft, token)))
    return np.array(passing)


def _error(found: np.ndarray) -> float:
    """Standard error that is due to the draws: the contexts are given, the repeats in each are independent."""
    return float(np.sqrt(found.var(axis=0, ddof=1).mean() / found.size))


def check(rows: Sequence[Row]) -> list[str]:
    """Concave, below tangent and ceiling, a gain somewhere iff the slope is positive, and simulation agrees."""
    lines = outside(rows, "gain", keys=("ensemble", "weight"))
    for name in distinct(rows, "ensemble"):
        mine = pick(rows, ensemble=name)
        weight, gain = np.array(numbers(mine, "weight")), np.array(numbers(mine, "gain"))
        slope, safe = number(mine[0], "slope"), number(mine[0], "safe_weight")
        if (np.diff(np.diff(gain) / np.diff(weight)) > 1e-9).any():
            lines.append(f"{name}: the gain is not concave")
        if (gain > slope * weight + 1e-9).any() or (gain > np.array(numbers(mine, "ceiling")) + 1e-9).any():
            lines.append(f"{name}: the gain exceeds its tangent or its ceiling")
        if (gain > number(mine[0], "best_gain") + 1e-9).any():
            lines.append(f"{name}: some weight is better than the best")
        if (number(mine[0], "best_gain") > 1e-12) != (slope > 1e-12):
            lines.append(f"{name}: some weight gains, and the slope is not positive, or the reverse")
        if (gain[weight < safe] < -1e-9).any() or (gain[weight > safe] > 1e-9).any():
            lines.append(f"{name}: weights that do no harm are not those up to {safe}")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Above the gain over all weights, below the small ones with their tangents; hatched where TLI is better."""
    figure, (above, below) = figures.canvas(2, height=2.5)
    near = [row for row in rows if number(row, "weight") <= NEAR]
    for index, name in enumerate(distinct(rows, "ensemble")):
        mine, first = pick(rows, ensemble=name), pick(near, ensemble=name)
        colour = figures.channel(index).colour
        curve(above, mine, "weight", "gain", index, str(name))
        best, gain, safe = (number(mine[0], column) for column in ("best_weight", "best_gain", "safe_weight"))
        above.plot(best, gain, marker="o", color=colour, markersize=5, zorder=4)
        above.plot(safe, 0, marker="|", color=colour, markersize=12, markeredgewidth=2, zorder=4)
        curve(below, first, "weight", "gain", index, str(name))
        slope = number(mine[0], "slope")
        below.plot([0, NEAR], [0, slope * NEAR], color=colour, linewidth=0.7, linestyle=":")
    highest = max(numbers(rows, "high"))
    above.set_ylim(FLOOR, 1.1 * highest)
    below.set_ylim(min(numbers(near, "low")) - 0.002, 1.1 * max(numbers(near, "high")))
    for axes in (above, below):
        figures.shade_counterexample(axes, y=(FLOOR * 10, 0.0), label="TLI is better")
        axes.set_xlabel("mixing weight θ")
        axes.set_ylabel("acceptance over TLI")
    figures.legend(above)
    return figure


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the best weight and the interval of every ensemble."""
    parts = []
    for name in distinct(rows, "ensemble"):
        row = pick(rows, ensemble=name)[0]
        parts.append(
            f"{name}: TLI {number(row, 'baseline'):.3f}, f'(0) = {number(row, 'slope'):.3f}, "
            f"best θ = {number(row, 'best_weight'):.3f} (+{number(row, 'best_gain'):.4f}), "
            f"θ_max = {number(row, 'safe_weight'):.3f}"
        )
    return (
        f"Mean acceptance of (1 − θ) q' + θ π less that of TLI. {KEPT} of {SIZE} tokens are kept; kept tokens and the "
        "prior π (mean target law on cold tokens) are fitted on other contexts of the ensemble. Lines: exact, "
        "concave and piecewise linear; points: simulated draws and tests on common random numbers, with 95 % "
        "intervals; dots: the best weight; ticks on the axis: θ_max, up to which nothing is lost; dotted: the "
        "tangents at 0, above which no gain lies. Some weight gains iff the slope at 0 is positive; no prior gains "
        f"on every ensemble. {'; '.join(parts)}. The upper panel is cut at {FLOOR}."
    )


EXPERIMENT = Experiment(
    id="dominance_region",
    title="Acceptance gained over TLI by mixing weight",
    claims=("local-dominance", "optimal-mixing", "cold-restoration", "no-free-dominance"),
    shows="Acceptance gained over TLI by mixing weight on four ensembles; hatched where TLI is better.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
