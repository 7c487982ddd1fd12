"""Distance of first-order kernels from those they stand for, against its bound, and families that reach it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures, tolerances
from rdk_theory.acceptance import acceptance_rate, total_variation
from rdk_theory.kernels import Diffusion, SoftmaxCovariance
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary
from simulations import _first_order
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import distinct, number, numbers, pick

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STRENGTHS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
"""``s`` of the softmax kernel, ``θ`` of the diffusion kernels."""
SIZES = (8, 64)
TICKS = (0.05, 0.1, 0.2, 0.4, 0.8)
KINDS = ("softmax", "resolvent", "heat")
BOUNDS: dict[str, Callable[[float], float]] = {
    "softmax": lambda s: s**2 / 8,
    "resolvent": lambda theta: theta**2,
    "heat": lambda theta: theta * (1 - math.exp(-theta)),
}
"""The sharp constants, in closed form."""
USEFUL_TO = {kind: _first_order.useful_to(bound) for kind, bound in BOUNDS.items()}
"""Strength up to which the bound is negligible, at most 0.01, for any kernel."""

Pair = SoftmaxCovariance | Diffusion


def parameters(options: Options) -> list[Setting]:
    """For each kind of kernel random ones of two sizes, and the family that reaches the constant of the bound."""
    instances = 5 if options.quick else 20
    return [
        {"kind": kind, "family": family, "size": size, "instances": count}
        for kind in KINDS
        for family, size, count in (("extremal", 0, 1), *(("random", size, instances) for size in SIZES))
    ]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """For each strength the row-wise distance and the change of acceptance, over all instances."""
    kind, family, size = setting["kind"], setting["family"], setting["size"]
    kernels, laws = rng.spawn(2)
    make = _EXTREMAL[kind] if family == "extremal" else _RANDOM[kind]
    rows: list[Row] = []
    for strength in STRENGTHS:
        distances, changes, bound = [], [], 0.0
        for _ in range(setting["instances"]):
            kernel = make(strength, size, kernels)
            approximation = kernel.first_order()
            bound = max(bound, approximation.error_bound)
            places = np.arange(kernel.vocab.kept_size)
            distances.append(total_variation(kernel.row(places), approximation.row(places)).max())
            target = laws.dirichlet(np.full(kernel.vocab.size, 0.3), size=_first_order.LAWS)
            draft = laws.dirichlet(np.full(kernel.vocab.kept_size, 0.3), size=_first_order.LAWS)
            rates = [acceptance_rate(target, k.redistribute(draft)) for k in (kernel, approximation)]
            changes.append(np.abs(rates[0] - rates[1]).max())
        rows.append(
            {
                "kind": kind,
                "family": family,
                "size": kernel.vocab.size,
                "strength": strength,
                "measured": float(np.median(distances)),
                "low": min(distances),
                "high": max(distances),
                "acceptance_change": max(changes),
                "bound": bound,
                "jensen_bound": 1 - 1 / math.cosh(strength) if kind == "softmax" else None,
                "negligible": bound <= _first_order.NEGLIGIBLE,
                "useful_to": USEFUL_TO[kind],
                "reached": _REACHED[kind](getattr(kernel, "spread", strength)) if family == "extremal" else None,
            }
        )
    return rows


def _random_softmax(s: float, size: int, rng: np.random.Generator) -> SoftmaxCovariance:
    """The covariance of a few random target laws, at the temperature at which its spread is `s`."""
    laws = rng.dirichlet(np.full(size, 0.5), size=4 * size)
    vocab = Vocabulary(size, rng.permutation(size)[: size // 4])
    covariance = np.cov(laws.T, bias=True)
    covariance = (covariance + covariance.T) / 2
    widest = SoftmaxCovariance(vocab, covariance, 1.0).spread
    return SoftmaxCovariance(vocab, covariance, _first_order.temperature_at(widest, s))


def _three_point(s: float, size: int, rng: np.random.Generator) -> SoftmaxCovariance:
    """Every row has deviations 0 on half of the tokens and ±s on a quarter each."""
    row = np.array([1.0, 0.0, -1.0, 0.0])
    covariance = np.stack([np.roll(row, shift) for shift in range(4)])
    return SoftmaxCovariance(Vocabulary.full(4), covariance, _first_order.temperature_at(1.0, s))


def _random_diffusion(kind: str) -> Callable[[float, int, np.random.Generator], Diffusion]:
    def make(theta: float, size: int, rng: np.random.Generator) -> Diffusion:
        affinity = rng.dirichlet(np.full(size, 0.1), size=size)
        return Diffusion(Vocabulary(size, rng.permutation(size)[: size // 4]), affinity, theta, kind)

    return make


def _chain(kind: str) -> Callable[[float, int, np.random.Generator], Diffusion]:
    def make(theta: float, size: int, rng: np.random.Generator) -> Diffusion:
        """Token 0 moves to 1, 1 to 2, 2 stays: after two steps or more a walk is where no walk of one step is."""
        affinity = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
        return Diffusion(Vocabulary.full(3), affinity, theta, kind)

    return make


_RANDOM: dict[str, Callable[[float, int, np.random.Generator], Pair]] = {
    "softmax": _random_softmax,
    "resolvent": _random_diffusion("resolvent"),
    "heat": _random_diffusion("heat"),
}
_EXTREMAL: dict[str, Callable[[float, int, np.random.Generator], Pair]] = {
    "softmax": _three_point,
    "resolvent": _chain("resolvent"),
    "heat": _chain("heat"),
}
_REACHED: dict[str, Callable[[float], float]] = {
    "softmax": lambda s: math.tanh(s / 2) ** 2 / 2,
    "resolvent": BOUNDS["resolvent"],
    "heat": BOUNDS["heat"],
}
"""Distance in the extremal families, in closed form."""


def check(rows: Sequence[Row]) -> list[str]:
    """No row and no acceptance rate is further away than the bound; the extremal families reach what they should."""
    lines = []
    for row in rows:
        where = f"{row['kind']}, {row['family']}, N = {row['size']}, strength {row['strength']}"
        bound = number(row, "bound") + tolerances.EXACT
        strength = number(row, "strength")
        if abs(number(row, "bound") - BOUNDS[str(row["kind"])](strength)) > tolerances.EXACT:
            lines.append(f"the bound is not its closed form: {where}")
        if row["negligible"] != (strength <= number(row, "useful_to")):
            lines.append(f"the strength up to which the bound is negligible is wrong: {where}")
        if number(row, "high") > bound:
            lines.append(f"a row is further away than the bound: {where}")
        if number(row, "acceptance_change") > bound:
            lines.append(f"acceptance changes by more than the bound: {where}")
        if row["reached"] is not None and abs(number(row, "measured") - number(row, "reached")) > tolerances.EXACT:
            lines.append(f"the extremal family is not as far as its closed form: {where}")
        if row["jensen_bound"] is not None and number(row, "bound") > number(row, "jensen_bound") + tolerances.EXACT:
            lines.append(f"the bound is above 1 − 1/cosh s: {where}")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Above the softmax kernel, below the two diffusions, on logarithmic axes."""
    figure, (above, below) = figures.canvas(2, height=2.6)
    softmax = pick(rows, kind="softmax")
    extremal = pick(softmax, family="extremal")
    s = numbers(extremal, "strength")
    figures.theory_line(above, s, numbers(extremal, "jensen_bound"), None, "1 − 1/cosh s")
    figures.theory_line(above, s, numbers(extremal, "bound"), 0, "bound s²/8")
    figures.theory_line(above, s, numbers(extremal, "reached"), 1, "three points")
    figures.measured(above, s, numbers(extremal, "measured"), index=1, label="three points")
    for index, size in enumerate(distinct(pick(softmax, family="random"), "size"), 2):
        mine = pick(softmax, family="random", size=size)
        low, high = numbers(mine, "low"), numbers(mine, "high")
        figures.measured(above, s, numbers(mine, "measured"), low, high, index, f"random, N = {size}")
        if size == SIZES[0]:
            figures.measured(above, s, numbers(mine, "acceptance_change"), index=4, label=f"acceptance, N = {size}")
    for index, kind in enumerate(("resolvent", "heat")):
        chain = pick(rows, kind=kind, family="extremal")
        theta = numbers(chain, "strength")
        figures.theory_line(below, theta, _over_square(chain, "bound"), index, f"{kind}, chain")
        figures.measured(below, theta, _over_square(chain, "measured"), index=index, label=f"{kind}, chain")
        small = pick(rows, kind=kind, size=SIZES[0])
        beside = [value * (0.97, 1.03)[index] for value in numbers(small, "strength")]
        points, low, high = (_over_square(small, name) for name in ("measured", "low", "high"))
        figures.measured(below, beside, points, low, high, index + 2, f"{kind}, random")
        figures.measured(
            below, beside, _over_square(small, "acceptance_change"), index=index + 4, label=f"{kind}, acceptance"
        )
    above.set_xlabel("largest centred entry s")
    below.set_xlabel("weight θ")
    above.set_yscale("log")
    above.set_ylabel("total variation, worst row")
    below.set_ylabel("total variation / θ²")
    below.set_ylim(bottom=0)
    for axes, useful in zip((above, below), (USEFUL_TO["softmax"], USEFUL_TO["heat"]), strict=True):
        figures.shade_counterexample(axes, x=(useful, 1.05), label=f"bound > {_first_order.NEGLIGIBLE}")
        axes.set_xscale("log")
        axes.set_xlim(0.045, 1.05)
        axes.set_xticks(TICKS, [f"{strength:g}" for strength in TICKS])
        axes.minorticks_off()
        figures.legend(axes)
    return figure


