"""What the experiments on first-order kernels share: how far one is from its original, and where its bound is useful.

The bound is called useful for a kernel in two cases. It is *negligible* where it is at most `NEGLIGIBLE`: acceptance
then changes by no more than one point in a hundred, whatever target and drafter. It is *decisive* where it is below the
gain that the original brings over TLI on the laws at hand: the first-order kernel then surely gains too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rdk_theory import ensembles, restrict, tolerances
from rdk_theory.acceptance import acceptance_rate, total_variation
from rdk_theory.distributions import embed
from rdk_theory.kernels import Diffusion, SoftmaxCovariance
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary
from simulations._rows import number

NEGLIGIBLE = 0.01
"""Largest change of acceptance that is called negligible."""
LAWS = 20
"""Targets and drafts on which acceptance is compared, for each kernel."""
MOST_KEPT = 64
"""Kept tokens at most: the original costs `K N`, and every row is looked at."""
SIZES = (8, 32, 128, 512, 2048, 8192, 32768)


class Laws(NamedTuple):
    """Kept tokens, and laws of one ensemble of low rank: some to fit on and others to compare acceptance on."""

    vocab: Vocabulary
    fitted: np.ndarray
    targets: np.ndarray
    drafts: np.ndarray
    """Restricted."""
    clusters: int
    """Tokens that are equal modulo this number rise and fall together."""


def laws(rng: np.random.Generator, size: int, fitted: int = 0) -> Laws:
    """The likeliest quarter of the tokens is kept, `MOST_KEPT` at most; two thirds of a drafter's logits are noise."""
    clusters = min(32, size // 4)
    drawn = ensembles.low_rank_softmax(rng, fitted + LAWS, size, clusters=clusters)
    vocab = Vocabulary(size, np.arange(min(size // 4, MOST_KEPT)))
    drafts = restrict(drawn.drafts[fitted:], vocab)
    return Laws(vocab, drawn.targets[:fitted], drawn.targets[fitted:], drafts, clusters)


class Found(NamedTuple):
    """One kernel beside its first-order form."""

    distance: float
    """Largest row-wise total variation between the two."""
    moved: float
    """Largest row-wise total variation between the original and its form of order zero."""
    change: float
    """Largest change of acceptance over the laws."""
    gain: float
    """Mean acceptance of the original less that of TLI."""
    bound: float


def compare(original: SoftmaxCovariance | Diffusion, zero: np.ndarray, places: np.ndarray, laws: Laws) -> Found:
    """Rows at `places`, of which `zero` has those of order zero, and acceptance on the laws."""
    approximation = original.first_order()
    rows = original.row(places)
    rate, changed = (acceptance_rate(laws.targets, k.redistribute(laws.drafts)) for k in (original, approximation))
    return Found(
        distance=float(total_variation(rows, approximation.row(places)).max()),
        moved=float(total_variation(rows, np.broadcast_to(zero, rows.shape)).max()),
        change=float(np.abs(rate - changed).max()),
        gain=float((rate - acceptance_rate(laws.targets, embed(laws.drafts, laws.vocab))).mean()),
        bound=approximation.error_bound,
    )


def columns(found: Sequence[Found], reached: float | None) -> Row:
    """Over random kernels: median and range of the distance, the largest change, the bound, and where it is useful."""
    distance, bound = [each.distance for each in found], max(each.bound for each in found)
    gain = float(np.mean([each.gain for each in found]))
    return {
        "kernels": len(found),
        "measured": float(np.median(distance)),
        "low": min(distance),
        "high": max(distance),
        "acceptance_change": max(each.change for each in found),
        "moved": float(np.median([each.moved for each in found])),
        "bound": bound,
        "reached": reached,
        "gain": gain,
        "negligible": bound <= NEGLIGIBLE,
        "decisive": bound < gain,
    }


def violations(row: Row, where: str, bound: float) -> list[str]:
    """What of the theory a row of `columns` contradicts; `bound` is the closed form at the row's parameter."""
    lines = []
    stated = number(row, "bound") + tolerances.EXACT
    if number(row, "high") > stated:
        lines.append(f"a row is further away than the bound: {where}")
    if number(row, "acceptance_change") > stated:
        lines.append(f"acceptance changes by more than the bound: {where}")
    if abs(number(row, "bound") - bound) > tolerances.EXACT:
        lines.append(f"the bound is not its closed form: {where}")
    if row["reached"] is not None and abs(number(row, "high") - number(row, "reached")) > tolerances.EXACT:
        lines.append(f"the extremal family is not as far as its closed form: {where}")
    if row["negligible"] != (number(row, "bound") <= NEGLIGIBLE):
        lines.append(f"negligible is not that of the bound: {where}")
    if row["decisive"] != (number(row, "bound") < number(row, "gain")):
        lines.append(f"decisive is not that of bound and gain: {where}")
    return lines


def shares(rows: Sequence[Row], name: str) -> list[float]:
    """A column as a share of the bound."""
    return [number(row, name) / number(row, "bound") for row in rows]


def useful_to(bound: Callable[[float], float]) -> float:
    """The largest parameter in (0, 1] at which a rising `bound` is negligible, by bisection."""
    low, high = 0.0, 1.0
    while high - low > tolerances.EXACT:
        middle = (low + high) / 2
        low, high = (middle, high) if bound(middle) <= NEGLIGIBLE else (low, middle)
    return low


def temperature_at(widest: float, s: float) -> float:
    """The temperature at which deviations of `widest` are `s`, raised by roundings until they are no more."""
    temperature = widest / s
    while widest / temperature > s:
        temperature = math.nextafter(temperature, math.inf)
    return temperature
