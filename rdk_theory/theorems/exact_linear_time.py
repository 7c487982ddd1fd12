"""``exact-linear-time``: any kernel verified without its proposal, exactly, reading at most two columns on average."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.kernels.dense import Dense
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.verification import verify_lazy
from rdk_theory.vocabulary import Vocabulary

SHORTEST = 1e-14
"""Shortest range of a float uniform that is played: what it weighs is less than the tolerance."""


def _context(source: Source, most: int = 4) -> Instance:
    size = source.size(1, most)
    kept = source.kept(size)
    return {
        "p": source.distribution(size),
        "draft": source.distribution(len(kept)),
        "kept": kept,
        "matrix": np.stack([source.distribution(size) for _ in kept]),
    }


def _context_and_tries(source: Source) -> Instance:
    return {**_context(source), "tries": source.pick((0, 1, 2))}


def _laws_and_tries(source: Source) -> Instance:
    size = source.size(1, 6)
    return {"p": source.distribution(size), "r": source.distribution(size), "tries": source.pick((0, 1, 2, 5))}


# The loop of the statement, its law added up branch by branch; nothing of the package.


class Loop(NamedTuple):
    """What the loop does: the law of the emitted token, and means."""

    law: list[Any]
    fallback: Any
    columns: Any


def _keep(p: Any, r: Any) -> Any:
    """Probability of keeping a proposal `y` from the target: ``(1 − r_y/p_y)_+``."""
    return max(0, 1 - r / p)


def loop(p: np.ndarray, r: np.ndarray, tries: int, keep: Callable[[Any, Any], Any] = _keep) -> Loop:
    """Draft from `r`, accept or reject, then at most `tries` proposals from `p`, then the residual itself."""
    law = [b * min(1, a / b) if b > 0 else 0 * a for a, b in zip(p, r, strict=True)]
    alive = 1 - sum(law)
    columns = 1 + 0 * alive
    for _ in range(tries):
        columns += alive
        kept = [alive * a * keep(a, b) if a > 0 else 0 * a for a, b in zip(p, r, strict=True)]
        law = [x + y for x, y in zip(law, kept, strict=True)]
        alive -= sum(kept)
    weights = _roads.positive_part(p, r)
    total = sum(weights)
    if total > 0:
        law = [x + alive * w / total for x, w in zip(law, weights, strict=True)]
    return Loop(law, alive, columns)


# The package's verifier, played on one uniform from every range on which it does the same.


class Play(NamedTuple):
    """Uniforms that lead down one branch, and the probability of the branch."""

    weight: Any
    drafted: int
    accept: Any
    proposals: tuple[Any, ...] = ()
    keeps: tuple[Any, ...] = ()
    fallback: Any = 0


def _ranges(weights: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Each outcome of an inverse-CDF draw: its index, the length of its range, the middle of it."""
    total, start = sum(weights), 0 * weights[0]
    for index, weight in enumerate(weights):
        length = weight / total
        if length > (SHORTEST if isinstance(length, float) else 0):
            yield index, length, start + length / 2
        start += length


def _plays(p: np.ndarray, r: np.ndarray, tries: int) -> Iterator[Play]:
    for x, drawn, _ in _ranges(list(r)):
        passes = min(p[x] / r[x], 1 + 0 * p[x])
        for rejected, length, middle in _ranges([passes, 1 - passes]):
            start = Play(drawn * length, x, middle)
            yield from _continued(start, p, r, tries) if rejected else [start]


def _continued(play: Play, p: np.ndarray, r: np.ndarray, tries: int) -> Iterator[Play]:
    if len(play.keeps) == tries:
        residual = _roads.positive_part(p, r)
        for _, length, middle in _ranges(residual if sum(residual) > 0 else list(p)):
            yield play._replace(weight=play.weight * length, fallback=middle)
        return
    for y, drawn, place in _ranges(list(p)):
        kept = _keep(p[y], r[y]) + 0 * p[y]
        for failed, length, middle in _ranges([kept, 1 - kept]):
            proposals, keeps = (*play.proposals, place), (*play.keeps, middle)
            following = play._replace(weight=play.weight * drawn * length, proposals=proposals, keeps=keeps)
            yield from _continued(following, p, r, tries) if failed else [following]


def played(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, matrix: np.ndarray, tries: int) -> Loop:
    """Law and means of `verify_lazy`, all branches in one batch."""
    plays = list(_plays(p, np.array(_roads.times(draft, matrix)), tries))
    nothing = 0 * p[0]
    padded = [[(*x, *[nothing] * (tries - len(x))) for x in (play.proposals, play.keeps)] for play in plays]
    proposals, keeps = (np.array([pair[i] for pair in padded], dtype=p.dtype) for i in (0, 1))
    out = verify_lazy(
        np.tile(p, (len(plays), 1)),
        np.tile(draft, (len(plays), 1)),
        Dense(Vocabulary(len(p), kept), matrix),
        np.array([play.drafted for play in plays]),
        np.array([play.accept for play in plays]),
        proposals.reshape(len(plays), tries),
        keeps.reshape(len(plays), tries),
        np.array([play.fallback + nothing for play in plays]),
    )
    weights = np.array([play.weight for play in plays])
    law = [weights[out.token == t].sum() + nothing for t in range(len(p))]
    return Loop(law, (weights * out.fell_back).sum(), (weights * out.columns).sum())