def _over_square(rows: Sequence[Row], name: str) -> list[float]:
    """A column divided by the square of the strength."""
    return [number(row, name) / number(row, "strength") ** 2 for row in rows]


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the largest share of the bound that acceptance used."""
    limits = ", ".join(f"{value:.3g} ({kind})" for kind, value in USEFUL_TO.items())
    used = max(number(row, "acceptance_change") / number(row, "bound") for row in rows)
    return (
        "Largest row-wise total variation between a kernel and its first-order form. Above: softmax kernels whose "
        "centred entries reach |x| = s; the bound s²/8 is a quarter of the simpler 1 − 1/cosh s (dotted) for small s, "
        "and rows with deviations 0 on half of the tokens and ±s on a quarter each come as near to it as "
        "½ tanh²(s/2). Below: diffusions of weight θ; the chain 0 → 1 → 2 reaches the bounds θ² "
        "(resolvent) and θ(1 − e^(−θ)) (heat) exactly, for every θ. Points: median over random kernels (covariances of "
        f"Dirichlet laws; Dirichlet affinities on {SIZES[0]} tokens), bars their range. The same bounds hold for "
        "acceptance, whatever target and draft; on random ones "
        f"it changed by at most {100 * used:.0f} % of the bound (largest change over random kernels, "
        f"{_first_order.LAWS} laws each). Hatched: the bound is above {_first_order.NEGLIGIBLE}; up to {limits} no "
        "target and drafter can tell the first-order kernel apart by more than that in acceptance."
    )


EXPERIMENT = Experiment(
    id="first_order_error",
    title="Error of first-order kernels against its bound",
    claims=("softmax-first-order", "diffusion-first-order", "lipschitz"),
    shows="Row-wise distance of first-order kernels by expansion parameter, against the bounds.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
