"""``support-ceiling``: what the draft cannot name is never accepted, however many drafts there are."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.distributions import embed
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.multi_draft import multi_draft_acceptance
from rdk_theory.theorems import _flow, _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _laws(source: Source) -> Instance:
    size = source.size(1, 6)
    return {"p": source.distribution(size), "r": source.distribution(size)}


def _rational_laws(source: Source) -> Instance:
    size = source.size(1, 6)
    return {"p": source.rational_distribution(size), "r": source.rational_distribution(size)}


def _kept(source: Source) -> Instance:
    size = source.size(1, 6)
    kept = source.kept(size)
    return {"p": source.distribution(size), "draft": source.distribution(len(kept)), "kept": kept}


def _rational_kept(source: Source) -> Instance:
    size = source.size(1, 5)
    kept = source.kept(size)
    return {"p": source.rational_distribution(size), "draft": source.rational_distribution(len(kept)), "kept": kept}


def _drafts(source: Source) -> Instance:
    return _laws(source) | {"n": source.pick((1, 2, 3))}


def _few_rational_drafts(source: Source) -> Instance:
    size = source.size(1, 3)
    laws = {"p": source.rational_distribution(size), "r": source.rational_distribution(size)}
    return laws | {"n": source.pick((1, 2, 3))}


def _few_drafts(source: Source) -> Instance:
    size = source.size(1, 3)
    return {"p": source.distribution(size), "r": source.distribution(size), "n": source.pick((1, 2, 3))}


def _covered(p: np.ndarray, r: np.ndarray) -> Any:
    """``p(supp r)``."""
    return np.where(r > 0, p, p * 0).sum()


def _smallest(r: np.ndarray) -> Any:
    return min(value for value in r if value > 0)


def _over_all_sets(p: np.ndarray, r: np.ndarray, n: int) -> Any:
    """``1 + min_H [p(H) − r(H)^n]`` over all subsets."""
    pairs = list(zip(p, r, strict=True))
    sums = (
        [sum(pair[side] for pair, inside in zip(pairs, flags, strict=True) if inside) for side in (0, 1)]
        for flags in _roads.subsets(len(p))
    )
    return 1 + min(a - b**n for a, b in sums)


def _over_intervals(p: np.ndarray, r: np.ndarray, n: int) -> Any:
    """The minimum over sets of the first tokens, in the order in which they stand."""
    return 1 + min(0, *(np.cumsum(p) - np.cumsum(r) ** n))


def _transport(p: np.ndarray, r: np.ndarray, n: int) -> float:
    """The same optimum as a linear program over all couplings of drafted tuples and emitted tokens."""
    from scipy.optimize import linprog

    tuples = list(product(range(len(p)), repeat=n))
    chances = [np.prod([r[t] for t in tokens]) for tokens in tuples]
    gains = np.array([float(y in tokens) for tokens in tuples for y in range(len(p))])
    rows = np.kron(np.eye(len(tuples)), np.ones(len(p)))
    columns = np.kron(np.ones(len(tuples)), np.eye(len(p)))
    # The last marginal follows from the others; rounding would make them inconsistent.
    marginals = np.concatenate([chances, p[:-1]])
    found = linprog(-gains, A_eq=np.vstack([rows, columns[:-1]]), b_eq=marginals, options=_roads.PRECISE)
    return -float(found.fun)


def _redistributed(p: np.ndarray, draft: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Acceptance when every row of the kernel is the target's law: by the package's kernel, and by loops."""
    proposal = RankOne(Vocabulary(len(p), kept), p[0] * 0 + 1, p).redistribute(draft)
    by_loops = _roads.overlap(p, _roads.times(draft, np.stack([p] * len(draft))))
    return np.array([acceptance_rate(p, proposal), by_loops])


def _law(*sixths: int) -> np.ndarray:
    return np.array([Fraction(n, 6) for n in sixths], dtype=object)


