"""``overshoot``: putting the drafter's own cold mass on a fixed prior can lower acceptance, and when it cannot."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.distributions import embed, kept_mass, restrict
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.mixing import optimal_mixing
from rdk_theory.theorems import _mixtures, _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _unpruned(source: Source, rational: bool = False) -> Instance:
    """A target `p`, a drafter `q` before pruning with mass on kept tokens, and a prior on cold ones."""
    instance = _mixtures.cold_prior(source, rational)
    size, kept = len(instance["p"]), instance["kept"]
    cold_mass = 2 * instance.pop("weight") / 3
    q = (1 - cold_mass) * _mixtures.whole(instance.pop("draft"), kept, size)
    q[Vocabulary(size, kept).cold] = cold_mass / (size - len(kept))
    return {**instance, "q": q}


def _rational(source: Source) -> Instance:
    return _unpruned(source, rational=True)


def _covering(source: Source) -> Instance:
    """Target mass above the drafter's on kept tokens goes to a cold token."""
    instance = _unpruned(source)
    p, q, kept = instance["p"].copy(), instance["q"], instance["kept"]
    covered = np.minimum(p[kept], q[kept])
    p[Vocabulary(len(p), kept).cold[0]] += (p[kept] - covered).sum()
    p[kept] = covered
    return {**instance, "p": p}


def _unwasted(source: Source) -> Instance:
    """A target that has at least the drafter's cold mass wherever the prior puts it."""
    instance = _unpruned(source)
    cold_mass = max(1 - instance["q"][instance["kept"]].sum(), 0)
    instance["p"] = (1 - cold_mass) * instance["p"] + cold_mass * instance["prior"]
    return instance


def _on_kept_tokens(source: Source) -> Instance:
    """The target is the restricted drafter: every unit of the cold mass is taken from accepted tokens."""
    instance = _mixtures.cold_prior(source)
    size, kept = len(instance["p"]), instance["kept"]
    cold_mass = (1 + instance.pop("weight")) / 3
    p = _mixtures.whole(instance.pop("draft"), kept, size)
    q = (1 - cold_mass) * p
    q[Vocabulary(size, kept).cold] = cold_mass / (size - len(kept))
    return {**instance, "p": p, "q": q}


def _right_mass_wrong_token(source: Source) -> Instance:
    """``p = (1−c, 0, c, 0)``, ``q = (x, 1−c−x, c, 0)`` with ``x < 1−c``: the cold mass is right, the prior is not."""
    c = source.open_weight()
    x = (1 - c) * source.open_weight()
    zero = 0 * c
    return {
        "p": np.array([1 - c, zero, c, zero]),
        "q": np.array([x, 1 - c - x, c, zero]),
        "kept": np.array([0, 1]),
        "prior": np.array([zero, zero, zero, zero + 1]),
    }


# The package's road: the drafter restricted, its cold mass as the weight of the rank-one kernel.


def _draft(q: np.ndarray, kept: np.ndarray) -> tuple[Vocabulary, np.ndarray, Any]:
    """The vocabulary, the restricted draft and the cold mass, which rounding may put below 0."""
    vocab = Vocabulary(len(q), kept)
    cold_mass = 1 - kept_mass(q, vocab)
    return vocab, restrict(q, vocab), max(cold_mass, 0 * cold_mass)


