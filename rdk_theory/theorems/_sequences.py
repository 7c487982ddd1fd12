"""Sequences whose laws depend on the prefix: instances, and decoding played out by enumeration.

The laws of step `t` are one array of ``t + 1`` axes: ``laws[t][prefix]`` is the law of the next token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems._source import Source
from rdk_theory.verification import law as exact_law

Laws = list[np.ndarray]


def laws(source: Source, size: int, steps: int, rational: bool = False) -> Laws:
    """Independent laws for every prefix of up to ``steps − 1`` tokens."""
    one = source.rational_distribution if rational else source.distribution
    rows = [np.stack([one(size) for _ in range(size**step)]) for step in range(steps)]
    return [row.reshape((size,) * (step + 1)) for step, row in enumerate(rows)]


def constant_laws(row: np.ndarray, steps: int) -> Laws:
    """The same law at every step, whatever the prefix."""
    return [np.broadcast_to(row, (len(row),) * (step + 1)) for step in range(steps)]


def fractions(*numerators: int) -> np.ndarray:
    """A rational law with these numerators over their sum."""
    return np.array([Fraction(n, sum(numerators)) for n in numerators], dtype=object)


def chance(laws: Sequence[np.ndarray], tokens: tuple[int, ...], given: int = 0) -> Any:
    """Probability that a sequence begins with these tokens, given the first `given` of them."""
    return prod(laws[t][tokens[: t + 1]] for t in range(given, len(tokens)))


def chains(laws: Sequence[np.ndarray], steps: int) -> Iterator[tuple[int, ...]]:
    """Every chain of `steps` tokens, possible or not."""
    return product(range(len(laws[0])), repeat=steps)


def context_laws(source: Source, longest: int = 3) -> Instance:
    """Targets and proposals of a few steps over a few tokens; two tokens on a grid."""
    size = 2 if source.exact else source.size(2, 3)
    steps = source.size(1, longest)
    return {"targets": laws(source, size, steps), "proposals": laws(source, size, steps)}


# Decoding played out, step by step, for expected rejections.


def rejections(targets: Laws, proposals: Laws, block: int, bonus: bool) -> Any:
    """Expected rejections up to the last step, drafting `block` tokens a call; with or without a bonus token."""
    return _Decoding(targets, proposals, block, bonus).rejections((), 0)


class _Decoding(NamedTuple):
    """Decoding of one sequence, as a tree of what may happen."""

    targets: Laws
    proposals: Laws
    block: int
    bonus: bool

    def rejections(self, prefix: tuple[int, ...], drafted: int) -> Any:
        """Expected rejections after a prefix of which the last `drafted` tokens were accepted in this call."""
        if len(prefix) == len(self.targets):
            return 0
        p, r = (laws[len(prefix)][prefix] for laws in (self.targets, self.proposals))
        if drafted == self.block and self.bonus:
            return sum(p[y] * self.rejections((*prefix, y), 0) for y in range(len(p)) if p[y] > 0)
        passed = [r[y] * min(1, p[y] / r[y]) if r[y] > 0 else 0 for y in range(len(p))]
        after = drafted % self.block + 1
        kept = sum(a * self.rejections((*prefix, y), after) for y, a in enumerate(passed) if a > 0)
        left = _roads.positive_part(p, r)
        if sum(left) <= 0:
            return kept
        replaced = sum(w * (1 + self.rejections((*prefix, y), 0)) for y, w in enumerate(left) if w > 0)
        return kept + (1 - sum(passed)) * replaced / sum(left)


# The real verifiers, run on every cell of their uniforms.

Cuts = Callable[[np.ndarray, np.ndarray, tuple[int, ...]], tuple[list[Any], list[list[Any]]]]
"""From the rows of one chain: the threshold of every accept uniform, and the laws of the possible residual draws."""


def emitted(verify: Callable[..., Any], cuts: Cuts, targets: Laws, proposals: Laws) -> dict[Any, Any]:
    """Exact law of ``(emitted tokens, accepted)`` of a verifier of chains, the chain drawn from `proposals`."""
    out: dict[Any, Any] = {}
    gamma = len(proposals)
    for chain in chains(proposals, gamma):
        mass = chance(proposals, chain)
        if mass <= 0:
            continue
        p = np.stack([targets[t][chain[:t]] for t in range(gamma + 1)])
        r = np.stack([proposals[t][chain[:t]] for t in range(gamma)])
        for (accepted, *tokens), part in _outcomes(verify, cuts, p, r, chain).items():
            key = (tuple(tokens[: accepted + 1]), accepted)
            out[key] = out.get(key, 0) + mass * part
    return out


def _outcomes(verify: Callable[..., Any], cuts: Cuts, p: np.ndarray, r: np.ndarray, chain: tuple[int, ...]) -> Any:
    """Law of what the verifier does with one chain; raises if a threshold is missing among the cuts."""
    accept, residuals = cuts(p, r, chain)
    residual = [c for weights in residuals for c in exact_law.steps(weights)]
    every = [*([a] for a in accept), residual, exact_law.steps(p[-1])]
    return exact_law.outcome_law(partial(_verify, verify, p, r, np.asarray(chain)), every)


def _verify(
    verify: Callable[..., Any], p: np.ndarray, r: np.ndarray, chain: np.ndarray, *uniforms: np.ndarray
) -> np.ndarray:
    """Number of accepted tokens, then the emitted ones, for one chain and many uniforms."""
    *accept, residual, bonus = uniforms
    rows, drafts, drafted = (np.broadcast_to(x, (bonus.size, *x.shape)) for x in (p, r, chain))
    found = verify(rows, drafts, drafted, np.stack(accept, axis=-1), residual, bonus)
    return np.concatenate([found.accepted[:, None], found.tokens], axis=-1)


def token_cuts(p: np.ndarray, r: np.ndarray, chain: tuple[int, ...]) -> tuple[list[Any], list[list[Any]]]:
    """Ratios, and residuals ``(p − r)_+``."""
    ratios = [p[i, x] / r[i, x] for i, x in enumerate(chain)]
    return ratios, [_roads.positive_part(p[i], r[i]) for i in range(len(chain))]


def block_cuts(p: np.ndarray, r: np.ndarray, chain: tuple[int, ...]) -> tuple[list[Any], list[list[Any]]]:
    """The probabilities ``h_i`` with which prefixes pass, and residuals ``(w p − r)_+``."""
    w = prefix_weights(p, r, chain)
    residuals = [_roads.positive_part(w[i] * p[i], r[i]) for i in range(len(chain))]
    masses = [sum(residual) for residual in residuals]
    inner = [masses[i] / (masses[i] + 1 - w[i]) if w[i] < 1 else w[0] for i in range(1, len(chain))]
    return [*inner, w[-1]], residuals


def prefix_weights(p: np.ndarray, r: np.ndarray, chain: tuple[int, ...]) -> list[Any]:
    """``w_0 = 1`` and ``w_i = min(1, w_{i−1} p(x_i)/r(x_i))``."""
    w = [p[0, 0] * 0 + 1]
    for i, x in enumerate(chain):
        w.append(min(w[0], w[-1] * p[i, x] / r[i, x]))
    return w


def completed(law: dict[Any, Any], targets: Laws) -> np.ndarray:
    """Law of whole sequences: what was emitted, gone on with by the target; flat, in the order of `chains`."""
    steps = len(targets)
    whole = dict.fromkeys(chains(targets, steps), 0 * targets[0][0])
    for (tokens, _), mass in law.items():
        for sequence in whole:
            if sequence[: len(tokens)] == tokens:
                whole[sequence] += mass * chance(targets, sequence, len(tokens))
    return np.array(list(whole.values()))


def accepted(law: dict[Any, Any]) -> Any:
    """Expected number of accepted tokens."""
    return sum(mass * count for (_, count), mass in law.items())
