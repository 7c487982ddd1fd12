"""``pointwise-dominance``: a proposal that covers what both target and draft cover loses nothing anywhere."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._source import Source


def _covering(source: Source, rational: bool = False) -> Instance:
    """Every proposal with ``r ≥ min(p, q')`` is that minimum plus the missing mass, spread in some way."""
    law = source.rational_distribution if rational else source.distribution
    size = source.size(1, 6)
    p, q, spread = law(size), law(size), law(size)
    common, over = np.minimum(p, q), np.maximum(q - p, 0)
    if not source.exact and source.pick((True, False)) and over.sum() > 0:
        spread = over / over.sum()  # where more mass is worth nothing
    return {"p": p, "q": q, "r": common + (1 - common.sum()) * spread}


def _any_laws(source: Source) -> Instance:
    size = source.size(1, 5)
    return {name: source.rational_distribution(size) for name in ("p", "q", "r")}


def _covers(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> bool:
    return bool((r >= np.minimum(p, q)).all() if r.dtype == object else (r >= np.minimum(p, q) - 1e-15).all())


def _gains_somewhere(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> bool:
    return bool((np.minimum(p, r) > np.minimum(p, q)).any())


def _no_set_loses(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> bool:
    """No set of tokens is emitted by acceptance less often: every subset is added up."""

    def accepted(law: np.ndarray, flags: tuple[bool, ...]) -> Any:
        return sum(x * min(1, a / x) for a, x, inside in zip(p, law, flags, strict=True) if inside and x > 0)

    return all(accepted(r, flags) >= accepted(q, flags) for flags in _roads.subsets(len(p)))


def _gain(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> Any:
    return _roads.acceptance_by_trial(p, r) - _roads.acceptance_by_trial(p, q)


def _moved_away() -> Instance:
    one, zero = Fraction(1), Fraction(0)
    return {"p": np.array([one, zero]), "q": np.array([one, zero]), "r": np.array([zero, one])}


def _gain_without_covering(source: Source) -> Instance:
    """``p = (a, 0, 1−a)``, draft ``(b, 1−b, 0)``, proposal ``(0, 0, 1)``: the first token loses, the last wins more."""
    a, b = source.open_weight() / 2, source.open_weight() / 4
    zero = a * 0
    rows = {"p": [a, zero, 1 - a], "q": [b, 1 - b, zero], "r": [zero, zero, zero + 1]}
    return {name: np.array(row) for name, row in rows.items()}


CLAIM = Claim(
    id="pointwise-dominance",
    title="Covering min(p, q') everywhere is enough",
    section="C",
    statement=(
        r"\tilde p \ge \min(p, q') \text{ pointwise} \implies \alpha(p, \tilde p) \ge \alpha(p, q'),"
        r"\text{ strictly iff } \min(p, \tilde p) > \min(p, q') \text{ at some token}"
    ),
    hypotheses=(
        Hypothesis("covering", r"\tilde p \ge \min(p, q')", _covers, _moved_away, "dominance"),
        Hypothesis("covering (strictness)", r"\tilde p \ge \min(p, q')", _covers, lambda: _trade(), "strictness"),
    ),
    clauses=(
        Clause(
            name="dominance",
            kind=Kind.TIGHT_LOWER,
            statement=r"\alpha(p, \tilde p) \ge \alpha(p, q')",
            build=_covering,
            stated=lambda p, q, r: acceptance_rate(p, q),
            measured=lambda p, q, r: _roads.acceptance_by_trial(p, r),
            controls=(
                Control("always strictly", kind=Kind.EXISTENCE),
                Control("half of the missing mass is won", stated=lambda p, q, r: (1 + acceptance_rate(p, q)) / 2),
            ),
            attained=lambda: {name: np.array([Fraction(1, 2)] * 2) for name in ("p", "q", "r")},
        ),
        Clause(
            name="strictness",
            kind=Kind.IDENTITY,
            statement=r"\alpha(p, \tilde p) > \alpha(p, q') \iff \exists t: \min(p_t, \tilde p_t) > \min(p_t, q'_t)",
            build=lambda source: _covering(source, rational=True),
            stated=_gains_somewhere,
            measured=lambda p, q, r: bool(_gain(p, q, r) > 0),
            controls=(Control("strict iff something moved", stated=lambda p, q, r: bool((r != q).any())),),
        ),
        Clause(
            name="converse",
            kind=Kind.IDENTITY,
            statement=r"\tilde p \ge \min(p, q') \text{ pointwise} \iff \text{no set of tokens is accepted less often}",
            build=_any_laws,
            stated=_covers,
            measured=_no_set_loses,
            controls=(
                Control("iff acceptance does not fall", measured=lambda p, q, r: bool(_gain(p, q, r) >= 0)),
                Control("iff the proposal covers the draft", stated=lambda p, q, r: bool((r >= q).all())),
            ),
        ),
        Clause(
            name="not necessary",
            kind=Kind.EXISTENCE,
            statement=r"\exists\, p, q', \tilde p: \alpha(p, \tilde p) > \alpha(p, q')"
            r" \text{ though } \tilde p_t < \min(p_t, q'_t) \text{ for some } t",
            build=_gain_without_covering,
            stated=lambda p, q, r: acceptance_rate(p, q) if not _covers(p, q, r) else acceptance_rate(p, p),
            measured=lambda p, q, r: _roads.acceptance_by_trial(p, r),
            controls=(Control("the draft at its own target", stated=lambda p, q, r: acceptance_rate(q, q)),),
            samples=50,
        ),
    ),
    remarks=(
        "Strictness is an equivalence, not only sufficient.",
        "The condition is exactly that no set of tokens is accepted less often; it is sufficient for a gain in total, "
        "not necessary.",
    ),
)


def _trade() -> Instance:
    """One token wins as much as another loses: a token gains and acceptance does not."""
    half, zero = Fraction(1, 2), Fraction(0)
    return {"p": np.array([half, half]), "q": np.array([half * 2, zero]), "r": np.array([zero, half * 2])}
