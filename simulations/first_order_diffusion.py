"""Error of first-order diffusion kernels by weight, vocabulary size and neighbours; affinities are sparse."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse

from rdk_theory import figures
from rdk_theory.kernels import Diffusion, Embedding
from rdk_theory.tables import Row
from simulations import _first_order
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import distinct, number, numbers, pick

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WEIGHT, SIZE, NEIGHBOURS = 0.08, 2048, 8
"""θ, `N` and entries of a row of the affinity where they are not varied."""
WEIGHTS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)
COUNTS = (1, 2, 4, 8, 16, 32, 64)
PLACES = 16
"""Kept tokens whose rows are compared: a row of the original costs its terms times the whole affinity."""
KINDS = ("resolvent", "heat")
FAMILIES = ("extremal", "clusters")
BOUNDS: dict[str, Callable[[float], float]] = {
    "resolvent": lambda theta: theta**2,
    "heat": lambda theta: -theta * math.expm1(-theta),
}
"""Largest row-wise total variation, at every vocabulary size and number of neighbours."""
USEFUL_TO = {kind: _first_order.useful_to(bound) for kind, bound in BOUNDS.items()}
"""Weight up to which the bound is negligible."""


def parameters(options: Options) -> list[Setting]:
    """For each kind and family of affinities one setting for each of the three axes."""
    instances = 2 if options.quick else 8
    return [
        {"axis": axis, "kind": kind, "family": family, "instances": 1 if family == "extremal" else instances}
        | ({"sizes": list(_first_order.SIZES)} if axis == "size" else {})
        for axis in ("size", "neighbours", "weight")
        for kind in KINDS
        for family in FAMILIES
    ]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """The rows of one kind and family along one axis."""
    axis, kind, family = setting["axis"], setting["kind"], setting["family"]
    weights = WEIGHTS if axis == "weight" else (WEIGHT,)
    sizes = setting.get("sizes", [SIZE])
    counts = COUNTS if axis == "neighbours" else (NEIGHBOURS,)
    rows: list[Row] = []
    for size, count in ((size, min(count, size // 4)) for size in sizes for count in counts):
        found: list[list[_first_order.Found]] = [[] for _ in weights]
        for _ in range(setting["instances"]):
            laws = _first_order.laws(rng, size)
            affinity = _AFFINITIES[family](laws, count, rng)
            places = np.arange(min(PLACES, laws.vocab.kept_size))
            zero = Embedding(laws.vocab).row(places)
            for weight, held in zip(weights, found, strict=True):
                held.append(_first_order.compare(Diffusion(laws.vocab, affinity, weight, kind), zero, places, laws))
        for weight, held in zip(weights, found, strict=True):
            reached = BOUNDS[kind](weight) if family == "extremal" else None
            about = {"axis": axis, "kind": kind, "family": family, "size": size, "neighbours": count, "weight": weight}
            rows.append({**about, **_first_order.columns(held, reached), "useful_to": USEFUL_TO[kind]})
    return rows


def _extremal(laws: _first_order.Laws, count: int, rng: np.random.Generator) -> scipy.sparse.csr_array:
    """Token 0 moves to the next `count`, each of which to the `count` after these; all others stay.

    After two steps or more a walk from token 0 is where no walk of one step is.
    """
    sources = np.repeat(np.arange(count + 1), count)
    first = np.where(sources == 0, 1, count + 1)
    stay = np.arange(count + 1, laws.vocab.size)
    columns = np.concatenate([first + np.tile(np.arange(count), count + 1), stay])
    shares = np.concatenate([np.full(sources.size, 1 / count), np.ones(stay.size)])
    shape = (laws.vocab.size, laws.vocab.size)
    return scipy.sparse.csr_array((shares, (np.concatenate([sources, stay]), columns)), shape=shape)


def _clusters(laws: _first_order.Laws, count: int, rng: np.random.Generator) -> scipy.sparse.csr_array:
    """Each token moves to `count` draws from its cluster, in proportion to ``1/(t + 1)``."""
    size, clusters = laws.vocab.size, laws.clusters
    sources = np.arange(size)[:, None]
    columns = sources % clusters + clusters * rng.integers(size // clusters, size=(size, count))
    shares = 1 / (1 + columns)
    shares /= shares.sum(1, keepdims=True)
    places = np.broadcast_to(sources, columns.shape).ravel(), columns.ravel()
    return scipy.sparse.csr_array((shares.ravel(), places), shape=(size, size))


_AFFINITIES: dict[str, Callable[[_first_order.Laws, int, np.random.Generator], scipy.sparse.csr_array]] = {
    "extremal": _extremal,
    "clusters": _clusters,
}


def check(rows: Sequence[Row]) -> list[str]:
    """No row and no acceptance rate is further away than the bound; the extremal rows reach it."""
    lines = []
    for row in rows:
        kind, weight = str(row["kind"]), number(row, "weight")
        where = f"{kind}, {row['family']}, N = {row['size']}, {row['neighbours']} neighbours, θ = {weight}"
        lines += _first_order.violations(row, where, BOUNDS[kind](weight))
        if number(row, "moved") > weight + 1e-12:
            lines.append(f"more than θ leaves a kept token: {where}")
        if row["negligible"] != (weight <= number(row, "useful_to")):
            lines.append(f"the weight up to which the bound is negligible is wrong: {where}")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Shares of the bound by size, neighbours and weight, then the bound beside the gain over TLI."""
    figure, (by_size, by_neighbours, by_weight, gains) = figures.canvas(4, height=2.4)
    for axes, axis in ((by_size, "size"), (by_neighbours, "neighbours"), (by_weight, "weight")):
        _draw(axes, pick(rows, axis=axis), axis)
        axes.set_ylim(0, 1.1)
        axes.set_ylabel("share of the bound")
    _gains(gains, pick(rows, axis="weight", family="clusters"))
    by_size.set_xlabel(f"target vocabulary N, at θ = {WEIGHT}")
    by_neighbours.set_xlabel(f"entries of a row of the affinity, at θ = {WEIGHT}")
    for axes in (by_size, by_neighbours):
        axes.set_xscale("log", base=2)
    beyond = max(USEFUL_TO.values()), 2 * WEIGHTS[-1]
    for axes in (by_weight, gains):
        axes.set_xscale("log")
        axes.set_xlim(0.8 * WEIGHTS[0], 1.25 * WEIGHTS[-1])
        axes.set_xlabel("weight θ")
        figures.shade_counterexample(axes, x=beyond, label=f"bound > {_first_order.NEGLIGIBLE}")
    gains.set_ylim(-0.01, 0.1)
    gains.set_ylabel("bound, or acceptance gained")
    for axes in (by_size, by_neighbours, by_weight, gains):
        figures.legend(axes, 2)
    return figure


