"""The exact joint law of the tokens that a verifier of chains emits, in rationals, on tiny vocabularies."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from rdk_theory._array import Array
from rdk_theory.verification.chain import Verified
from rdk_theory.verification.law import check_rationals, outcome_law, steps, thresholds

Rows = Callable[[tuple[int, ...]], np.ndarray]
"""A law that depends on the tokens before: from a prefix to a row of rationals."""


class ChainCuts(NamedTuple):
    """Where a verifier of chains may change, for each of its uniforms."""

    accept: list[list[Fraction]]
    residual: list[Fraction]
    bonus: list[Fraction]


class EmittedSequence(NamedTuple):
    """What a verifier of chains emits."""

    law: np.ndarray
    """Joint law of the next ``γ + 1`` tokens, shape ``(N,) * (γ + 1)``: those emitted, then the target's own."""
    accepted: Fraction
    """Expected number of accepted draft tokens."""


def emitted_sequence_law(
    verify: Callable[..., Verified],
    target: Rows,
    proposal: Rows,
    gamma: int,
    cuts: Callable[[list[np.ndarray], list[np.ndarray], tuple[int, ...]], ChainCuts],
) -> EmittedSequence:
    r"""Exact joint law of what `verify` emits when the chain is drafted from `proposal`.

    Parameters
    ----------
    verify
        A function with the signature of `verify_chain`.
    target, proposal
        :math:`p(\cdot \mid x_{<i})` and :math:`r(\cdot \mid x_{<i})` as functions of the prefix, rational rows.
    gamma
        Length of the draft.
    cuts
        Gives the thresholds of `verify` from the target rows, the proposal rows and the chain: `chain_cuts` or
        `block_cuts`.

    Returns
    -------
    EmittedSequence
        `verify` is lossless on these laws iff ``law`` equals `joint_law` of the target.

    Raises
    ------
    ValueError
        As `outcome_law`, where cuts are missing.
    """
    size = target(()).size
    law, expected = np.full((size,) * (gamma + 1), Fraction(0), dtype=object), Fraction(0)
    for chain in product(range(size), repeat=gamma):
        p = [_row("target", target(chain[:i])) for i in range(gamma + 1)]
        r = [_row("proposal", proposal(chain[:i])) for i in range(gamma)]
        drafted = prod((row[x] for row, x in zip(r, chain, strict=True)), start=Fraction(1))
        if not drafted:
            continue
        accept, residual, bonus = cuts(p, r, chain)
        draw = _run(verify, np.stack(p), np.stack(r), np.array(chain))
        for (accepted, *tokens), mass in outcome_law(draw, [*accept, residual, bonus]).items():
            expected += drafted * mass * accepted
            _continue(law, target, tuple(tokens[: accepted + 1]), drafted * mass)
    return EmittedSequence(law, expected)


def joint_law(rows: Rows, length: int) -> np.ndarray:
    """Joint law of the next `length` tokens, shape ``(N,) * length``."""
    law = np.full((rows(()).size,) * length, Fraction(0), dtype=object)
    _continue(law, rows, (), Fraction(1))
    return law


def chain_cuts(p: list[np.ndarray], r: list[np.ndarray], chain: tuple[int, ...]) -> ChainCuts:
    """Where `verify_chain` changes: the ratios of the chain's tokens, the residuals of all steps, the bonus law."""
    accept = [[row_p[x] / row_r[x]] for row_p, row_r, x in zip(p, r, chain, strict=False)]
    residual = [c for row_p, row_r in zip(p, r, strict=False) for c in thresholds(row_p, row_r)]
    return ChainCuts(accept, residual, steps(p[-1]))


def block_cuts(p: list[np.ndarray], r: list[np.ndarray], chain: tuple[int, ...]) -> ChainCuts:
    """Where `verify_block` changes: its pass probabilities, the residuals of all prefixes, the bonus law."""
    weight = Fraction(1)
    residual, accept = list(steps(_excess(weight, p[0], r[0]))), []
    for i, x in enumerate(chain, start=1):
        weight = min(Fraction(1), weight * p[i - 1][x] / r[i - 1][x])
        if i == len(chain):
            accept.append([weight])
            break
        excess = _excess(weight, p[i], r[i])
        mass = sum(excess)
        accept.append([mass / (mass + 1 - weight)] if mass else [])
        residual.extend(steps(excess))
    return ChainCuts(accept, residual, steps(p[-1]))


def _excess(weight: Fraction, p: np.ndarray, r: np.ndarray) -> list[Fraction]:
    return [max(weight * a - b, Fraction(0)) for a, b in zip(p, r, strict=True)]


def _run(verify: Callable[..., Verified], p: np.ndarray, r: np.ndarray, chain: np.ndarray) -> Callable[..., np.ndarray]:
    """The verifier on one chain as a function of its uniforms: the number of accepted tokens, then the tokens."""

    def draw(*uniforms: np.ndarray) -> np.ndarray:
        def every(x: Array) -> Any:
            return np.broadcast_to(x, (uniforms[0].size, *x.shape))

        *accept, residual, bonus = uniforms
        out = verify(every(p), every(r), every(chain), np.stack(accept, axis=-1), residual, bonus)
        return np.concatenate([out.accepted[:, None], out.tokens], axis=-1)

    return draw


def _continue(law: np.ndarray, rows: Rows, prefix: tuple[int, ...], mass: Fraction) -> None:
    """Spread `mass` over all continuations of `prefix` by `rows`."""
    if len(prefix) == law.ndim:
        law[prefix] += mass
        return
    for token, chance in enumerate(rows(prefix)):
        if chance and mass:
            _continue(law, rows, (*prefix, token), mass * chance)


def _row(name: str, row: np.ndarray) -> np.ndarray:
    check_rationals(name, row)
    return row