def _after(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    vocab, draft, cold_mass = _draft(q, kept)
    return acceptance_rate(p, RankOne(vocab, cold_mass, prior).redistribute(draft))


def _before(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    vocab, draft, _ = _draft(q, kept)
    return acceptance_rate(p, embed(draft, vocab))


def _gain(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    return _after(p, q, kept, prior) - _before(p, q, kept, prior)


def _bound(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    vocab, _, cold_mass = _draft(q, kept)
    missing = np.maximum(p[kept] - q[kept], 0).sum()
    return min(cold_mass, missing) - np.minimum(p[vocab.cold], cold_mass * prior[vocab.cold]).sum()


def _taken(p: np.ndarray, q: np.ndarray, kept: np.ndarray) -> Any:
    _, draft, _ = _draft(q, kept)
    return (np.minimum(p[kept], draft) - np.minimum(p[kept], q[kept])).sum()


def _some_prior_can_lose(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> bool:
    vocab, _, cold_mass = _draft(q, kept)
    return bool(min(min(x, cold_mass) for x in p[vocab.cold]) < _taken(p, q, kept))


def _beyond_the_safe_weight(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> bool:
    vocab, draft, cold_mass = _draft(q, kept)
    return bool(cold_mass > optimal_mixing(p, embed(draft, vocab), prior).safe_weight)


# The other road: loops over kept and cold tokens.


def _value_by_loops(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    """On kept tokens the mixture is the unpruned drafter, on cold ones its cold mass times the prior."""
    cold = _mixtures.is_cold(kept, len(p))
    cold_mass = sum(x for x, out in zip(q, cold, strict=True) if out)
    mixed = [cold_mass * r if out else x for x, r, out in zip(q, prior, cold, strict=True)]
    return _roads.overlap(p, mixed)


def _tli_by_loops(p: np.ndarray, q: np.ndarray, kept: np.ndarray) -> Any:
    mass = sum(q[t] for t in kept)
    return sum(min(p[t], q[t] / mass) for t in kept)


def _gain_by_loops(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> Any:
    return _value_by_loops(p, q, kept, prior) - _tli_by_loops(p, q, kept)


def _some_tried_prior_loses(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> bool:
    """The prior of the instance, all point masses on cold tokens, and every even mixture of two of these."""
    points = [prior]
    for token, out in enumerate(_mixtures.is_cold(kept, len(p))):
        if out:
            point = 0 * p
            point[token] += 1
            points.append(point)
    return any(_gain_by_loops(p, q, kept, (a + b) / 2) < 0 for a in points for b in points)


def _covers(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> bool:
    slack = 0 if p.dtype == object else 1e-15
    return bool((q[kept] >= p[kept] - slack).all())


def _wastes_nothing(p: np.ndarray, q: np.ndarray, kept: np.ndarray, prior: np.ndarray) -> bool:
    vocab, _, cold_mass = _draft(q, kept)
    slack = 0 if p.dtype == object else 1e-15
    return bool((cold_mass * prior[vocab.cold] <= p[vocab.cold] + slack).all())


def _all_lost() -> Instance:
    """Everything that the target emits is kept; a quarter of the draft goes elsewhere."""
    quarter, zero = Fraction(1, 4), Fraction(0)
    return {
        "p": np.array([4 * quarter, zero]),
        "q": np.array([3 * quarter, quarter]),
        "kept": np.array([0]),
        "prior": np.array([zero, 4 * quarter]),
    }


CLAIM = Claim(
    id="overshoot",
    title="The drafter's own cold mass is not a safe weight",
    section="C",
    statement=(
        r"\theta = q(C):"
        r"\quad \alpha(\theta) - \alpha(0) = \sum_C \min(p, q(C) \pi) - \sum_I [\min(p, q') - \min(p, q)]"
        r"\text{ can be negative, even with } p(C) = q(C);"
        r"\quad \alpha(0) - \alpha(\theta) \le \min\Big(q(C), \sum_I (p - q)_+\Big) - \sum_C \min(p, q(C) \pi)"
    ),
    hypotheses=(
        Hypothesis("kept tokens covered", r"q \ge p \text{ on } I", _covers, _all_lost, "covered"),
        Hypothesis("nothing wasted", r"q(C) \pi \le p \text{ on } C", _wastes_nothing, _all_lost, "not wasted"),
    ),
    clauses=(
        Clause(
            name="gain",
            kind=Kind.IDENTITY,
            statement=(r"\alpha(q(C)) - \alpha(0) = \sum_C \min(p, q(C) \pi) - \sum_I [\min(p, q') - \min(p, q)]"),
            build=_unpruned,
            stated=_gain,
            measured=_gain_by_loops,
            controls=(
                Control(
                    "the kept part is free",
                    stated=lambda p, q, kept, prior: _gain(p, q, kept, prior) + _taken(p, q, kept),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="target on kept tokens",
            kind=Kind.COUNTEREXAMPLE,
            statement=r"p = q',\ q(C) > 0:\ \alpha(q(C)) = 1 - q(C) < \alpha(0) = 1",
            build=_on_kept_tokens,
            stated=_before,
            measured=_value_by_loops,
            controls=(Control("dominance", kind=Kind.LOWER),),
            samples=50,
            grid_denominator=2,
        ),
        Clause(
            name="right mass, wrong token",
            kind=Kind.COUNTEREXAMPLE,
            statement=r"p(C) = q(C) \text{ does not prevent it}",
            build=_right_mass_wrong_token,
            stated=_before,
            measured=_value_by_loops,
            controls=(
                Control(
                    "with the right token",
                    measured=lambda p, q, kept, prior: _value_by_loops(p, q, kept, np.roll(prior, -1)),
                ),
            ),
            samples=50,
            grid_denominator=5,
        ),
        Clause(
            name="largest loss",
            kind=Kind.TIGHT_UPPER,
            statement=(r"\alpha(0) - \alpha(q(C)) \le \min\Big(q(C), \sum_I (p - q)_+\Big) - \sum_C \min(p, q(C) \pi)"),
            build=_unpruned,
            stated=_bound,
            measured=lambda **x: -_gain_by_loops(**x),
            controls=(Control("half of it", stated=lambda **x: _bound(**x) / 2),),
            attained=_all_lost,
            grid_denominator=2,
        ),
        Clause(
            name="covered",
            kind=Kind.LOWER,
            statement=r"q \ge p \text{ on } I \implies \alpha(q(C)) \ge \alpha(0) \text{ for every prior}",
            build=_covering,
            stated=_before,
            measured=_value_by_loops,
            controls=(Control("by the cold mass", stated=lambda **x: _before(**x) + _draft(x["q"], x["kept"])[2]),),
            grid_denominator=2,
        ),
        Clause(
            name="not wasted",
            kind=Kind.LOWER,
            statement=r"q(C) \pi \le p \text{ on } C \implies \alpha(q(C)) \ge \alpha(0)",
            build=_unwasted,
            stated=_before,
            measured=_value_by_loops,
            controls=(Control("by the cold mass", stated=lambda **x: _before(**x) + _draft(x["q"], x["kept"])[2]),),
            grid_denominator=2,
        ),
        Clause(
            name="iff beyond the safe weight",
            kind=Kind.IDENTITY,
            statement=r"\alpha(q(C)) < \alpha(0) \iff q(C) > \theta_{\max}",
            build=_rational,
            stated=_beyond_the_safe_weight,
            measured=lambda **x: bool(_gain_by_loops(**x) < 0),
            controls=(
                Control(
                    "iff beyond the target's cold mass",
                    stated=lambda p, q, kept, prior: bool(p[kept].sum() > q[kept].sum()),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="iff for some prior",
            kind=Kind.IDENTITY,
            statement=(
                r"\exists\, \pi \text{ on } C: \alpha(q(C)) < \alpha(0)"
                r" \iff \min_{t \in C} \min(p_t, q(C)) < \sum_I [\min(p, q') - \min(p, q)]"
            ),
            build=_rational,
            stated=_some_prior_can_lose,
            measured=_some_tried_prior_loses,
            controls=(
                Control("whenever anything is taken", stated=lambda **x: bool(_draft(x["q"], x["kept"])[2] > 0)),
            ),
            samples=100,
            grid_denominator=2,
        ),
    ),
    remarks=(
        "It needs both a kept token that the drafter under-covers and cold mass that the prior wastes: without either "
        "the bound is at most 0. With p(·|C) as prior it cannot happen while q(C) ≤ p(C).",
        "How often it happens in ensembles of contexts is measured by the simulation of the same name, not here.",
    ),
)
