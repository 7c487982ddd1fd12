"""R2 of ``block-verification``: the most that any lossless verifier of a chain accepts, as a linear programme."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from proofs_check.exact._certificate import Programme, Row
from proofs_check.exact._duality import Case, duality_proof
from proofs_check.exact._instances import Grid, Sample
from proofs_check.exact._propose import Solved, solve
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._sequences import Laws, chains, chance, fractions, laws
from rdk_theory.theorems._source import Source
from rdk_theory.trajectories import accepted_by_tokens

SHAPES = ((2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (5, 1))


def most_accepted(targets: Laws, proposals: Laws) -> Any:
    """Most expected accepted tokens; the targets go one step beyond the proposals."""
    return _verifier(*(tuple((law.shape, tuple(law.ravel())) for law in side) for side in (targets, proposals))).value


@cache
def _verifier(targets: Any, proposals: Any) -> Solved:
    """Variables: the probability that a chain is drafted, `k` tokens are accepted, and then `y` is emitted."""
    p, r = ([np.array(values, dtype=object).reshape(shape) for shape, values in side] for side in (targets, proposals))
    gamma, size = len(r), len(p[0])
    every = [(chain, k, y) for chain in chains(r, gamma) for k in range(gamma + 1) for y in range(size)]
    drafted = [Row({v: 1 for v in every if v[0] == chain}, chance(r, chain), equal=True) for chain in chains(r, gamma)]
    emitted = []
    for whole in chains(p, gamma + 1):
        agrees = [v for v in every if (*v[0][: v[1]], v[2]) == whole[: v[1] + 1]]
        emitted.append(Row({v: chance(p, whole, v[1] + 1) for v in agrees}, chance(p, whole), equal=True))
    return solve(Programme({v: v[1] for v in every}, (*drafted, *emitted)))


def _chain(source: Source) -> Instance:
    """Laws of a chain with the bonus step: two drafts of two tokens on a grid, with an even bonus."""
    if source.exact:
        targets = [*laws(source, 2, 2), np.broadcast_to(fractions(1, 1), (2, 2, 2))]
        return {"targets": targets, "proposals": laws(source, 2, 2)}
    size, gamma = source.pick(SHAPES)
    return {"targets": laws(source, size, gamma + 1), "proposals": laws(source, size, gamma)}


def _drafted(source: Source) -> Instance:
    """Without the bonus step."""
    chain = _chain(source)
    return {"targets": chain["targets"][:-1], "proposals": chain["proposals"]}


def _with_any_bonus(targets: Laws, proposals: Laws) -> Any:
    size, gamma = len(targets[0]), len(targets)
    return most_accepted([*targets, np.broadcast_to(fractions(*[1] * size), (size,) * (gamma + 1))], proposals)


def _gains(targets: Laws, proposals: Laws) -> bool:
    return bool(_with_any_bonus(targets, proposals) > accepted_by_tokens(targets, proposals))


def _sample(build: Callable[[Source], Instance]) -> Sample:
    beyond = "with (N, γ) among " + ", ".join(map(str, SHAPES))
    return Sample((Grid("chains with N = 2, γ = 2, an even bonus, laws", build, 2, (2,)),), build, 200, beyond)


CHAINS, DRAFTED = _sample(_chain), _sample(_drafted)

PROOF = duality_proof(
    "block-verification",
    __name__,
    Case("at least token by token", _with_any_bonus, DRAFTED, both=True),
    Case("strictness", _gains, DRAFTED, both=True),
    Case("no lossless verifier accepts more", most_accepted, CHAINS),
)
