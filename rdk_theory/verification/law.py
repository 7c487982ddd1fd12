"""The exact law of what a verifier or a sampler emits, in rationals, by running it on every cell of its uniforms.

A verifier compares its uniforms with finitely many thresholds, so the cube of uniforms falls into boxes on which it
always does the same. It is run in every box and the boxes' volumes are added up: no closed form of the law is used,
and a wrong verifier is enumerated as faithfully as a right one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from itertools import accumulate
from math import lcm, prod
from typing import Any, NamedTuple

import numpy as np

from rdk_theory import validation
from rdk_theory._array import is_exact
from rdk_theory._types import Real
from rdk_theory.kernels.base import Kernel
from rdk_theory.verification.samplers import Randomness, Sampler

Cuts = Iterable[Fraction]

_NEAR = Fraction(1, 1 << 80)
"""How near the two probes stand to the corners of a cell, as a part of its width: closer thresholds are not seen."""


class Emitted(NamedTuple):
    """What a verifier emits for one target and one proposal."""

    law: np.ndarray
    """Law of the emitted token, shape ``(N,)``, rationals."""
    acceptance: Fraction
    """Probability that the drafted token passes."""


def emitted_law(
    verify: Callable[..., tuple[Any, Any]],
    target: Real[np.ndarray, "N"],
    proposal: Real[np.ndarray, "N"],
    cuts: Cuts = (),
) -> Emitted:
    r"""Exact law of the token that `verify` emits when the drafted token is drawn from `proposal`.

    Parameters
    ----------
    verify
        A function with the signature of `verify_token`.
    target, proposal
        :math:`p` and :math:`r`, rationals.
    cuts
        Thresholds to which `verify` compares its uniforms, beyond those of `verify_token` (`thresholds`), which are
        always cut; `farey` gives all that can be formed from entries of a common denominator.

    Raises
    ------
    ValueError
        If `verify` is seen to change inside a cell: a cut is missing. One that changes inside a cell and changes
        back is not seen.
    """
    check_rationals("target", target)
    check_rationals("proposal", proposal)
    validation.same_shape("proposal", proposal, target.shape)
    every = [*thresholds(target, proposal), *cuts]
    law, acceptance = np.full(target.shape, Fraction(0), dtype=object), Fraction(0)
    for x in np.flatnonzero(proposal > 0).tolist():
        draw = partial(_verify, verify, target, proposal, x)
        for (token, accepted), mass in outcome_law(draw, [every, every]).items():
            law[token] += proposal[x] * mass
            acceptance += proposal[x] * mass * accepted
    return Emitted(law, acceptance)


def sampler_law(
    sampler: Sampler,
    target: Real[np.ndarray, "N"],
    draft: Real[np.ndarray, "K"],
    kernel: Kernel,
    cuts: Cuts = (),
) -> np.ndarray:
    r"""Exact law of the token that `sampler` emits, shape ``(N,)``.

    Parameters
    ----------
    sampler
        Uses the four scalar uniforms of its `Randomness`; one that uses `race` has no such law.
    target, draft, kernel
        :math:`p`, :math:`q'` and :math:`M`, rationals, for one context.
    cuts
        As in `emitted_law`, for the accept and the residual uniform.

    Raises
    ------
    ValueError
        As `emitted_law`.
    """
    check_rationals("target", target)
    check_rationals("draft", draft)
    rows = [kernel.row(i) for i in range(kernel.vocab.kept_size)]
    verify_cuts = [*thresholds(target, kernel.redistribute(draft)), *cuts]
    draw = partial(_sample, sampler, target, draft, kernel)
    law = np.full(target.shape, Fraction(0), dtype=object)
    draft_cuts = [steps(draft), [c for row in rows for c in steps([Fraction(m) for m in row])]]
    for (token,), mass in outcome_law(draw, [*draft_cuts, verify_cuts, verify_cuts]).items():
        law[token] += mass
    return law


def _verify(
    verify: Callable[..., tuple[Any, Any]], target: np.ndarray, proposal: np.ndarray, x: int, *uniforms: np.ndarray
) -> np.ndarray:
    """Emitted tokens and acceptance of one drafted token under many uniforms."""
    cells = uniforms[0].size
    p, r = (np.broadcast_to(row, (cells, row.size)) for row in (target, proposal))
    token, accepted = verify(p, r, np.full(cells, x), *uniforms)
    return np.stack([token, accepted], axis=-1)


def _sample(
    sampler: Sampler,
    target: np.ndarray,
    draft: np.ndarray,
    kernel: Kernel,
    first: np.ndarray,
    second: np.ndarray,
    accept: np.ndarray,
    residual: np.ndarray,
) -> np.ndarray:
    """Emitted tokens of a sampler under many uniforms."""
    p, q = (np.broadcast_to(row, (first.size, row.size)) for row in (target, draft))
    return sampler(p, q, kernel, Randomness(first, second, accept, residual, None))


def outcome_law(draw: Callable[..., np.ndarray], cuts: Sequence[Cuts]) -> dict[tuple[int, ...], Fraction]:
    """Law of ``draw(u_1, …, u_k)`` for independent uniforms.

    Parameters
    ----------
    draw
        Takes `k` arrays of rationals in [0, 1), of shape ``(cells,)``; gives integers, ``(cells,)`` or
        ``(cells, length)``.
    cuts
        For each uniform the values at which `draw` may change; those outside (0, 1) do not matter.

    Returns
    -------
    The probability of each outcome that occurs.

    Raises
    ------
    ValueError
        If `draw` differs between two opposite corners of a cell.
    """
    edges = [sorted({Fraction(0), Fraction(1), *(c for c in some if 0 < c < 1)}) for some in cuts]
    widths = [np.diff(np.array(e, dtype=object)) for e in edges]
    cells = [grid.ravel() for grid in np.meshgrid(*(np.arange(w.size) for w in widths), indexing="ij")]
    low, high = (
        draw(*(_inside(e, w, near)[cell] for e, w, cell in zip(edges, widths, cells, strict=True)))
        for near in (_NEAR, 1 - _NEAR)
    )
    if not np.array_equal(low, high):
        at = int(np.flatnonzero((low != high).reshape(cells[0].size, -1).any(axis=-1))[0])
        box = " × ".join(f"[{e[c[at]]}, {e[c[at] + 1]})" for e, c in zip(edges, cells, strict=True))
        raise ValueError(f"draw is not constant on the cell {box}: cuts are missing")
    law: dict[tuple[int, ...], Fraction] = {}
    outcomes = low.reshape(cells[0].size, -1).tolist()
    for index, outcome in enumerate(outcomes):
        volume = prod((w[c[index]] for w, c in zip(widths, cells, strict=True)), start=Fraction(1))
        law[tuple(outcome)] = law.get(tuple(outcome), Fraction(0)) + volume
    return law


def thresholds(target: np.ndarray, proposal: np.ndarray) -> list[Fraction]:
    """Where `verify_token` changes: the ratios ``p_x/r_x``, and the cumulative sums of the residual law.

    Without a residual it draws from the target, which only a wrong accept test lets it do.
    """
    ratios = [p / r for p, r in zip(target, proposal, strict=True) if r > 0]
    residual = [max(p - r, Fraction(0)) for p, r in zip(target, proposal, strict=True)]
    return [*ratios, *steps(residual if any(residual) else list(target))]


def steps(weights: Iterable[Fraction]) -> list[Fraction]:
    """Where an inverse-CDF draw from `weights` changes; nowhere if they are all 0."""
    sums = list(accumulate(weights))
    return [s / sums[-1] for s in sums] if sums[-1] > 0 else []


def farey(order: int) -> list[Fraction]:
    """Every fraction in [0, 1] whose denominator is at most `order`.

    With ``order = common_denominator(p, r, …)`` these hold every ratio of two sums of entries of these laws that
    lies in [0, 1]: the thresholds of verifiers, right or wrong, that compare such sums.
    """
    return sorted({Fraction(a, b) for b in range(1, order + 1) for a in range(b + 1)})


def common_denominator(*laws: np.ndarray) -> int:
    """The least common denominator of all entries."""
    return lcm(*(x.denominator for law in laws for x in law.ravel()))


def _inside(edges: list[Fraction], widths: np.ndarray, part: Fraction) -> np.ndarray:
    return np.array(edges[:-1], dtype=object) + widths * part


def check_rationals(name: str, x: Any) -> None:
    """`x` is one distribution in rationals."""
    validation.distribution(name, x)
    if not is_exact(x) or x.ndim != 1:
        raise ValueError(f"{name} of shape {tuple(x.shape)} must be one row of rationals")
