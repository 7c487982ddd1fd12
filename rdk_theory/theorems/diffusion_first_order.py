"""``diffusion-first-order``: one step of a random walk in place of the walk of random length."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.acceptance import acceptance_rate, total_variation
from rdk_theory.kernels import Diffusion
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _walk(source: Source, rational: bool = False) -> Instance:
    """A transition matrix and a weight below 1."""
    size = source.size(1, 5)
    law = source.rational_distribution if rational else source.distribution
    weight = 9 * source.weight() / 10
    return {"affinity": np.stack([law(size) for _ in range(size)]), "weight": Fraction(weight) if rational else weight}


def _sparse_walk(source: Source, rational: bool = True) -> Instance:
    """Each token moves to some tokens with equal probability; the weight is inside (0, 1)."""
    size = source.size(1, 5)
    rows = [source.kept(size, 1, min(2, size)) for _ in range(size)]
    affinity = np.array([[Fraction(int(j in row), len(row)) for j in range(size)] for row in rows])
    weight = Fraction(source.open_weight())
    if rational:
        return {"affinity": affinity, "weight": weight}
    return {"affinity": affinity.astype(np.float64), "weight": float(weight)}


def _context(source: Source) -> Instance:
    instance = _walk(source)
    size = len(instance["affinity"])
    kept = source.kept(size, 1, 2 if source.exact and size > 2 else size)
    return {**instance, "kept": kept, "p": source.distribution(size), "draft": source.distribution(len(kept))}


# The second road: linear systems for the resolvent, scaling and squaring for the heat kernel.


def resolvent(affinity: np.ndarray, weight: Any) -> np.ndarray:
    """``(1−θ)(I − θA)^{-1}`` by elimination: ``I − θA`` is diagonally dominant, and needs no pivots."""
    size = len(affinity)
    rows = [
        [(i == j) - weight * affinity[i, j] for j in range(size)] + [(1 - weight) * (i == j) for j in range(size)]
        for i in range(size)
    ]
    for i in range(size):
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for k in range(size):
            if k != i:
                rows[k] = [x - rows[k][i] * y for x, y in zip(rows[k], rows[i], strict=True)]
    return np.array([row[size:] for row in rows])


def heat(affinity: np.ndarray, weight: float) -> np.ndarray:
    """``exp(θ(A − I))`` as the 64th power of a step of a 64th of the weight, summed by Taylor's series."""
    step = weight / 64 * (affinity - np.eye(len(affinity)))
    total = term = np.eye(len(affinity))
    for n in range(1, 16):
        term = term @ step / n
        total = total + term
    for _ in range(6):
        total = total @ total
    return total


