"""``lipschitz``: an error in the proposal costs at most its total variation in acceptance."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import total_variation
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source


def _proposals(source: Source) -> Instance:
    size = source.size(1, 6)
    return {name: source.distribution(size) for name in ("p", "r", "s")}


def _rational_proposals(source: Source) -> Instance:
    size = source.size(1, 6)
    return {name: source.rational_distribution(size) for name in ("p", "r", "s")}


def _two_pairs(source: Source) -> Instance:
    size = source.size(1, 6)
    return {name: source.distribution(size) for name in ("p", "r", "o", "s")}


def _kernels(source: Source) -> Instance:
    size = source.size(1, 5)
    rows = source.size(1, size)
    return {
        "p": source.distribution(size),
        "draft": source.distribution(rows),
        "matrix": source.distributions(rows, size),
        "other": source.distributions(rows, size),
    }


def _change(p: np.ndarray, r: np.ndarray, s: np.ndarray) -> Any:
    return abs(_roads.overlap(p, r) - _roads.overlap(p, s))


def _kernel_change(p: np.ndarray, draft: np.ndarray, matrix: np.ndarray, other: np.ndarray) -> Any:
    return abs(_roads.overlap(p, _roads.times(draft, matrix)) - _roads.overlap(p, _roads.times(draft, other)))


def _kernel_bound(p: np.ndarray, draft: np.ndarray, matrix: np.ndarray, other: np.ndarray) -> Any:
    return (draft * total_variation(matrix, other)).sum()


def _between(p: np.ndarray, r: np.ndarray, s: np.ndarray) -> bool:
    """Whether `r` lies between `p` and `s` at every token, or `s` between `p` and `r`."""
    inner = ((p - r) * (r - s) >= 0).all()
    outer = ((p - s) * (s - r) >= 0).all()
    return bool(inner or outer)


def _law(*sixths: int) -> np.ndarray:
    return np.array([Fraction(n, 6) for n in sixths], dtype=object)


CLAIM = Claim(
    id="lipschitz",
    title="A proposal's error carries over to acceptance",
    section="A",
    statement=(
        r"|\alpha(p, r) - \alpha(p, \hat r)| \le \mathrm{TV}(r, \hat r), \text{ with equality iff } r \text{ lies "
        r"between } p \text{ and } \hat r \text{ at every token, or } \hat r \text{ between } p \text{ and } r; \quad "
        r"|\alpha(p, q'M) - \alpha(p, q'\hat M)| \le \sum_i q'_i\, \mathrm{TV}(M_i, \hat M_i)"
    ),
    clauses=(
        Clause(
            name="proposal",
            kind=Kind.TIGHT_UPPER,
            statement=r"|\alpha(p, r) - \alpha(p, \hat r)| \le \mathrm{TV}(r, \hat r)",
            build=_proposals,
            stated=lambda p, r, s: total_variation(r, s),
            measured=_change,
            controls=(
                Control("half of it", stated=lambda p, r, s: total_variation(r, s) / 2),
                Control("its square", stated=lambda p, r, s: total_variation(r, s) ** 2),
            ),
            attained=lambda: {"p": _law(1, 2, 3), "r": _law(1, 2, 3), "s": _law(3, 2, 1)},
        ),
        Clause(
            name="equality",
            kind=Kind.IDENTITY,
            statement=(
                r"|\alpha(p, r) - \alpha(p, \hat r)| = \mathrm{TV}(r, \hat r) \iff "
                r"(p - r)(r - \hat r) \ge 0 \text{ everywhere, or } (p - \hat r)(\hat r - r) \ge 0 \text{ everywhere}"
            ),
            build=_rational_proposals,
            stated=_between,
            measured=lambda p, r, s: bool(_change(p, r, s) == sum(_roads.positive_part(r, s))),
            controls=(
                Control(
                    "only if one of them is the target", stated=lambda p, r, s: bool((p == r).all() or (p == s).all())
                ),
                Control(
                    "token by token",
                    stated=lambda p, r, s: bool((((p - r) * (r - s) >= 0) | ((p - s) * (s - r) >= 0)).all()),
                ),
            ),
        ),
        Clause(
            name="both sides",
            kind=Kind.TIGHT_UPPER,
            statement=r"|\alpha(p, r) - \alpha(\hat p, \hat r)| \le \mathrm{TV}(p, \hat p) + \mathrm{TV}(r, \hat r)",
            build=_two_pairs,
            stated=lambda p, r, o, s: total_variation(p, o) + total_variation(r, s),
            measured=lambda p, r, o, s: abs(_roads.overlap(p, r) - _roads.overlap(o, s)),
            controls=(
                Control(
                    "the larger of the two", stated=lambda p, r, o, s: max(total_variation(p, o), total_variation(r, s))
                ),
            ),
            attained=lambda: {"p": _law(2, 2, 2), "r": _law(2, 2, 2), "o": _law(3, 2, 1), "s": _law(1, 2, 3)},
            grid_size=2,
            grid_denominator=4,
        ),
        Clause(
            name="kernel",
            kind=Kind.TIGHT_UPPER,
            statement=r"|\alpha(p, q'M) - \alpha(p, q'\hat M)| \le \sum_i q'_i\, \mathrm{TV}(M_i, \hat M_i)",
            build=_kernels,
            stated=_kernel_bound,
            measured=_kernel_change,
            controls=(
                Control("half of it", stated=lambda **instance: _kernel_bound(**instance) / 2),
                Control(
                    "the most accurate row",
                    stated=lambda p, draft, matrix, other: min(total_variation(matrix, other)),
                ),
            ),
            attained=lambda: {
                "p": _law(1, 2, 3),
                "draft": np.array([Fraction(1, 2)] * 2, dtype=object),
                "matrix": np.stack([_law(1, 2, 3), _law(1, 2, 3)]),
                "other": np.stack([_law(3, 2, 1), _law(2, 2, 2)]),
            },
            grid_size=2,
            grid_denominator=2,
        ),
    ),
    remarks=(
        "The kernel bound weighs each row's error by the draft's mass on it; the largest row error is the looser form.",
    ),
)
