"""Accepted tokens of block verification against token-wise verification, on random trees of laws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures
from rdk_theory.tables import Row
from rdk_theory.trajectories import accepted_by_block, accepted_by_tokens
from rdk_theory.verification import verify_block, verify_chain
from simulations import _trees
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import bars, curve, distinct, number, outside, pick

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = 4
ERRORS = (0.2, 0.5, 1.0)
"""How far the drafter is from the target: 0 is the target itself, 1 is noise."""


def parameters(options: Options) -> list[Setting]:
    """One setting for each drafter."""
    longest, trees, chains = (4, 20, 500) if options.quick else (6, 40, 1500)
    return [{"error": error, "longest": longest, "trees": trees, "chains": chains} for error in ERRORS]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """For each chain length the mean over random trees of the accepted tokens: enumerated, and of simulated chains."""
    longest, chains, count = setting["longest"], setting["chains"], setting["trees"]
    laws, drafts, accepts = rng.spawn(3)
    lengths = range(1, longest + 1)
    closed, simulated, variances = (
        np.empty((2, longest, count)),
        np.empty((2, longest, count)),
        np.empty((longest, count)),
    )
    for tree in range(count):
        targets = _trees.random_levels(SIZE, longest + 1, 0.5, laws)
        proposals = _trees.blend(targets[:-1], _trees.random_levels(SIZE, longest, 0.5, laws), setting["error"])
        p, r = _trees.by_prefix(targets[:-1]), _trees.by_prefix(proposals)
        for at, gamma in enumerate(lengths):
            closed[:, at, tree] = accepted_by_tokens(p[:gamma], r[:gamma]), accepted_by_block(p[:gamma], r[:gamma])
            drafted = _trees.draw_chains(targets[: gamma + 1], proposals[:gamma], chains, drafts)
            uniforms = accepts.random((chains, gamma)), accepts.random(chains), accepts.random(chains)
            by_tokens, by_block = (
                verify(drafted.targets, drafted.proposals, drafted.tokens, *uniforms).accepted
                for verify in (verify_chain, verify_block)
            )
            simulated[:, at, tree] = by_tokens.mean(), by_block.mean()
            variances[at, tree] = (by_block - by_tokens).var(ddof=1)
    # The trees are the same on both roads, so the error is that of the chains alone.
    errors = np.sqrt(variances.mean(-1) / (count * chains))
    return [
        {
            "drafter_error": setting["error"],
            "gamma": gamma,
            "chains": count * chains,
            "by_tokens": closed[0, at].mean(),
            "by_block": closed[1, at].mean(),
            "gain": (closed[1, at] - closed[0, at]).mean(),
            "least_gain": (closed[1, at] - closed[0, at]).min(),
            "measured_by_tokens": simulated[0, at].mean(),
            "measured_by_block": simulated[1, at].mean(),
            **bars((simulated[1, at] - simulated[0, at]).mean(), errors[at], count * chains, gamma),
        }
        for at, gamma in enumerate(lengths)
    ]


def check(rows: Sequence[Row]) -> list[str]:
    """No tree loses by block verification, and simulation agrees with enumeration."""
    keys = ("drafter_error", "gamma")
    lost = [r for r in rows if number(r, "least_gain") < -1e-12]
    return outside(rows, "gain", keys=keys) + [
        f"block verification accepts fewer tokens at {', '.join(f'{key} {row[key]}' for key in keys)}" for row in lost
    ]


def draw(rows: Sequence[Row]) -> Figure:
    """Gain in accepted tokens over chain length, a line a drafter."""
    figure, (axes,) = figures.canvas()
    for index, error in enumerate(distinct(rows, "drafter_error")):
        curve(axes, pick(rows, drafter_error=error), "gamma", "gain", index, f"drafter error {error:g}")
    axes.set_xlabel("drafted tokens γ")
    axes.set_ylabel("accepted tokens gained a call")
    axes.set_xticks(distinct(rows, "gamma"))
    axes.set_ylim(bottom=0)
    figures.legend(axes)
    return figure


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the largest gain."""
    best = max(rows, key=lambda row: number(row, "gain"))
    return (
        "Tokens accepted by block verification less those accepted token by token, for each target call. Lines: "
        "enumeration of every prefix; points: simulated chains on common random numbers, with 95 % intervals. Target "
        f"and proposal are random trees of laws over {SIZE} tokens, so no independence of positions is assumed; the "
        "gain is never negative, and nil at γ = 1, where both verifiers are the same. Largest gain here: "
        f"{number(best, 'gain'):.3f} tokens on top of {number(best, 'by_tokens'):.2f} "
        f"(γ = {best['gamma']}, drafter error {best['drafter_error']:g})."
    )


EXPERIMENT = Experiment(
    id="block_verification",
    title="Block verification against token-wise verification",
    claims=("block-verification",),
    shows="Accepted tokens of block over token-by-token verification by chain length, for drafters of several errors.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
