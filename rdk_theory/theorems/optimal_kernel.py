"""``optimal-kernel``: the best context-free kernel, its certificate, and when a kernel is best."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from rdk_theory._array import to_fractions
from rdk_theory.acceptance import acceptance_rate
from rdk_theory.distributions import embed
from rdk_theory.fitting.certificate import upper_bound
from rdk_theory.kernels.dense import Dense
from rdk_theory.theorems import _kernel_programme as programme
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary

CLOSE = 1e-8
"""Two values that a solver in floats calls equal: a hundred times its tolerance for a single constraint."""


def _contexts(source: Source, count: int, size: int, kept: int) -> Instance:
    """Targets ``(C, N)`` and drafts ``(C, K)``."""
    p, q = (np.stack([source.distribution(n) for _ in range(count)]) for n in (size, kept))
    return {"p": p, "q": q}


def _shape(source: Source, *exact: tuple[int, int, int]) -> tuple[int, int, int]:
    if source.exact:
        return source.pick(exact)
    size = source.size(2, 6)
    return source.size(1, 5), size, source.size(1, min(size, 4))


def _priced(source: Source, shape: tuple[int, int, int] = (2, 2, 1)) -> Instance:
    """Contexts, any kernel and any prices, or those that the kernel asks for; on the grid one pattern of prices."""
    count, size, kept = _shape(source, shape, (1, 3, 1))
    instance = _contexts(source, count, size, kept)
    matrix = np.stack([source.distribution(size) for _ in range(kept)])
    if source.exact:
        duals = to_fractions(np.eye(count, size))
    elif source.pick((True, False)):
        duals = (instance["q"] @ matrix < instance["p"]).astype(np.float64)
    else:
        duals = np.array([[source.weight() for _ in range(size)] for _ in range(count)])
    return {**instance, "matrix": matrix, "duals": duals}


def _solved(source: Source) -> Instance:
    """Contexts with a best kernel and its prices, as a solver gives them."""
    instance = _contexts(source, *_shape(source, (2, 3, 2)))
    matrix, duals = programme.solve(**instance)
    return {**instance, "matrix": matrix, "duals": duals}


def _candidate(source: Source) -> Instance:
    """Prices of a best kernel; that kernel itself, or half way from it to another."""
    instance = _solved(source)
    size, kept = instance["p"].shape[1], instance["q"].shape[1]
    if source.pick((True, False)):
        other = np.stack([source.distribution(size) for _ in range(kept)]) if not source.exact else instance["p"][:kept]
        instance["matrix"] = (instance["matrix"] + other) / 2
    return instance


def _pair(source: Source) -> Instance:
    """Two kernels and a share."""
    count, size, kept = _shape(source, (1, 3, 1), (2, 2, 1))
    kernels = [np.stack([source.distribution(size) for _ in range(kept)]) for _ in range(2)]
    share = source.number(1) / 2 if source.exact else source.weight()
    return {**_contexts(source, count, size, kept), "first": kernels[0], "second": kernels[1], "share": share}


def _one_kept_token(source: Source) -> Instance:
    x = source.open_weight()
    return {"p": np.array([[x, 1 - x]]), "q": np.array([[x + (1 - x)]])}


def _acceptance(p: np.ndarray, q: np.ndarray, matrix: np.ndarray) -> Any:
    vocab = Vocabulary(p.shape[1], np.arange(q.shape[1]))
    return acceptance_rate(p, Dense(vocab, matrix).redistribute(q)).sum() / len(p)


def _slack(p: np.ndarray, q: np.ndarray, matrix: np.ndarray, duals: np.ndarray) -> tuple[Any, Any]:
    """What the prices of tokens, and the rows of the kernel, leave to the bound; neither is negative."""
    r, s = q @ matrix, duals
    tokens = ((1 - s) * np.maximum(p - r, 0) + s * np.maximum(r - p, 0)).sum() / len(p)
    worth = q.T @ s / len(p)
    return tokens, (matrix * (worth.max(axis=-1, keepdims=True) - worth)).sum()


def _gap(p: np.ndarray, q: np.ndarray, matrix: np.ndarray, duals: np.ndarray) -> Any:
    return upper_bound(p, q, duals) - _acceptance(p, q, matrix)


def _is_complementary(p: np.ndarray, q: np.ndarray, matrix: np.ndarray, duals: np.ndarray) -> bool:
    tokens, rows = _slack(p, q, matrix, duals)
    return bool(tokens + rows <= _tolerated(p))


def _is_best(p: np.ndarray, q: np.ndarray, matrix: np.ndarray, duals: np.ndarray) -> bool:
    best, _ = programme.solve(p, q)
    return bool(programme.value(p, q, best) - programme.value(p, q, matrix) <= _tolerated(p))


def _tolerated(p: np.ndarray) -> Any:
    return 0 if p.dtype == object else CLOSE


def _best_deterministic(p: np.ndarray, q: np.ndarray) -> Any:
    """Every map from kept tokens to tokens is tried."""
    size, kept = p.shape[1], q.shape[1]
    eye = np.array([[p[0, 0] * 0 + (i == j) for j in range(size)] for i in range(size)])
    return max(programme.value(p, q, eye[list(rows)]) for rows in product(range(size), repeat=kept))


def _best_value(p: np.ndarray, q: np.ndarray, **_: Any) -> Any:
    return programme.value(p, q, programme.solve(p, q)[0])


def _even() -> Instance:
    half = Fraction(1, 2)
    row = np.array([[half, half]])
    return {"p": row, "q": np.array([[2 * half]]), "matrix": row, "duals": row}


CLAIM = Claim(
    id="optimal-kernel",
    title="The best context-free kernel and its certificate",
    section="C",
    statement=(
        r"\max_M \mathrm E\,\alpha(p, q' M) = \min_{s \in [0, 1]^{C \times N}}"
        r" \mathrm E\Big[\sum_t (1 - s_t) p_t\Big] + \sum_i \max_j \mathrm E[q'_i s_j];\quad"
        r"\text{the difference at any } M, s \text{ is }"
        r" \mathrm E \sum_t [(1 - s_t)(p_t - \tilde p_t)_+ + s_t (\tilde p_t - p_t)_+]"
        r" + \sum_{ij} M_{ij} (\max_k \mathrm E[q'_i s_k] - \mathrm E[q'_i s_j])"
    ),
    clauses=(
        Clause(
            name="gap",
            kind=Kind.IDENTITY,
            statement=(
                r"U(s) - \mathrm E\,\alpha(p, q' M) = \mathrm E \sum_t [(1 - s_t)(p_t - \tilde p_t)_+"
                r" + s_t (\tilde p_t - p_t)_+] + \sum_{ij} M_{ij} (\max_k \mathrm E[q'_i s_k] - \mathrm E[q'_i s_j])"
            ),
            build=lambda source: _priced(source, (2, 2, 2)),
            stated=lambda **x: sum(_slack(**x)),
            measured=_gap,
            controls=(
                Control("tokens alone", stated=lambda **x: _slack(**x)[0]),
                Control("rows alone", stated=lambda **x: _slack(**x)[1]),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="bound",
            kind=Kind.TIGHT_UPPER,
            statement=(
                r"\mathrm E\,\alpha(p, q' M) \le \mathrm E\Big[\sum_t (1 - s_t) p_t\Big]"
                r" + \sum_i \max_j \mathrm E[q'_i s_j] =: U(s) \text{ for every } M \text{ and } s"
            ),
            build=_priced,
            stated=lambda p, q, matrix, duals: upper_bound(p, q, duals),
            measured=lambda p, q, matrix, duals: programme.value(p, q, matrix),
            controls=(
                Control(
                    "the worst token in place of the best",
                    stated=lambda p, q, matrix, duals: (
                        (((1 - duals) * p).sum() + (q.T @ duals).min(axis=-1).sum()) / len(p)
                    ),
                ),
            ),
            attained=_even,
            grid_denominator=2,
        ),
        Clause(
            name="strong duality",
            kind=Kind.IDENTITY,
            statement=r"\max_M \mathrm E\,\alpha(p, q' M) = \min_s U(s)",
            build=_solved,
            stated=lambda p, q, matrix, duals: upper_bound(p, q, duals),
            measured=lambda p, q, matrix, duals: programme.value(p, q, matrix),
            controls=(
                Control("other prices", stated=lambda p, q, matrix, duals: upper_bound(p, q, 1 - duals)),
                Control(
                    "rows exchanged",
                    measured=lambda p, q, matrix, duals: programme.value(p, q, np.roll(matrix, 1, axis=1)),
                ),
            ),
            samples=40,
            grid_denominator=2,
            tolerance=CLOSE,
        ),
        Clause(
            name="optimal iff complementary",
            kind=Kind.IDENTITY,
            statement=(
                r"M \text{ is optimal} \iff \text{for any one optimal } s: s_c \text{ minimises}"
                r"\sum_t (1 - s_t) p_t + s_t \tilde p_t \text{ in each context and each row } i"
                r"\text{ of } M \text{ lives on } \operatorname{argmax}_j \mathrm E[q'_i s_j]"
            ),
            build=_candidate,
            stated=_is_complementary,
            measured=_is_best,
            controls=(
                Control("rows alone", stated=lambda **x: bool(_slack(**x)[1] <= _tolerated(x["p"]))),
                Control("every kernel", stated=lambda **x: True),
            ),
            samples=60,
            grid_denominator=2,
        ),
        Clause(
            name="at least TLI",
            kind=Kind.LOWER,
            statement=r"\max_M \mathrm E\,\alpha(p, q' M) \ge \mathrm E\,\alpha(p, q')",
            build=_solved,
            stated=lambda p, q, matrix, duals: (
                acceptance_rate(p, embed(q, Vocabulary(p.shape[1], np.arange(q.shape[1])))).sum() / len(p)
            ),
            measured=_best_value,
            controls=(Control("at least certainty", stated=lambda p, q, matrix, duals: p[:1].sum()),),
            samples=40,
            grid_denominator=2,
            tolerance=CLOSE,
        ),
        Clause(
            name="concave",
            kind=Kind.LOWER,
            statement=(
                r"\mathrm E\,\alpha(p, q'(\lambda M + (1-\lambda) M')) \ge \lambda \mathrm E\,\alpha(p, q' M)"
                r" + (1-\lambda) \mathrm E\,\alpha(p, q' M')"
            ),
            build=_pair,
            stated=lambda p, q, first, second, share: (
                share * _acceptance(p, q, first) + (1 - share) * _acceptance(p, q, second)
            ),
            measured=lambda p, q, first, second, share: programme.value(p, q, share * first + (1 - share) * second),
            controls=(Control("linear", kind=Kind.IDENTITY), Control("convex", kind=Kind.UPPER)),
            grid_denominator=2,
        ),
        Clause(
            name="deterministic kernels fall short",
            kind=Kind.EXISTENCE,
            statement=r"\text{the best map from kept tokens to tokens is not the best kernel}",
            build=_one_kept_token,
            stated=_best_deterministic,
            measured=lambda p, q: programme.value(p, q, p),
            controls=(Control("maps suffice", kind=Kind.IDENTITY),),
            samples=50,
            grid_denominator=5,
        ),
    ),
    remarks=(
        "Any one optimal s serves in the iff, for every optimal M pairs with every optimal s; without a fixed s the "
        "row condition must hold for some choice of minimisers at tokens with p = q'M. Rows with E q'_i = 0 may be "
        "anything: all their prices are 0.",
        "Optimal pairs come from a linear programme in floats (HiGHS). On the grid its vertices are rounded to the "
        "rationals they stand for, and feasibility and equal values are then checked exactly.",
        "With one context the value is 1: every row of M may be p.",
    ),
)