def _drawn(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The law of a two-stage draw, and the probability of each token read off its column."""
    kernel = Dense(Vocabulary(len(p), kept), matrix)
    law = np.array([0 * p[0]] * len(p))
    for i, chosen, _ in _ranges(list(draft)):
        for _, length, middle in _ranges(list(matrix[i])):
            token = kernel.draw(np.array(i), np.asarray(middle))
            law[token] = law[token] + chosen * length
    tokens = np.arange(len(p))
    return np.concatenate([law, np.asarray(kernel.probability(np.tile(draft, (len(p), 1)), tokens))])


def _alpha(p: np.ndarray, draft: np.ndarray, kept: np.ndarray, matrix: np.ndarray) -> Any:
    return acceptance_rate(p, Dense(Vocabulary(len(p), kept), matrix).redistribute(draft))


def _means(x: Loop) -> np.ndarray:
    return np.array([x.fallback, x.columns])


CLAIM = Claim(
    id="exact-linear-time",
    title="Any kernel, verified without its proposal",
    section="D",
    statement=(
        r"i \sim q',\ x \sim M_i;\ \text{accept with } \min(1, p_x/\tilde p_x);\ \text{else up to } m \text{ times }"
        r" y \sim p, \text{ kept with } (1 - \tilde p_y/p_y)_+;\ \text{else the residual. The law is } p,"
        r"\ P[\text{residual formed}] = (1-\alpha)\alpha^m,\ \mathrm E[\text{columns read}] = 2 - \alpha^m \le 2"
    ),
    clauses=(
        Clause(
            name="law of the loop",
            kind=Kind.IDENTITY,
            statement=r"P[\text{emitted} = t] = p_t \text{ for every } m",
            build=_laws_and_tries,
            stated=lambda p, r, tries: p,
            measured=lambda p, r, tries: np.array(loop(p, r, tries).law),
            controls=(
                Control(
                    "kept with the ratio itself",
                    measured=lambda p, r, tries: np.array(loop(p, r, tries, lambda a, b: min(1, b / a)).law),
                ),
                Control(
                    "proposals always kept",
                    measured=lambda p, r, tries: np.array(loop(p, r, tries, lambda a, b: 1).law),
                ),
            ),
            grid_denominator=3,
        ),
        Clause(
            name="fall-back and columns",
            kind=Kind.IDENTITY,
            statement=r"P[\text{residual formed}] = (1-\alpha)\alpha^m,\quad \mathrm E[\text{columns}] = 2 - \alpha^m",
            build=_laws_and_tries,
            stated=lambda p, r, tries: np.array(
                [(1 - acceptance_rate(p, r)) * acceptance_rate(p, r) ** tries, 2 - acceptance_rate(p, r) ** tries]
            ),
            measured=lambda p, r, tries: _means(loop(p, r, tries)),
            controls=(
                Control(
                    "one try more",
                    stated=lambda p, r, tries: np.array(
                        [
                            (1 - acceptance_rate(p, r)) * acceptance_rate(p, r) ** (tries + 1),
                            2 - acceptance_rate(p, r) ** (tries + 1),
                        ]
                    ),
                ),
            ),
            grid_denominator=3,
        ),
        Clause(
            name="two-stage draw",
            kind=Kind.IDENTITY,
            statement=r"P[x] = \sum_i q'_i M_{ix} = \tilde p_x, \text{ which one column gives}",
            build=_context,
            stated=lambda p, draft, kept, matrix: np.tile(
                np.asarray(Dense(Vocabulary(len(p), kept), matrix).redistribute(draft)), 2
            ),
            measured=_drawn,
            controls=(
                Control(
                    "every row the first",
                    measured=lambda p, draft, kept, matrix: _drawn(p, draft, kept, np.tile(matrix[:1], (len(kept), 1))),
                ),
            ),
            samples=60,
            grid_size=2,
            grid_denominator=2,
        ),
        Clause(
            name="law of the verifier",
            kind=Kind.IDENTITY,
            statement=r"\texttt{verify\_lazy}\text{: the emitted token has law } p",
            build=_context_and_tries,
            stated=lambda p, draft, kept, matrix, tries: p,
            measured=lambda **x: np.array(played(**x).law),
            controls=(
                Control(
                    "the law of the drafts",
                    stated=lambda p, draft, kept, matrix, tries: np.array(_roads.times(draft, matrix)),
                ),
            ),
            samples=40,
            grid_size=2,
            grid_denominator=2,
        ),
        Clause(
            name="work of the verifier",
            kind=Kind.IDENTITY,
            statement=(
                r"\texttt{verify\_lazy}\text{: } P[\text{fell back}] = (1-\alpha)\alpha^m,"
                r"\ \mathrm E[\text{columns}] = 2 - \alpha^m"
            ),
            build=_context_and_tries,
            stated=lambda tries, **x: np.array([(1 - _alpha(**x)) * _alpha(**x) ** tries, 2 - _alpha(**x) ** tries]),
            measured=lambda **x: _means(played(**x)),
            controls=(
                Control(
                    "two columns whatever m",
                    stated=lambda tries, **x: np.array([(1 - _alpha(**x)) * _alpha(**x) ** tries, 2 + 0 * _alpha(**x)]),
                ),
            ),
            samples=40,
            grid_size=2,
            grid_denominator=2,
        ),
    ),
    remarks=(
        "The mean number of columns is exactly 2 − α^m: at most 2 for every m, and less where the tries are capped.",
        "The verifier is run on one uniform out of every range on which it does the same, and the branches are weighed "
        "by their ranges: its whole law, without sampling.",
    ),
)
