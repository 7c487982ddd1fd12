"""``tli-beats-union``: conditioning the draft on shared tokens never accepts less than rejecting foreign ones."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate, union_acceptance
from rdk_theory.distributions import embed, kept_mass, restrict
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._restricted import (
    accepted,
    conditioned,
    rational_restricted,
    restricted,
    shared,
    vocabulary,
)


def _tli(**instance: np.ndarray) -> Any:
    vocab = vocabulary(**instance)
    return acceptance_rate(instance["p"], embed(restrict(instance["full"], vocab), vocab))


def _union(**instance: np.ndarray) -> Any:
    return union_acceptance(instance["p"], instance["full"], vocabulary(**instance))


def _tli_played(p: np.ndarray, **draft: np.ndarray) -> Any:
    return accepted(p, conditioned(**draft))


def _union_played(p: np.ndarray, **draft: np.ndarray) -> Any:
    return accepted(p, shared(**draft))


def _gain_played(p: np.ndarray, **draft: np.ndarray) -> Any:
    return _tli_played(p, **draft) - _union_played(p, **draft)


def _mass(**instance: np.ndarray) -> Any:
    return kept_mass(instance["full"], vocabulary(**instance))


def _pruned(**instance: np.ndarray) -> bool:
    """Some mass of the full draft is on foreign tokens, without a sum: rounding-free."""
    return bool((np.delete(instance["full"], instance["draft_ids"]) > 0).any())


def _some_token_gains(**instance: np.ndarray) -> bool:
    q, p = instance["full"][instance["draft_ids"]], instance["p"][instance["kept"]]
    return _pruned(**instance) and bool(((q > 0) & (q < p)).any())


def _all_is_used(**instance: np.ndarray) -> bool:
    q, p = restrict(instance["full"], vocabulary(**instance)), instance["p"][instance["kept"]]
    return not _pruned(**instance) or bool((q <= p).all())


def _instance(p: list[int], full: list[int], kept: list[int], draft_ids: list[int]) -> Instance:
    rows = {
        name: np.array([Fraction(n, sum(row)) for n in row], dtype=object) for name, row in (("p", p), ("full", full))
    }
    return rows | {"kept": np.array(kept), "draft_ids": np.array(draft_ids)}


CLAIM = Claim(
    id="tli-beats-union",
    title="Restricting the draft beats rejecting foreign tokens",
    section="B",
    statement=(
        r"\sum_I \min(p, q) \le \alpha(p, q') \le \min\Bigl(\sum_I \min(p, q) + q(D \setminus I),\; "
        r"\frac{1}{q(I)} \sum_I \min(p, q)\Bigr) \text{ for } q' = q(\cdot \mid I); \text{ the first is strict iff }"
        r" q(I) < 1 \text{ and } 0 < q_t < p_t \text{ for some } t \in I; \text{ the whole foreign mass is gained iff }"
        r" q' \le p \text{ on } I \text{ or } q(I) = 1"
    ),
    clauses=(
        Clause(
            name="at least the union",
            kind=Kind.TIGHT_LOWER,
            statement=r"\alpha(p, q') \ge \sum_{t \in I} \min(p_t, q_t)",
            build=restricted,
            stated=_union,
            measured=_tli_played,
            controls=(
                Control("the union scaled up", stated=lambda **instance: _union(**instance) / _mass(**instance)),
                Control("below instead", kind=Kind.UPPER),
            ),
            attained=lambda: _instance([1, 1, 1], [3, 2, 1], [0, 1], [0, 1]),
            grid_denominator=2,
        ),
        Clause(
            name="strictness",
            kind=Kind.IDENTITY,
            statement=r"\alpha(p, q') > \sum_I \min(p, q) \iff q(I) < 1 \text{ and } \exists t \in I:\; 0 < q_t < p_t",
            build=rational_restricted,
            stated=_some_token_gains,
            measured=lambda **instance: bool(_gain_played(**instance) > 0),
            controls=(
                Control("whenever the draft is pruned", stated=_pruned),
                Control(
                    "also where the token cannot be drafted",
                    stated=lambda **instance: (
                        _pruned(**instance)
                        and bool((instance["full"][instance["draft_ids"]] < instance["p"][instance["kept"]]).any())
                    ),
                ),
            ),
        ),
        Clause(
            name="at most the foreign mass",
            kind=Kind.TIGHT_UPPER,
            statement=r"\alpha(p, q') - \sum_I \min(p, q) \le q(D \setminus I)",
            build=restricted,
            stated=lambda **instance: 1 - _mass(**instance),
            measured=_gain_played,
            controls=(Control("half of it", stated=lambda **instance: (1 - _mass(**instance)) / 2),),
            attained=lambda: _instance([1, 1], [1, 1, 4], [0, 1], [0, 1]),
            grid_denominator=2,
        ),
        Clause(
            name="all foreign mass gained",
            kind=Kind.IDENTITY,
            statement=r"\alpha(p, q') - \sum_I \min(p, q) = q(D \setminus I) \iff q(I) = 1 \text{ or } q'|_I \le p",
            build=rational_restricted,
            stated=_all_is_used,
            measured=lambda **instance: bool(
                _gain_played(**instance) == sum(np.delete(instance["full"], instance["draft_ids"]))
            ),
            controls=(
                Control(
                    "before renormalisation",
                    stated=lambda **instance: bool(
                        (instance["full"][instance["draft_ids"]] <= instance["p"][instance["kept"]]).all()
                    ),
                ),
            ),
        ),
        Clause(
            name="at most in proportion",
            kind=Kind.TIGHT_UPPER,
            statement=r"q(I)\, \alpha(p, q') \le \sum_I \min(p, q)",
            build=restricted,
            stated=_union,
            measured=lambda p, **draft: sum(shared(**draft).values()) * _tli_played(p, **draft),
            controls=(Control("without the factor", measured=_tli_played),),
            attained=lambda: _instance([1, 1], [1, 1, 4], [0, 1], [0, 1]),
            grid_denominator=2,
        ),
        Clause(
            name="played out",
            kind=Kind.IDENTITY,
            statement=r"\alpha(p, q'),\; \sum_I \min(p, q) \text{ are the acceptance of the two samplers}",
            build=restricted,
            stated=lambda **instance: np.array([_tli(**instance), _union(**instance)]),
            measured=lambda **instance: np.array([_tli_played(**instance), _union_played(**instance)]),
            controls=(
                Control(
                    "renormalised after acceptance",
                    stated=lambda **instance: np.array([_union(**instance) / _mass(**instance), _union(**instance)]),
                ),
            ),
            grid_denominator=2,
        ),
    ),
    remarks=(
        "The drafter's vocabulary need not lie in the target's: foreign tokens are those of the drafter that the "
        "target lacks, or, with one vocabulary, those that pruning removed.",
        "A draft without mass on shared tokens has no restriction, and the package raises; union then accepts nothing.",
    ),
)
