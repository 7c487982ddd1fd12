"""``rank-one``: mixing with a prior is an exact member of the kernel family, in linear time."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.theorems import _mixtures, _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _instance(source: Source) -> Instance:
    """Any prior over the target vocabulary, on kept tokens too, and kept ids in any order."""
    size = source.size(1, 6)
    kept = source.kept(size)
    return {
        "draft": source.distribution(len(kept)),
        "kept": kept,
        "prior": source.distribution(size),
        "weight": source.weight(),
    }


def _matrix(draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> np.ndarray:
    """``(1−θ) E_I + θ 1 πᵀ``, entry by entry."""
    rows = range(len(kept))
    return np.array([[(1 - weight) * (kept[i] == j) + weight * x for j, x in enumerate(prior)] for i in rows])


def _proposal(draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> Any:
    return RankOne(Vocabulary(len(prior), kept), weight, prior).redistribute(draft)


def _times(draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> np.ndarray:
    return np.array(_roads.times(draft, _matrix(draft, kept, prior, weight)))


def _entries(draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any, axis: int = 0) -> np.ndarray:
    """The whole kernel as the package reads it: by rows (axis 0) or by columns (axis 1)."""
    kernel = RankOne(Vocabulary(len(prior), kept), weight, prior)
    if axis:
        return np.stack([kernel.column(j) for j in range(len(prior))], axis=1)
    return np.stack([kernel.row(i) for i in range(len(kept))])


def _points(draft: np.ndarray, kept: np.ndarray, prior: np.ndarray, weight: Any) -> np.ndarray:
    """``p̃`` token by token, without the proposal."""
    kernel = RankOne(Vocabulary(len(prior), kept), weight, prior)
    size = len(prior)
    return np.asarray(kernel.probability(np.tile(draft, (size, 1)), np.arange(size)))


CLAIM = Claim(
    id="rank-one",
    title="Mixing with a prior is an exact kernel",
    section="D",
    statement=(
        r"M = (1-\theta) E_I + \theta \mathbf 1 \pi^\top \text{ is row-stochastic},"
        r"\quad q' M = (1-\theta) q' + \theta \pi"
    ),
    clauses=(
        Clause(
            name="proposal",
            kind=Kind.IDENTITY,
            statement=r"q' M = (1-\theta) q' + \theta \pi",
            build=_instance,
            stated=_proposal,
            measured=_times,
            controls=(
                Control(
                    "kept ids taken as sorted",
                    measured=lambda draft, kept, prior, weight: _times(draft, np.sort(kept), prior, weight),
                ),
                Control(
                    "weights exchanged",
                    measured=lambda draft, kept, prior, weight: _times(draft, kept, prior, 1 - weight),
                ),
            ),
        ),
        Clause(
            name="row-stochastic",
            kind=Kind.IDENTITY,
            statement=r"\sum_j M_{ij} = 1,\ M_{ij} = (1-\theta)[i = j] + \theta \pi_j, \text{ read by rows}",
            build=_instance,
            stated=lambda **x: np.column_stack([_entries(**x), _entries(**x).sum(axis=1)]),
            measured=lambda **x: np.column_stack([_matrix(**x), 0 * x["draft"] + 1]),
            controls=(
                Control(
                    "weights exchanged",
                    measured=lambda **x: np.column_stack(
                        [_matrix(**{**x, "weight": 1 - x["weight"]}), 0 * x["draft"] + 1]
                    ),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="columns",
            kind=Kind.IDENTITY,
            statement=r"M \text{ read by columns}",
            build=_instance,
            stated=lambda **x: _entries(**x, axis=1),
            measured=_matrix,
            controls=(
                Control(
                    "the first row for all",
                    measured=lambda **x: np.tile(_matrix(**x)[:1], (len(x["kept"]), 1)),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="one token",
            kind=Kind.IDENTITY,
            statement=r"\tilde p_x = (1-\theta) q'_x + \theta \pi_x \text{ by two look-ups}",
            build=_instance,
            stated=_points,
            measured=lambda draft, kept, prior, weight: np.array(
                _mixtures.mixed(_mixtures.whole(draft, kept, len(prior)), prior, weight)
            ),
            controls=(
                Control(
                    "the prior alone",
                    measured=lambda draft, kept, prior, weight: prior,
                ),
            ),
            grid_denominator=2,
        ),
    ),
    remarks=("Its cost, N + K products and K + 1 additions, is counted in claim linear-cost.",),
)
