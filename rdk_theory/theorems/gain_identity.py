"""``gain-identity``: what a proposal wins over another, split into what it gives and what it takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_gain
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source


def _laws(source: Source) -> Instance:
    size = source.size(1, 6)
    return {name: source.distribution(size) for name in ("p", "r", "q")}


def _tied(source: Source) -> Instance:
    """A draft that is the target, or one of its rotations: many tokens with ``p = q'``."""
    size = source.size(1, 6)
    p, r = source.distribution(size), source.distribution(size)
    return {"p": p, "r": r, "q": np.roll(p, source.pick((0, 1)))}


def _kernel(source: Source) -> Instance:
    size = source.size(1, 5)
    kept = source.kept(size)
    matrix = source.distributions(len(kept), size)
    return {"p": source.distribution(size), "draft": source.distribution(len(kept)), "kept": kept, "matrix": matrix}


def _gain(p: np.ndarray, r: np.ndarray, q: np.ndarray) -> Any:
    return _roads.acceptance_by_trial(p, r) - _roads.acceptance_by_trial(p, q)


def _split(p: np.ndarray, r: np.ndarray, q: np.ndarray) -> Any:
    won, lost = acceptance_gain(p, r, q)
    return won - lost


def _ties_to_the_under_covered(p: np.ndarray, r: np.ndarray, q: np.ndarray) -> Any:
    under = p >= q
    return (np.minimum(p, r) - q)[under].sum() - np.maximum(p - r, 0)[~under].sum()


def _kernel_split(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, matrix: np.ndarray) -> Any:
    base = np.array(_roads.embedded(draft, kept, len(p)), dtype=draft.dtype)
    return _split(p, draft @ matrix, base)


def _kernel_gain(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, matrix: np.ndarray) -> Any:
    """Two-stage draws played out: draft `i`, move to `x`, accept with ``min(1, p_x / p̃_x)``; or leave `i` in place."""
    proposal = _roads.times(draft, matrix)
    moved = sum(
        draft[i] * matrix[i, x] * min(1, p[x] / proposal[x])
        for i in range(len(draft))
        for x in range(len(p))
        if draft[i] * matrix[i, x] > 0
    )
    stayed = sum(q * min(1, p[token] / q) for q, token in zip(draft, kept, strict=True) if q > 0)
    return moved - stayed


CLAIM = Claim(
    id="gain-identity",
    title="Gain over TLI is what is given less what is taken",
    section="C",
    statement=(
        r"\alpha(p, \tilde p) - \alpha(p, q')"
        r" = \sum_{p > q'} [\min(p, \tilde p) - q'] - \sum_{p \le q'} (p - \tilde p)_+"
    ),
    clauses=(
        Clause(
            name="identity",
            kind=Kind.IDENTITY,
            statement=(
                r"\alpha(p, r) - \alpha(p, q') = \sum_{p > q'} [\min(p, r) - q'] - \sum_{p \le q'} (p - r)_+"
                r"\quad\text{for all } p, q', r \in \Delta(T)"
            ),
            build=_laws,
            stated=_split,
            measured=_gain,
            controls=(
                Control("nothing is lost", stated=lambda p, r, q: acceptance_gain(p, r, q)[0]),
                Control(
                    "more than p counts as won",
                    stated=lambda p, r, q: np.where(p > q, r - q, np.minimum(r - p, 0)).sum(),
                ),
            ),
            grid_denominator=3,
        ),
        Clause(
            name="ties",
            kind=Kind.IDENTITY,
            statement=r"\text{tokens with } p = q' \text{ may be counted on either side}",
            build=_tied,
            stated=_ties_to_the_under_covered,
            measured=_gain,
            controls=(
                Control(
                    "ties counted nowhere",
                    stated=lambda p, r, q: (np.minimum(p, r) - q)[p > q].sum() - np.maximum(p - r, 0)[p < q].sum(),
                ),
            ),
            grid_denominator=3,
        ),
        Clause(
            name="kernel",
            kind=Kind.IDENTITY,
            statement=r"P[\text{accept a two-stage draw } i \sim q',\, x \sim M_i] - P[\text{accept } i] = "
            r"\text{the same with } r = q' M",
            build=_kernel,
            stated=_kernel_split,
            measured=_kernel_gain,
            controls=(
                Control(
                    "the test reads the draft's row only",
                    measured=lambda p, draft, kept, matrix: _kernel_gain(p, draft[:1] * 0 + 1, kept[:1], matrix[:1]),
                ),
            ),
            grid_size=2,
            grid_denominator=4,
        ),
    ),
    remarks=(
        "The identity holds term by term for any vectors on one vocabulary: it needs neither a kernel, nor a "
        "restricted draft, nor unit sums.",
    ),
)