CLAIM = Claim(
    id="support-ceiling",
    title="The support of the draft is a ceiling",
    section="B",
    statement=(
        r"\alpha(p, r) \le p(\mathrm{supp}\, r), \text{ with equality iff } r \ge p \text{ on } \mathrm{supp}\, r; "
        r"\text{ for TLI } \alpha(p, q') \le p(I), \text{ with equality iff } q' \ge p \text{ on } I. \text{ For } n "
        r"\text{ i.i.d. drafts } \min(p(\mathrm{supp}\, r), 1 - (1 - r_{\min})^n) \le \alpha^*_n = "
        r"1 + \min_H [p(H) - r(H)^n] \le p(\mathrm{supp}\, r), \text{ non-decreasing in } n, \text{ and a minimiser "
        r"is an initial segment in the order of } p/r. \text{ The ceiling of } q'M \text{ is 1}"
    ),
    source="the transport problem of several drafts is that of Sun et al. 2310.15141",
    clauses=(
        Clause(
            name="one draft",
            kind=Kind.TIGHT_UPPER,
            statement=r"\alpha(p, r) \le p(\mathrm{supp}\, r)",
            build=_laws,
            stated=_covered,
            measured=lambda p, r: _roads.acceptance_by_trial(p, r),
            controls=(Control("times the draft's covered mass", stated=lambda p, r: _covered(p, r) * _covered(r, p)),),
            attained=lambda: {"p": _law(1, 2, 3), "r": _law(2, 4, 0)},
            grid_denominator=4,
        ),
        Clause(
            name="equality",
            kind=Kind.IDENTITY,
            statement=r"\alpha(p, r) = p(\mathrm{supp}\, r) \iff r_t \ge p_t \text{ for all } t \in \mathrm{supp}\, r",
            build=_rational_laws,
            stated=lambda p, r: bool(((r >= p) | (r == 0)).all()),
            measured=lambda p, r: bool(_roads.acceptance_by_trial(p, r) == p[r > 0].sum()),
            controls=(
                Control("everywhere", stated=lambda p, r: bool((r >= p).all())),
                Control("at the likeliest token", stated=lambda p, r: bool(r[np.argmax(p)] >= max(p))),
            ),
            grid_denominator=4,
        ),
        Clause(
            name="restricted draft",
            kind=Kind.TIGHT_UPPER,
            statement=r"\alpha(p, q') \le p(I)",
            build=_kept,
            stated=lambda p, draft, kept: p[kept].sum(),
            measured=lambda p, draft, kept: _roads.acceptance_by_trial(p, _roads.embedded(draft, kept, len(p))),
            controls=(Control("mass of all but the last kept", stated=lambda p, draft, kept: p[kept[:-1]].sum()),),
            attained=lambda: {"p": _law(1, 2, 3), "draft": _law(2, 4), "kept": np.array([0, 1])},
        ),
        Clause(
            name="restricted equality",
            kind=Kind.IDENTITY,
            statement=r"\alpha(p, q') = p(I) \iff q'_t \ge p_t \text{ for all } t \in I",
            build=_rational_kept,
            stated=lambda p, draft, kept: bool((draft >= p[kept]).all()),
            measured=lambda p, draft, kept: bool(
                acceptance_rate(p, embed(draft, Vocabulary(len(p), kept))) == sum(p[t] for t in kept)
            ),
            controls=(
                Control(
                    "on the support of the draft alone",
                    stated=lambda p, draft, kept: bool(((draft >= p[kept]) | (draft == 0)).all()),
                ),
            ),
        ),
        Clause(
            name="several drafts",
            kind=Kind.IDENTITY,
            statement=r"\max P[Y \in \{X_1, \ldots, X_n\}] = \alpha^*_n \text{ over laws of } X \sim r^n,\; Y \sim p",
            build=_few_rational_drafts,
            stated=lambda p, r, n: multi_draft_acceptance(p, r, n),
            measured=lambda p, r, n: _flow.best_of_drafts(p, r, n),
            controls=(
                Control("one draft", stated=lambda p, r, n: acceptance_rate(p, r)),
                Control("independent tries", stated=lambda p, r, n: 1 - (1 - acceptance_rate(p, r)) ** n),
            ),
            samples=60,
        ),
        Clause(
            name="several drafts, as a linear program",
            kind=Kind.IDENTITY,
            statement=r"\alpha^*_n \text{ is the optimum of the transport problem from } r^n \text{ to } p",
            build=_few_drafts,
            stated=lambda p, r, n: multi_draft_acceptance(p, r, n),
            measured=_transport,
            controls=(Control("one draft", stated=lambda p, r, n: acceptance_rate(p, r)),),
            exact=False,
            samples=40,
            tolerance=1e-9,  # the solver's own feasibility tolerance, on at most 81 entries
        ),
        Clause(
            name="one sort",
            kind=Kind.IDENTITY,
            statement=r"\min_H [p(H) - r(H)^n] \text{ is reached at an initial segment in the order of } p/r",
            build=_drafts,
            stated=lambda p, r, n: multi_draft_acceptance(p, r, n),
            measured=_over_all_sets,
            controls=(Control("segments in the order of ids", stated=_over_intervals),),
        ),
        Clause(
            name="ceiling of several drafts",
            kind=Kind.TIGHT_UPPER,
            statement=r"\alpha^*_n \le p(\mathrm{supp}\, r)",
            build=_few_rational_drafts,
            stated=lambda p, r, n: _covered(p, r),
            measured=lambda p, r, n: _flow.best_of_drafts(p, r, n),
            controls=(Control("the ceiling of one draft", stated=lambda p, r, n: acceptance_rate(p, r)),),
            attained=lambda: {"p": _law(1, 2, 3), "r": _law(3, 3, 0), "n": 2},
            grid_denominator=2,
            samples=60,
        ),
        Clause(
            name="more drafts never hurt",
            kind=Kind.TIGHT_LOWER,
            statement=r"\alpha^*_{n+1} \ge \alpha^*_n",
            build=_drafts,
            stated=lambda p, r, n: multi_draft_acceptance(p, r, n),
            measured=lambda p, r, n: _over_all_sets(p, r, n + 1),
            controls=(
                Control(
                    "as the chance that a new draft helps", stated=lambda p, r, n: 1 - (1 - acceptance_rate(p, r)) ** n
                ),
                Control("strictly", kind=Kind.EXISTENCE),
            ),
            attained=lambda: {"p": _law(1, 2, 3), "r": _law(2, 4, 0), "n": 1},
            grid_denominator=3,
        ),
        Clause(
            name="the ceiling is approached",
            kind=Kind.TIGHT_LOWER,
            statement=r"\alpha^*_n \ge \min\bigl(p(\mathrm{supp}\, r),\; 1 - (1 - r_{\min})^n\bigr)",
            build=_drafts,
            stated=lambda p, r, n: min(_covered(p, r), 1 - (1 - _smallest(r)) ** n),
            measured=_over_all_sets,
            controls=(
                Control("as if the ceiling were reached", stated=lambda p, r, n: _covered(p, r)),
                Control("by the likeliest draft", stated=lambda p, r, n: min(_covered(p, r), 1 - (1 - max(r)) ** n)),
            ),
            attained=lambda: {"p": _law(6, 0, 0), "r": _law(2, 4, 0), "n": 2},
        ),
        Clause(
            name="redistribution has none",
            kind=Kind.IDENTITY,
            statement=r"\max_M \alpha(p, q'M) = 1",
            build=_kept,
            stated=lambda p, draft, kept: np.array([1, 1]),
            measured=_redistributed,
            controls=(Control("mass of the kept set", stated=lambda p, draft, kept: p[kept].sum()),),
        ),
    ),
    remarks=(
        "The minimum over all 2^N sets is found by one sort and one scan because x^n is convex.",
        "The kernel that reaches 1 has the target as every row: it depends on the context. For one kernel in all "
        "contexts see no-free-dominance and optimal-kernel.",
    ),
)
