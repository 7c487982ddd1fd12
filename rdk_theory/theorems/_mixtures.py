"""Instances and enumerated roads for the claims on mixing a draft with a prior, ``(1−θ) q' + θ r``."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.distributions import embed
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def contexts(source: Source, rational: bool = False, single: bool = False) -> Instance:
    """Targets `p`, drafts `q` and proposals `r` in one or several contexts: shape ``(contexts, tokens)``.

    Two contexts on the grid if it has two tokens, one if it has three or `single` is asked for.
    """
    law = source.rational_distribution if rational else source.distribution
    size = source.size(2, 6)
    count = source.size(1, 4) if not source.exact else 1 if single or size > 2 else 2
    out = {name: np.stack([law(size) for _ in range(count)]) for name in ("p", "q", "r")}
    if not source.exact and source.pick((True, False, False, False)):
        out["r"] = out["q"].copy()  # the boundary case: nothing moves
    return out


def cold_prior(source: Source, rational: bool = False) -> Instance:
    """A target `p`, a `draft` on the `kept` tokens, a `prior` on the cold ones, and a `weight`."""
    law = source.rational_distribution if rational else source.distribution
    size = source.size(2, 6)
    kept = source.kept(size, 1, size - 1)
    cold = np.setdiff1d(np.arange(size), kept)
    target, draft = law(size), law(len(kept))
    prior = draft[:1].repeat(size) * 0
    prior[cold] = law(len(cold))
    if not source.exact and source.pick((True, False)):  # all cold mass on one token: most priors waste
        target[cold[0]], target[cold[1:]] = target[cold].sum(), target[0] * 0
    weight = source.weight()
    return {
        "p": target,
        "draft": draft,
        "kept": kept,
        "prior": prior,
        "weight": Fraction(weight) if rational else weight,
    }


def rational_cold_prior(source: Source) -> Instance:
    """`cold_prior` in rationals from any source, for clauses on truth values."""
    return cold_prior(source, rational=True)


def rational_contexts(source: Source) -> Instance:
    """`contexts` in rationals from any source, for clauses on truth values."""
    return contexts(source, rational=True)


def is_cold(kept: np.ndarray, size: int) -> list[bool]:
    """For each token whether it is cold, by looking it up."""
    ids = set(kept.tolist())
    return [t not in ids for t in range(size)]


# The package's road: a kernel, its proposal, the acceptance rate.


def kernel_acceptance(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    """``α(p, (1−θ) q' + θ π)`` through the rank-one kernel."""
    return acceptance_rate(p, RankOne(Vocabulary(len(p), kept), weight, prior).redistribute(draft))


def kept_acceptance(p: np.ndarray, draft: np.ndarray, kept: np.ndarray) -> Any:
    """``α(p, q')`` of the restricted draft."""
    return acceptance_rate(p, embed(draft, Vocabulary(len(p), kept)))


# The other road: loops over tokens.


def whole(draft: np.ndarray, kept: np.ndarray, size: int) -> np.ndarray:
    """The draft as a row over the target vocabulary, placed by a loop."""
    return np.array(_roads.embedded(draft, kept, size))


def mixed(q: _roads.Row, r: _roads.Row, weight: Any) -> list[Any]:
    """``(1−θ) q' + θ r``, entry by entry."""
    return [(1 - weight) * a + weight * b for a, b in zip(q, r, strict=True)]


def value(p: np.ndarray, q: np.ndarray, r: np.ndarray, weight: Any) -> Any:
    """``f(θ)``: mean over contexts of the overlap, by loops."""
    rows = list(zip(np.atleast_2d(p), np.atleast_2d(q), np.atleast_2d(r), strict=True))
    return sum(_roads.overlap(a, mixed(b, c, weight)) for a, b, c in rows) / len(rows)


def cold_value(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    """``α(θ)`` of a draft on `kept` mixed with a prior, by loops."""
    return value(p, whole(draft, kept, len(p)), prior, weight)


def bends(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> list[Any]:
    """0, 1, and every weight between at which some ``min(p, (1−θ) q' + θ r)`` changes sides; ascending."""
    rows = zip(np.ravel(p), np.ravel(q), np.ravel(r), strict=True)
    inside = {(a - b) / (c - b) for a, b, c in rows if c != b}
    zero = np.ravel(p)[0] * 0
    return sorted({zero, zero + 1} | {w for w in inside if 0 < w < 1})


def slope_by_trial(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    """``(f(h) − f(0)) / h`` for an `h` so small that no term has bent: below one over the common denominator."""
    h = Fraction(1, lcm(*(x.denominator for x in (p - q).ravel())) + 1)
    return (value(p, q, r, h) - value(p, q, r, Fraction(0))) / h


def best_by_trial(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    """``max_θ f(θ)``: a concave polygon has its top at a bend, and every bend is tried."""
    return max(value(p, q, r, w) for w in bends(p, q, r))
