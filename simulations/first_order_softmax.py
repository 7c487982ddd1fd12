"""Error of first-order softmax kernels by vocabulary size, rank and temperature; nothing ``N × N`` is formed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures
from rdk_theory.kernels import SoftmaxCovariance, softmax_first_order_bound
from rdk_theory.tables import Row
from simulations import _first_order
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import distinct, number, numbers, pick

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPREAD, SIZE, RANK = 0.25, 2048, 16
"""`s`, `N` and rank where they are not varied."""
RANKS = (1, 2, 4, 8, 16, 32, 64)
HEIGHTS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 40.0)
"""Temperatures over the lowest at which there is a first-order form; ``s`` is the inverse."""
FAMILIES = ("extremal", "Gaussian", "laws")


def parameters(options: Options) -> list[Setting]:
    """For each family of covariances one setting for each of the three axes."""
    instances = 3 if options.quick else 20
    return [
        {"axis": axis, "family": family, "instances": 1 if family == "extremal" else instances}
        | ({"sizes": list(_first_order.SIZES)} if axis == "size" else {})
        for axis in ("size", "rank", "temperature")
        for family in FAMILIES
    ]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """The rows of one family along one axis."""
    axis, family = setting["axis"], setting["family"]
    heights = HEIGHTS if axis == "temperature" else (1 / SPREAD,)
    sizes = setting.get("sizes", [SIZE])
    ranks = RANKS if axis == "rank" else (RANK,)
    rows: list[Row] = []
    for size, rank in ((size, min(rank, size // 2)) for size in sizes for rank in ranks):
        found: list[list[_first_order.Found]] = [[] for _ in heights]
        for _ in range(setting["instances"]):
            laws = _first_order.laws(rng, size, rank + 1)
            factor = _FACTORS[family](laws, rank, rng)
            widest = float(SoftmaxCovariance.from_factor(laws.vocab, factor, 1.0).spread)
            for height, held in zip(heights, found, strict=True):
                temperature = _first_order.temperature_at(widest, 1 / height)
                kernel = SoftmaxCovariance.from_factor(laws.vocab, factor, temperature)
                places = np.arange(laws.vocab.kept_size)
                held.append(_first_order.compare(kernel, np.full(size, 1 / size), places, laws))
        for height, held in zip(heights, found, strict=True):
            reached = math.tanh(1 / height / 2) ** 2 / 2 if family == "extremal" else None
            about = {"axis": axis, "family": family, "size": size, "rank": rank, "height": height, "s": 1 / height}
            rows.append({**about, **_first_order.columns(held, reached), "useful_above": USEFUL_ABOVE})
    return rows


def _extremal(laws: _first_order.Laws, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Deviations of rows 0, 2, 4, … are ±s on a quarter of the tokens each and 0 elsewhere; others are smaller.

    The first column of the factor makes these rows. All further ones are zero on these tokens, and short elsewhere.
    """
    size = laws.vocab.size
    signs = np.tile([1.0, 0.0, -1.0, 0.0], size // 4)
    others = rng.standard_normal((size, rank - 1))
    others *= (signs == 0)[:, None] * 0.5 / np.linalg.norm(others, axis=1, keepdims=True).clip(min=1e-300)
    return np.column_stack([signs, others])


def _gaussian(laws: _first_order.Laws, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Independent normal entries: deviations spread over all tokens."""
    return rng.standard_normal((laws.vocab.size, rank))


def _of_laws(laws: _first_order.Laws, rank: int, rng: np.random.Generator) -> np.ndarray:
    """The covariance of ``rank + 1`` target laws: few tokens deviate much."""
    return np.asarray((laws.fitted - laws.fitted.mean(0)).T)


_FACTORS: dict[str, Callable[[_first_order.Laws, int, np.random.Generator], np.ndarray]] = {
    "extremal": _extremal,
    "Gaussian": _gaussian,
    "laws": _of_laws,
}

USEFUL_ABOVE = 1 / _first_order.useful_to(softmax_first_order_bound)
"""Temperature over the lowest with a first-order form from which the bound is negligible."""


def check(rows: Sequence[Row]) -> list[str]:
    """No row and no acceptance rate is further away than s²/8; the extremal rows are as far as they should be."""
    lines = []
    for row in rows:
        where = f"{row['family']}, N = {row['size']}, rank {row['rank']}, s = {number(row, 's'):.3g}"
        lines += _first_order.violations(row, where, number(row, "s") ** 2 / 8)
        if number(row, "moved") > math.tanh(number(row, "s") / 2) + 1e-12:
            lines.append(f"a row is further from uniform than tanh(s/2): {where}")
        if row["negligible"] != (number(row, "height") >= number(row, "useful_above")):
            lines.append(f"the temperature from which the bound is negligible is wrong: {where}")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Shares of the bound by size and by rank, then distances by temperature, hatched where the bound is too large."""
    figure, (by_size, by_rank, by_temperature) = figures.canvas(3, height=2.7)
    _draw(by_size, pick(rows, axis="size"), "size", _first_order.shares)
    _draw(by_rank, pick(rows, axis="rank"), "rank", _first_order.shares)
    _draw(by_temperature, pick(rows, axis="temperature"), "height", numbers)
    by_size.set_xlabel("target vocabulary N")
    by_rank.set_xlabel("rank of the covariance")
    by_temperature.set_xlabel("temperature τ over τ₁, the lowest allowed")
    for axes in (by_size, by_rank):
        axes.set_xscale("log", base=2)
        axes.set_ylabel(f"share of the bound, s = {SPREAD}")
    by_temperature.set_xscale("log")
    by_temperature.set_xlim(0.9, 1.25 * HEIGHTS[-1])
    by_temperature.set_xticks(HEIGHTS, [f"{height:g}" for height in HEIGHTS])
    by_temperature.minorticks_off()
    by_temperature.set_ylabel("total variation, or acceptance")
    figures.shade_counterexample(by_temperature, x=(0.9, USEFUL_ABOVE), label=f"bound > {_first_order.NEGLIGIBLE}")
    for axes in (by_size, by_rank, by_temperature):
        axes.set_yscale("log")
        figures.legend(axes, 2)
    return figure


def _draw(axes: Axes, rows: Sequence[Row], x: str, scaled: Callable[[Sequence[Row], str], list[float]]) -> None:
    """The bound, and of each family the rows' distance and the largest change of acceptance."""
    families = distinct(rows, "family")
    for family in families:
        mine, index = pick(rows, family=family), FAMILIES.index(family)
        at, found = numbers(mine, x), scaled(mine, "measured")
        if family == families[0]:
            figures.theory_line(axes, at, scaled(mine, "bound"), None, "bound s²/8")
        if family == "extremal":
            figures.theory_line(axes, at, scaled(mine, "reached"), index, f"{family} rows")
            figures.measured(axes, at, found, index=index, label=f"{family} rows")
            continue
        figures.measured(axes, at, found, scaled(mine, "low"), scaled(mine, "high"), index, f"{family}, rows")
        beside = [1.08 * place for place in at]
        changes = scaled(mine, "acceptance_change")
        figures.measured(axes, beside, changes, index=index + 2, label=f"{family}, acceptance")


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the shares of the bound at both ends of the vocabulary sizes."""
    parts = []
    for family in distinct(rows, "family"):
        mine = pick(rows, axis="size", family=family)
        if mine:
            ends = [f"{100 * _first_order.shares([row], 'measured')[0]:.2g} %" for row in (mine[0], mine[-1])]
            parts.append(f"{family} {ends[0]} at N = {mine[0]['size']} and {ends[1]} at N = {mine[-1]['size']}")
    decisive = sum(bool(row["decisive"]) for row in rows)
    return (
        "First-order softmax kernels of low-rank covariances: largest row-wise total variation from the original, and "
        f"largest change of acceptance over {_first_order.LAWS} random targets and drafts a kernel. Extremal: one "
        "column of the factor gives rows with deviations ±s on a quarter of the tokens each, which are ½ tanh²(s/2) "
        "away at every N and rank (line), so that no smaller constant than 1/8 holds at any; Gaussian factors; "
        "covariances of random target laws. Points: medians over random kernels, bars their range. Share of the bound "
        f"used by rows: {'; '.join(parts)}. A quarter of the tokens is kept, {_first_order.MOST_KEPT} at most; N = "
        f"{SIZE} and rank {RANK} where not varied (rank at most N/2). Below τ₁ some |x| exceeds 1 and there "
        f"is no first-order form. Hatched: the bound is above {_first_order.NEGLIGIBLE}; from {USEFUL_ABOVE:.3g} τ₁ "
        f"on, s ≤ {1 / USEFUL_ABOVE:.3g}, it is negligible at every N and rank. It is below the gain of the "
        f"original over TLI, and so decisive, in {decisive} of {len(rows)} rows of the table: a flat kernel seldom "
        "gains."
    )


EXPERIMENT = Experiment(
    id="first_order_softmax",
    title="Error of first-order softmax kernels by size, rank and temperature",
    claims=("softmax-first-order", "lipschitz"),
    shows="Rows and acceptance of first-order softmax kernels against s²/8, by vocabulary size, rank and temperature.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
