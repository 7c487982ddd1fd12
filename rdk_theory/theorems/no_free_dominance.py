"""``no-free-dominance``: no kernel but the embedding is at least as good as TLI on every target and draft."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate, total_variation
from rdk_theory.distributions import embed
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _point(like: np.ndarray, size: int, at: int) -> np.ndarray:
    """The point mass at `at`, in the arithmetic of `like`."""
    out = like[:1].repeat(size) * 0
    out[at] = out[at] + 1
    return out


def _moving_kernel(source: Source) -> Instance:
    """Every kernel but the embedding: at least the kept token at place `row` does not stay where it is."""
    size = source.size(2, 6)
    kept = source.kept(size)
    matrix = np.stack([source.rational_distribution(size) for _ in kept])
    row = source.pick(range(len(kept)))
    if matrix[row, kept[row]] == 1:
        matrix[row] = np.roll(matrix[row], 1)
    return {"matrix": matrix, "kept": kept, "row": row}


def _contexts(source: Source) -> Instance:
    size = source.size(1, 6)
    kept = source.kept(size)
    matrix = np.stack([source.distribution(size) for _ in kept])
    draft = source.distribution(len(kept))
    p = source.distribution(size) if source.pick((True, False)) else embed(draft, Vocabulary(size, kept))
    return {"p": p, "draft": draft, "matrix": matrix, "kept": kept}


def _any_kernel(source: Source) -> Instance:
    """Kernels of few tokens, among them every embedding."""
    size = source.size(1, 4)
    kept = source.kept(size)
    matrix = np.stack([source.rational_distribution(size) for _ in kept])
    return {"matrix": matrix, "kept": kept}


def _rule(source: Source) -> Instance:
    """A draft, and another proposal that a rule made of it."""
    size = source.size(2, 6)
    draft, proposal = source.rational_distribution(size), source.rational_distribution(size)
    if (draft == proposal).all():
        proposal = np.roll(draft, 1)
    if (draft == proposal).all():  # the uniform draft
        proposal = _point(draft, size, 0)
    return {"draft": draft, "proposal": proposal}


def _tli_there(matrix: np.ndarray, kept: np.ndarray, row: int) -> Any:
    """``α(e_i, q')`` with ``q' = e_i``: draft and target both sit on one kept token."""
    vocab = Vocabulary(matrix.shape[1], kept)
    point = embed(_point(matrix[0], len(kept), row), vocab)
    return acceptance_rate(point, point)


def _kernel_there(matrix: np.ndarray, kept: np.ndarray, row: int) -> Any:
    """``α(e_i, q' M)`` in the same context."""
    proposal = _roads.times(_point(matrix[0], len(kept), row), matrix)
    return _roads.acceptance_by_trial(_point(matrix[0], matrix.shape[1], int(kept[row])), proposal)


def _loss(p: np.ndarray, draft: np.ndarray, matrix: np.ndarray, kept: np.ndarray) -> Any:
    stay, move = _roads.embedded(draft, kept, len(p)), _roads.times(draft, matrix)
    return _roads.acceptance_by_trial(p, stay) - _roads.acceptance_by_trial(p, move)


def _largest_departure(matrix: np.ndarray, kept: np.ndarray) -> Any:
    return (1 - matrix[np.arange(len(kept)), kept]).max()


def _worst_context() -> Instance:
    half, zero = Fraction(1, 2), Fraction(0)
    return {
        "p": np.array([2 * half, zero]),
        "draft": np.array([2 * half]),
        "matrix": np.array([[half, half]]),
        "kept": np.array([0]),
    }


def _is_embedding(matrix: np.ndarray, kept: np.ndarray) -> bool:
    rows = np.stack([_point(matrix[0], len(kept), i) for i in range(len(kept))])
    return bool((matrix == embed(rows, Vocabulary(matrix.shape[1], kept))).all())


def _never_loses(matrix: np.ndarray, kept: np.ndarray) -> bool:
    """Point masses and even mixtures of two, as targets and as drafts, are all tried."""
    points = [_point(matrix[0], len(kept), i) for i in range(len(kept))]
    laws = [(a + b) / 2 for a in points for b in points]
    targets = [np.array(_roads.embedded(law, kept, matrix.shape[1])) for law in laws]
    return all(_loss(p, draft, matrix, kept) <= 0 for p in targets for draft in laws)


CLAIM = Claim(
    id="no-free-dominance",
    title="No context-free kernel dominates TLI on all inputs",
    section="C",
    statement=(
        r"M \ne E_I \implies \exists\, p, q': \alpha(p, q' M) < \alpha(p, q');\quad"
        r"\max_{p, q'} [\alpha(p, q') - \alpha(p, q' M)] = \max_i (1 - M_{ii})"
    ),
    hypotheses=(
        Hypothesis(
            "not the embedding",
            r"M_{ii} < 1 \text{ for some kept } i",
            lambda matrix, kept, row: bool(matrix[row, kept[row]] < 1),
            lambda: {"matrix": np.array([[Fraction(1), Fraction(0)]]), "kept": np.array([0]), "row": 0},
            "loss",
        ),
    ),
    clauses=(
        Clause(
            name="loss",
            kind=Kind.COUNTEREXAMPLE,
            statement=r"M_{ii} < 1 \implies \alpha(e_i, e_i M) < \alpha(e_i, e_i)",
            build=_moving_kernel,
            stated=_tli_there,
            measured=_kernel_there,
            controls=(Control("the kernel wins there", kind=Kind.LOWER),),
            grid_size=3,
            grid_denominator=2,
            tolerance=0.0,
        ),
        Clause(
            name="largest loss",
            kind=Kind.TIGHT_UPPER,
            statement=r"\alpha(p, q') - \alpha(p, q' M) \le \max_i (1 - M_{ii})",
            build=_contexts,
            stated=lambda p, draft, matrix, kept: _largest_departure(matrix, kept),
            measured=_loss,
            controls=(
                Control(
                    "the smallest departure is enough",
                    stated=lambda p, draft, matrix, kept: (1 - matrix[np.arange(len(kept)), kept]).min(),
                ),
            ),
            attained=_worst_context,
            grid_size=2,
            grid_denominator=4,
        ),
        Clause(
            name="only the embedding",
            kind=Kind.IDENTITY,
            statement=r"\alpha(p, q' M) \ge \alpha(p, q') \text{ for all } p, q' \iff M = E_I",
            build=_any_kernel,
            stated=_is_embedding,
            measured=_never_loses,
            controls=(
                Control(
                    "every kernel that leaves some mass in place",
                    stated=lambda matrix, kept: bool(_largest_departure(matrix, kept) < 1),
                ),
            ),
            samples=100,
            grid_size=3,
            grid_denominator=2,
        ),
        Clause(
            name="any rule that sees the draft alone",
            kind=Kind.COUNTEREXAMPLE,
            statement=(
                r"\text{if a rule turns some } q' \text{ into } r \ne q', \text{ then at } p = q':"
                r"\ \alpha(p, r) = 1 - \mathrm{TV}(q', r) < \alpha(p, q') = 1"
            ),
            build=_rule,
            stated=lambda draft, proposal: acceptance_rate(draft, draft),
            measured=lambda draft, proposal: _roads.acceptance_by_trial(draft, proposal),
            controls=(
                Control(
                    "by more than the distance",
                    stated=lambda draft, proposal: acceptance_rate(draft, draft) - total_variation(draft, proposal),
                ),
            ),
            tolerance=0.0,
        ),
    ),
    remarks=(
        "The largest loss over all targets and drafts is known exactly: it is the largest mass that a row moves away.",
        "It holds beyond kernels: no function of the draft alone, however nonlinear, dominates TLI on all targets. "
        "Dominance is a statement about a distribution of contexts, or needs to know something of the target.",
    ),
)
