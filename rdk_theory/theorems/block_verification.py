"""``block-verification``: verifying a chain as a whole is lossless, and no lossless verifier accepts more."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.theorems import _roads, _sequences
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._sequences import Laws, chains, chance, context_laws
from rdk_theory.theorems._source import Source
from rdk_theory.trajectories import accepted_by_block, accepted_by_tokens
from rdk_theory.verification import verify_block, verify_chain


def _chain_laws(source: Source) -> Instance:
    """Rational laws of a chain that depend on the context, with the bonus step; two drafts on a grid."""
    if source.pick((True, False)):
        return _three_tokens(source)
    if source.exact:
        return _two_tokens(source)
    gamma = source.pick((1, 2))
    return {
        "targets": _sequences.laws(source, 2, gamma + 1, rational=True),
        "proposals": _sequences.laws(source, 2, gamma, rational=True),
    }


def _two_tokens(source: Source) -> Instance:
    """The second target law is reversed after the second token, or not."""
    (p, later), (r, after) = ((source.distribution(2), source.distribution(2)) for _ in range(2))
    reverse = source.pick((True, False))
    bonus = np.broadcast_to(_sequences.fractions(1, 2), (2, 2, 2))
    return {
        "targets": [p, np.stack([later, later[::-1] if reverse else later]), bonus],
        "proposals": [r, np.stack([after, after])],
    }


def _steady_laws(source: Source) -> Instance:
    """As `_chain_laws`; on a grid, the same law at every step."""
    if not source.exact:
        return _chain_laws(source)
    if source.pick((True, False)):
        return _three_tokens(source)
    return {name: _sequences.constant_laws(source.distribution(2), n) for name, n in (("targets", 3), ("proposals", 2))}


def _three_tokens(source: Source) -> Instance:
    """Laws of a short list, in which residuals of several tokens depend on the weight of the prefix.

    The same throughout on a grid; else one for each prefix.
    """
    some = [_sequences.fractions(*law) for law in ((6, 4, 2), (10, 1, 1), (1, 1, 10), (4, 4, 4))]
    if source.exact:
        p, r = source.pick(some), source.pick(some)
        return {"targets": _sequences.constant_laws(p, 3), "proposals": _sequences.constant_laws(r, 2)}
    rows = [np.stack([source.pick(some) for _ in range(3**step)]) for step in (0, 1, 2, 0, 1)]
    laws = [row.reshape((3,) * (step + 1)) for row, step in zip(rows, (0, 1, 2, 0, 1), strict=True)]
    return {"targets": laws[:3], "proposals": laws[3:]}


def _toy(source: Source) -> Instance:
    p, r = _sequences.fractions(1, 2), _sequences.fractions(2, 1)
    return {"targets": _sequences.constant_laws(p, 3), "proposals": _sequences.constant_laws(r, 2)}


def _rational_laws(source: Source) -> Instance:
    size, steps = (2, 2) if source.exact else source.pick(((2, 2), (2, 3), (3, 2)))
    return {name: _sequences.laws(source, size, steps, rational=True) for name in ("targets", "proposals")}


def _small_laws(source: Source) -> Instance:
    return {"targets": _sequences.laws(source, 2, 3), "proposals": _sequences.laws(source, 2, 2)}


def _whole(targets: Laws) -> list[Any]:
    """The target's own law of whole sequences."""
    return [chance(targets, tokens) for tokens in chains(targets, len(targets))]


def _law_and_length(law: dict[Any, Any], targets: Laws) -> np.ndarray:
    return np.array([*_sequences.completed(law, targets), _sequences.accepted(law)])


def _by_block(targets: Laws, proposals: Laws) -> np.ndarray:
    return _law_and_length(_sequences.emitted(verify_block, _sequences.block_cuts, targets, proposals), targets)


def _by_tokens(targets: Laws, proposals: Laws) -> np.ndarray:
    return _law_and_length(_sequences.emitted(verify_chain, _sequences.token_cuts, targets, proposals), targets)


def _mutant(passing: Callable[..., list[Any]], left: Callable[..., list[Any]]) -> Callable[..., np.ndarray]:
    """Block verification with other probabilities of passing, or another residual, played out by its formula."""

    def road(targets: Laws, proposals: Laws) -> np.ndarray:
        law: dict[Any, Any] = {}
        gamma = len(proposals)
        for chain in (c for c in chains(proposals, gamma) if chance(proposals, c) > 0):
            p = np.stack([targets[t][chain[:t]] for t in range(gamma + 1)])
            r = np.stack([proposals[t][chain[:t]] for t in range(gamma)])
            h = [1, *passing(p, r, chain)]
            for k in range(gamma + 1):
                mass = chance(proposals, chain) * h[k] * np.prod([1 - later for later in h[k + 1 :]] or [1])
                weights = left(p, r, chain, k) if k < gamma else p[gamma].tolist()
                weights = weights if sum(weights) > 0 else p[k].tolist()
                for y, weight in enumerate(weights):
                    key = ((*chain[:k], y), k)
                    law[key] = law.get(key, 0) + mass * weight / sum(weights)
        return _law_and_length(law, targets)

    return road