def _draw(axes: Axes, rows: Sequence[Row], x: str) -> None:
    """Of each kind the extremal rows on their bound, and in clusters rows and the largest change of acceptance."""
    for index, kind in enumerate(KINDS):
        for family in distinct(pick(rows, kind=kind), "family"):
            mine = pick(rows, kind=kind, family=family)
            at = [place * (0.96, 1.04)[index] for place in numbers(mine, x)]
            found = _first_order.shares(mine, "measured")
            if family == "extremal":
                figures.theory_line(
                    axes, numbers(mine, x), _first_order.shares(mine, "reached"), index, f"{kind}, extremal"
                )
                figures.measured(axes, at, found, index=index, label=f"{kind}, extremal")
                continue
            low, high, changes = (_first_order.shares(mine, name) for name in ("low", "high", "acceptance_change"))
            figures.measured(axes, at, found, low, high, index + 2, f"{kind}, clusters")
            figures.measured(axes, at, changes, index=index + 4, label=f"{kind}, acceptance")


def _gains(axes: Axes, rows: Sequence[Row]) -> None:
    """The gain of the original over TLI, and the bound: decisive where it is below."""
    for index, kind in enumerate(distinct(rows, "kind")):
        mine = pick(rows, kind=kind)
        at = numbers(mine, "weight")
        figures.theory_line(axes, at, numbers(mine, "bound"), KINDS.index(kind), f"{kind}, bound")
        figures.measured(axes, at, numbers(mine, "gain"), index=index + 2, label=f"{kind}, gain over TLI")


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, and up to which weights the bounds are useful."""
    decisive = []
    for kind in distinct(rows, "kind"):
        mine = pick(rows, axis="weight", kind=kind, family="clusters")
        weights = [number(row, "weight") for row in mine if row["decisive"]]
        if weights:
            decisive.append(f"{kind} up to θ = {max(weights):g}")
    negligible = ", ".join(f"{kind} up to θ = {limit:.3g}" for kind, limit in USEFUL_TO.items())
    return (
        "First-order diffusions of sparse affinities: largest row-wise total variation from the original, and largest "
        f"change of acceptance over {_first_order.LAWS} random targets and drafts a kernel. Extremal: token 0 moves to "
        "a block of tokens and that to another, which reaches the bounds θ² (resolvent) and θ(1 − e^(−θ)) (heat) at "
        "every N, number of neighbours and weight (lines). Clusters: each token moves to tokens that rise and fall "
        f"with it; points are medians over random kernels, bars their range, over the {PLACES} likeliest tokens. A "
        f"quarter of the tokens is kept, {_first_order.MOST_KEPT} at most; N = {SIZE} and {NEIGHBOURS} entries a row "
        "where not varied (at most N/4). Random sparse affinities come near the bound: walks of one step and of two "
        "seldom meet. Hatched: the bounds are above "
        f"{_first_order.NEGLIGIBLE}; they are negligible for {negligible}, at every N. Lowest panel, cut at 0.1: the "
        "bounds and the mean gain of the original over TLI in clusters; where the bound is below the gain, the "
        f"first-order kernel surely gains too, on this grid {' and '.join(decisive) or 'nowhere'}."
    )


EXPERIMENT = Experiment(
    id="first_order_diffusion",
    title="Error of first-order diffusion kernels by size, neighbours and weight",
    claims=("diffusion-first-order", "lipschitz"),
    shows="Rows and acceptance of first-order diffusions against their bounds, and the bounds against the gain.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
