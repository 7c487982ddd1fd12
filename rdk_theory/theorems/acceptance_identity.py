"""``acceptance-identity``: the probability of acceptance is the overlap of target and proposal."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate, residual_weights, total_variation
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source


def _laws(source: Source) -> Instance:
    size = source.size(1, 6)
    return {"p": source.distribution(size), "r": source.distribution(size)}


def _rational_laws(source: Source) -> Instance:
    size = source.size(1, 6)
    return {"p": source.rational_distribution(size), "r": source.rational_distribution(size)}


def _trial(p: np.ndarray, r: np.ndarray) -> Any:
    return _roads.acceptance_by_trial(p, r)


CLAIM = Claim(
    id="acceptance-identity",
    title="Acceptance is overlap",
    section="A",
    statement=(
        r"P[\text{accept}] = \alpha(p, r) = \sum_t \min(p_t, r_t) = 1 - \mathrm{TV}(p, r) = 1 - \sum_t (r_t - p_t)_+; "
        r"\text{ it is 1 iff } p = r \text{ and 0 iff the supports are disjoint}"
    ),
    source="Leviathan et al. 2211.17192, Chen et al. 2302.01318",
    clauses=(
        Clause(
            name="overlap",
            kind=Kind.IDENTITY,
            statement=r"\sum_x r_x \min(1, p_x/r_x) = \sum_t \min(p_t, r_t)",
            build=_laws,
            stated=lambda p, r: acceptance_rate(p, r),
            measured=_trial,
            controls=(Control("larger of the two", stated=lambda p, r: np.maximum(p, r).sum()),),
            grid_denominator=5,
        ),
        Clause(
            name="total variation",
            kind=Kind.IDENTITY,
            statement=r"P[\text{accept}] = 1 - \mathrm{TV}(p, r)",
            build=_laws,
            stated=lambda p, r: 1 - total_variation(p, r),
            measured=_trial,
            controls=(Control("unhalved distance", stated=lambda p, r: 1 - np.abs(p - r).sum()),),
            grid_denominator=5,
        ),
        Clause(
            name="over-coverage",
            kind=Kind.IDENTITY,
            statement=r"P[\text{accept}] = 1 - \sum_t (r_t - p_t)_+",
            build=_laws,
            stated=lambda p, r: 1 - residual_weights(r, p).sum(),
            measured=_trial,
            controls=(Control("both sides of the difference", stated=lambda p, r: 1 - np.abs(r - p).sum()),),
            grid_denominator=5,
        ),
        Clause(
            name="extremes",
            kind=Kind.IDENTITY,
            statement=r"P[\text{accept}] = 1 \iff p = r; \quad P[\text{accept}] = 0 \iff p_t r_t = 0 \;\forall t",
            build=_rational_laws,
            stated=lambda p, r: np.array([(p == r).all(), (p * r == 0).all()]),
            measured=lambda p, r: np.array([_trial(p, r) == 1, _trial(p, r) == 0]),
            controls=(
                Control("same support", stated=lambda p, r: np.array([((p > 0) == (r > 0)).all(), (p * r == 0).all()])),
            ),
            grid_denominator=5,
        ),
    ),
)