def _right_pass(p: np.ndarray, r: np.ndarray, chain: tuple[int, ...]) -> list[Any]:
    return _sequences.block_cuts(p, r, chain)[0]


def _right_left(p: np.ndarray, r: np.ndarray, chain: tuple[int, ...], k: int) -> list[Any]:
    return _sequences.block_cuts(p, r, chain)[1][k]


def _weight_pass(p: np.ndarray, r: np.ndarray, chain: tuple[int, ...]) -> list[Any]:
    return _sequences.prefix_weights(p, r, chain)[1:]


def _plain_left(p: np.ndarray, r: np.ndarray, chain: tuple[int, ...], k: int) -> list[Any]:
    return _roads.positive_part(p[k], r[k])


def _gains(targets: Laws, proposals: Laws) -> bool:
    """Some prefix of weight in (0, 1) is drafted, and then a token that the target likes better than the draft does."""
    for chain in chains(proposals, len(proposals)):
        for i in range(len(proposals)):
            p, r = (laws[i][chain[: i + 1]] for laws in (targets, proposals))
            if chance(proposals, chain[: i + 1]) > 0 and p > r and 0 < _weight(targets, proposals, chain[:i]) < 1:
                return True
    return False


def _weight(targets: Laws, proposals: Laws, prefix: tuple[int, ...]) -> Any:
    """``w`` of a prefix."""
    weight = targets[0][0] * 0 + 1
    for t in range(len(prefix)):
        weight = min(1, weight * targets[t][prefix[: t + 1]] / proposals[t][prefix[: t + 1]])
    return weight


def _best_length(targets: Laws, proposals: Laws) -> float:
    """Most expected accepted tokens of any lossless verifier: a linear program over what it does with each chain."""
    from scipy.optimize import linprog

    gamma, size = len(proposals), len(targets[0])
    every = [(chain, k, y) for chain in chains(proposals, gamma) for k in range(gamma + 1) for y in range(size)]
    mass = np.array([chance(proposals, chain) for chain, _, _ in every])
    one_action = [[float(chain == own) for own, _, _ in every] for chain in chains(proposals, gamma)]
    law = [
        [
            chance(targets, whole, k + 1) * m if whole[: k + 1] == (*chain[:k], y) else 0.0
            for (chain, k, y), m in zip(every, mass, strict=True)
        ]
        for whole in chains(targets, gamma + 1)
    ]
    wanted = [1.0] * len(one_action) + [chance(targets, whole) for whole in chains(targets, gamma + 1)]
    lengths = np.array([k for _, k, _ in every])
    # One equation follows from the others; rounding would make it inconsistent.
    equations, values = np.array(one_action + law)[:-1], np.array(wanted)[:-1]
    found = linprog(-mass * lengths, A_eq=equations, b_eq=values, options=_roads.PRECISE)
    return -float(found.fun)


def _greedy(targets: Laws, proposals: Laws) -> Any:
    """``Σ min(p, r)`` of whole prefixes: what one draw of each prefix could be accepted with, if it stood alone."""
    prefixes = [c for i in range(1, len(proposals) + 1) for c in chains(proposals, i)]
    return sum(min(chance(targets, c), chance(proposals, c)) for c in prefixes)