def one_step(affinity: np.ndarray, weight: Any) -> np.ndarray:
    """``(1−θ)I + θA``, entry by entry."""
    size = range(len(affinity))
    return np.array([[(1 - weight) * (i == j) + weight * affinity[i, j] for j in size] for i in size])


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Total variation row by row."""
    return np.array([sum(_roads.positive_part(a, b)) for a, b in zip(first, second, strict=True)])


def _resolvent_error(affinity: np.ndarray, weight: Any) -> np.ndarray:
    return _distances(resolvent(affinity, weight), one_step(affinity, weight))


def _heat_error(affinity: np.ndarray, weight: float) -> np.ndarray:
    return _distances(heat(affinity, weight), one_step(affinity, weight))


def _from_two_steps_on(affinity: np.ndarray, start: int) -> set[int]:
    """Tokens that a walk from `start` can be at after two steps or more."""
    reached: set[int] = set()
    front = {k for j in _next(affinity, start) for k in _next(affinity, j)}
    while front - reached:
        reached |= front
        front = {k for j in front for k in _next(affinity, j)}
    return reached


def _next(affinity: np.ndarray, token: int) -> set[int]:
    return set(np.flatnonzero(affinity[token] > 0).tolist())


def _never_comes_back(affinity: np.ndarray, weight: Any) -> np.ndarray:
    """For each token, whether no token that it moves to can be reached from it in two steps or more."""
    return np.array([not _next(affinity, i) & _from_two_steps_on(affinity, i) for i in range(len(affinity))])


def _not_in_two_steps(affinity: np.ndarray, weight: Any) -> np.ndarray:
    return ((affinity > 0) & (affinity @ affinity > 0)).sum(axis=1) == 0


# The package's road.


def _kernel(affinity: np.ndarray, weight: Any, kind: str) -> Diffusion:
    return Diffusion(Vocabulary.full(len(affinity)), affinity, weight, kind)


def _rows(affinity: np.ndarray, weight: float, kind: str) -> np.ndarray:
    kernel = _kernel(affinity, weight, kind)
    return np.stack([kernel.row(i) for i in range(len(affinity))])


def _sharper(affinity: np.ndarray, weight: Any) -> np.ndarray:
    """``θ² TV(A_i, (A² R)_i)``."""
    return weight**2 * total_variation(affinity, affinity @ affinity @ resolvent(affinity, weight))


def _acceptance_error(affinity: np.ndarray, weight: Any, kept: np.ndarray, p: np.ndarray, draft: np.ndarray) -> Any:
    whole = _roads.times(draft, resolvent(affinity, weight)[kept])
    step = Diffusion(Vocabulary(len(p), kept), affinity, weight).first_order().redistribute(draft)
    return abs(_roads.acceptance_by_trial(p, whole) - acceptance_rate(p, step))


def _chain(weight: Any) -> Instance:
    """0 moves to 1, 1 to 2, and 2 stays."""
    affinity = np.array([[Fraction(int(j == min(i + 1, 2))) for j in range(3)] for i in range(3)])
    return {"affinity": affinity, "weight": weight}


def _first_token(affinity: np.ndarray, weight: Any) -> Instance:
    """The draft is token 0, the target what the walk makes of it."""
    draft = affinity[0] * 0
    draft[0] += 1
    target = resolvent(affinity, weight)[0]
    return {"affinity": affinity, "weight": weight, "kept": np.arange(len(draft)), "p": target, "draft": draft}


def _float_chain() -> Instance:
    return {"affinity": _chain(1)["affinity"].astype(np.float64), "weight": 0.5}


def _inflated() -> Instance:
    """A row of sum 2."""
    return {"affinity": np.array([[Fraction(2)]]), "weight": Fraction(1, 4)}


CLAIM = Claim(
    id="diffusion-first-order",
    title="One step in place of a diffusion",
    section="D",
    statement=(
        r"A \text{ row-stochastic}: \quad \mathrm{TV}\big([(1-\theta)(I - \theta A)^{-1}]_i,"
        r" [(1-\theta) I + \theta A]_i\big)"
        r" = \theta^2\, \mathrm{TV}(A_i, [A^2 R_\theta]_i) \le \theta^2,"
        r"\quad \mathrm{TV}\big([e^{\theta(A - I)}]_i, [(1-\theta) I + \theta A]_i\big) \le \theta (1 - e^{-\theta});"
        r"\text{ both attained}"
    ),
    hypotheses=(
        Hypothesis(
            "row-stochastic",
            r"A \ge 0,\ A \mathbf 1 = \mathbf 1",
            lambda affinity, weight: bool((np.abs(affinity.sum(axis=1) - 1) <= 1e-12).all() and (affinity >= 0).all()),
            _inflated,
            "resolvent",
        ),
    ),
    clauses=(
        Clause(
            name="resolvent",
            kind=Kind.TIGHT_UPPER,
            statement=r"\mathrm{TV}([R_\theta]_i, [(1-\theta) I + \theta A]_i) \le \theta^2",
            build=_walk,
            stated=lambda affinity, weight: weight**2,
            measured=lambda **x: max(_resolvent_error(**x)),
            controls=(Control("cubic", stated=lambda affinity, weight: weight**3),),
            attained=lambda: _chain(Fraction(1, 3)),
            grid_denominator=2,
        ),
        Clause(
            name="resolvent, exactly",
            kind=Kind.IDENTITY,
            statement=(
                r"\mathrm{TV}([R_\theta]_i, [(1-\theta) I + \theta A]_i)"
                r" = \theta^2\, \mathrm{TV}(A_i, [A^2 R_\theta]_i)"
            ),
            build=_walk,
            stated=_sharper,
            measured=_resolvent_error,
            controls=(
                Control(
                    "the square alone",
                    stated=lambda affinity, weight: weight**2 * total_variation(affinity, affinity @ affinity),
                ),
            ),
            grid_denominator=2,
        ),
        Clause(
            name="resolvent, equality",
            kind=Kind.IDENTITY,
            statement=(
                r"0 < \theta < 1: \text{ equal to } \theta^2 \iff"
                r" \text{no token that } i \text{ moves to can be reached in two steps or more}"
            ),
            build=_sparse_walk,
            stated=_never_comes_back,
            measured=lambda affinity, weight: _resolvent_error(affinity, weight) == weight**2,
            controls=(Control("two steps only", stated=_not_in_two_steps),),
            grid_denominator=2,
        ),
        Clause(
            name="acceptance",
            kind=Kind.TIGHT_UPPER,
            statement=r"|\alpha(p, q' R_\theta) - \alpha(p, q'[(1-\theta) I + \theta A])| \le \theta^2",
            build=_context,
            stated=lambda affinity, weight, kept, p, draft: weight**2,
            measured=_acceptance_error,
            controls=(Control("a quarter of it", stated=lambda affinity, weight, kept, p, draft: weight**2 / 4),),
            attained=lambda: _first_token(**_chain(Fraction(1, 3))),
            grid_size=2,
            grid_denominator=2,
        ),
        Clause(
            name="heat",
            kind=Kind.TIGHT_UPPER,
            statement=r"\mathrm{TV}([e^{\theta(A - I)}]_i, [(1-\theta) I + \theta A]_i) \le \theta(1 - e^{-\theta})",
            build=_walk,
            stated=lambda affinity, weight: _kernel(affinity, weight, "heat").first_order().error_bound,
            measured=lambda **x: max(_heat_error(**x)),
            controls=(Control("half of the square", stated=lambda affinity, weight: weight**2 / 2),),
            attained=_float_chain,
            exact=False,
        ),
        Clause(
            name="heat, equality",
            kind=Kind.IDENTITY,
            statement=(
                r"\theta > 0: \text{ equal to } \theta(1 - e^{-\theta}) \iff"
                r" \text{no token that } i \text{ moves to can be reached in two steps or more}"
            ),
            build=lambda source: _sparse_walk(source, rational=False),
            stated=_never_comes_back,
            measured=lambda affinity, weight: _heat_error(affinity, weight) >= -weight * math.expm1(-weight) - 1e-12,
            controls=(Control("two steps only", stated=_not_in_two_steps),),
            exact=False,
        ),
        Clause(
            name="kernels",
            kind=Kind.IDENTITY,
            statement=r"\texttt{Diffusion} \text{ is } R_\theta \text{ or } e^{\theta(A - I)}",
            build=_walk,
            stated=lambda affinity, weight: np.concatenate(
                [_rows(affinity, weight, kind).ravel() for kind in ("resolvent", "heat")]
                + [[_kernel(affinity, weight, "resolvent").first_order().error_bound]]
            ),
            measured=lambda affinity, weight: np.concatenate(
                [resolvent(affinity, weight).ravel(), heat(affinity, weight).ravel(), [weight**2]]
            ),
            controls=(
                Control(
                    "one kernel for both",
                    measured=lambda affinity, weight: np.concatenate(
                        [heat(affinity, weight).ravel(), heat(affinity, weight).ravel(), [weight**2]]
                    ),
                ),
            ),
            exact=False,
            samples=100,
        ),
    ),
    remarks=(
        "Both bounds are attained exactly, not to leading order only, at every weight: by the chain 0 → 1 → 2 → 2.",
        "Equality holds in a row under the same condition for both: what can be reached in one step cannot be reached "
        "later.",
        "The resolvent's error is an identity: θ² times the distance of one step from two steps followed by the walk.",
    ),
)