CLAIM = Claim(
    id="block-verification",
    title="Block verification is lossless and accepts the most",
    section="F",
    statement=(
        r"w_i = \min(1, w_{i-1}\, p(x_i)/r(x_i)),\; R_i = \sum_t (w_i\, p_t - r_t)_+,\; "
        r"h_i = \frac{R_i}{R_i + 1 - w_i},\; h_\gamma = w_\gamma: \text{ lossless, } "
        r"E[\text{accepted}] = \sum_i \sum_{x_{1:i}} W_i,\; W_i = \min(r(x_{1:i}), W_{i-1}\, p(x_i)); "
        r"\text{ at least token by token, more iff some prefix has } 0 < w < 1 \text{ and then } 0 < r(x) < p(x); "
        r"\text{ and no lossless verifier accepts more}"
    ),
    source="Sun et al. 2403.10444",
    clauses=(
        Clause(
            name="law and length",
            kind=Kind.IDENTITY,
            statement=(
                r"P[\text{emitted, then } p] = p(y_{1:\gamma+1}); \quad E[\text{accepted}] = \sum_i \sum_{x_{1:i}} W_i"
            ),
            build=_chain_laws,
            stated=lambda targets, proposals: np.array([*_whole(targets), accepted_by_block(targets[:-1], proposals)]),
            measured=_by_block,
            controls=(
                Control("prefixes pass with their weight", measured=_mutant(_weight_pass, _right_left)),
                Control("residual without the weight", measured=_mutant(_right_pass, _plain_left)),
                Control("length of token by token", measured=_by_tokens),
            ),
            grid_denominator=2,
            samples=16,
        ),
        Clause(
            name="token by token",
            kind=Kind.IDENTITY,
            statement=(
                r"\text{verified token by token: the same law, and } E[\text{accepted}] = "
                r"\sum_i \sum_{x_{1:i}} \prod_{j \le i} \min(p, r)(x_j)"
            ),
            build=_steady_laws,
            stated=lambda targets, proposals: np.array([*_whole(targets), accepted_by_tokens(targets[:-1], proposals)]),
            measured=_by_tokens,
            controls=(Control("as a block", measured=_mutant(_right_pass, _right_left)),),
            grid_denominator=6,
            samples=20,
        ),
        Clause(
            name="at least token by token",
            kind=Kind.TIGHT_LOWER,
            statement=r"\sum_i \sum_{x_{1:i}} W_i \ge \sum_i \sum_{x_{1:i}} \prod_{j \le i} \min(p, r)(x_j)",
            build=context_laws,
            stated=lambda targets, proposals: accepted_by_tokens(targets, proposals),
            measured=lambda targets, proposals: accepted_by_block(targets, proposals),
            controls=(
                Control("strictly", kind=Kind.EXISTENCE),
                Control("one token more", stated=lambda targets, proposals: accepted_by_tokens(targets, proposals) + 1),
            ),
            attained=lambda: {
                "targets": _sequences.constant_laws(_sequences.fractions(1, 2), 2),
                "proposals": _sequences.constant_laws(_sequences.fractions(1, 2), 2),
            },
            grid_size=2,
            grid_denominator=2,
        ),
        Clause(
            name="strictness",
            kind=Kind.IDENTITY,
            statement=(
                r"\text{more than token by token} \iff \exists x_{1:i}:\; "
                r"r(x_{1:i}) > 0,\; 0 < w_{i-1} < 1,\; p(x_i) > r(x_i)"
            ),
            build=_rational_laws,
            stated=_gains,
            measured=lambda targets, proposals: bool(
                accepted_by_block(targets, proposals) > accepted_by_tokens(targets, proposals)
            ),
            controls=(
                Control(
                    "whenever the laws differ",
                    stated=lambda targets, proposals: bool((targets[0] != proposals[0]).any()),
                ),
                Control("never", stated=lambda targets, proposals: False),
            ),
            grid_denominator=2,
            samples=40,
        ),
        Clause(
            name="no lossless verifier accepts more",
            kind=Kind.IDENTITY,
            statement=r"\max E[\text{accepted}] = \sum_i \sum_{x_{1:i}} W_i \text{ over all lossless verifiers}",
            build=_small_laws,
            stated=lambda targets, proposals: accepted_by_block(targets[:-1], proposals),
            measured=_best_length,
            controls=(
                Control(
                    "token by token", stated=lambda targets, proposals: accepted_by_tokens(targets[:-1], proposals)
                ),
                Control("every prefix on its own", stated=_greedy),
            ),
            exact=False,
            samples=25,
            tolerance=1e-7,  # the solver's own feasibility tolerance, on 24 entries
        ),
        Clause(
            name="two tokens",
            kind=Kind.IDENTITY,
            statement=r"p = (\tfrac13, \tfrac23),\; r = (\tfrac23, \tfrac13),\; \gamma = 2: \tfrac{11}9 > \tfrac{10}9",
            build=_toy,
            stated=lambda targets, proposals: np.array([Fraction(11, 9), Fraction(10, 9)], dtype=object),
            measured=lambda targets, proposals: np.array(
                [_by_block(targets, proposals)[-1], _by_tokens(targets, proposals)[-1]]
            ),
            controls=(
                Control("twice token by token", measured=lambda targets, proposals: _by_tokens(targets, proposals)[-1]),
            ),
            samples=10,
        ),
    ),
    remarks=(
        "Why nothing accepts more: let A(x_1..x_i) be the probability that the chain begins so and at least i tokens "
        "are accepted. It is at most r(x_1..x_i). What is emitted and gone on with by the target has law p, so the "
        "sequences that agree with x_1..x_i and of which i - 1 tokens were accepted have mass A(x_1..x_{i-1}) p(x_i): "
        "A is at most that too, hence at most W, prefix by prefix.",
        "Lossless here: what one call emits, continued by the target, has the target's law. A verifier that let later "
        "calls make up for this one is outside the statement.",
    ),
)
