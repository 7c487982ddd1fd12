r"""Sequences whose laws depend on the prefix: expected rejections, and expected accepted tokens of a drafted chain.

The laws of step :math:`t = 0, 1, …` are one array of :math:`t + 1` axes, each of length `N`: the row ``laws[t][x]`` is
the law of the next token after the prefix :math:`x = (x_1, …, x_t)`. Every prefix is enumerated, so these functions are
for small `N` and short chains; they are what a simulation is held to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rdk_theory import validation
from rdk_theory._array import Array, double, namespace


def trajectory_rejections(targets: Sequence[Array], proposals: Sequence[Array]) -> Any:
    r"""Expected rejections along a sequence, :math:`\sum_t \mathrm E_{x_{<t} \sim p}\, \mathrm{TV}(p_t, r_t)`.

    Parameters
    ----------
    targets, proposals
        :math:`p_t` and :math:`r_t` for every prefix: arrays of shapes ``(N,)``, ``(N, N)``, …, one for each step.

    Returns
    -------
    One number: of the drafted tokens that are tested, how many are expected to be rejected, where every
    position is drafted (no bonus token). With bonus tokens it is an upper bound.

    Raises
    ------
    ValueError
        If a row is no distribution, a shape is not ``(N,) * (t + 1)``, the lists differ in length or are empty.

    Notes
    -----
    No independence is assumed: rejections at different positions may depend on each other. The emitted
    prefix has law `p` whatever was rejected before (claim ``lossless``), and that is all the sum needs
    (claim ``expected-tokens``).
    """
    steps = _flat(targets, proposals)
    xp = namespace(*steps[0])
    weight, total = _one(steps), 0
    for p, r in steps:
        total = total + xp.sum(weight * xp.sum(abs(p - r), axis=-1)) / 2
        weight = _extend(weight, p)
    return total


def accepted_by_tokens(targets: Sequence[Array], proposals: Sequence[Array]) -> Any:
    r"""Expected accepted tokens of a chain of :math:`\gamma` drafts, verified token by token.

    :math:`\sum_{i=1}^{\gamma} \sum_{x_{1:i}} \prod_{j \le i} \min(p(x_j \mid x_{<j}), r(x_j \mid x_{<j}))`.

    Parameters
    ----------
    targets, proposals
        As in `trajectory_rejections`, for the :math:`\gamma` drafted steps (without the bonus step).

    Notes
    -----
    What `verify_chain` accepts in expectation when the chain was drawn from `proposals`.
    """
    steps = _flat(targets, proposals)
    xp = namespace(*steps[0])
    weight, total = _one(steps), 0
    for p, r in steps:
        weight = _extend(weight, xp.minimum(p, r))
        total = total + xp.sum(weight)
    return total


def accepted_by_block(targets: Sequence[Array], proposals: Sequence[Array]) -> Any:
    r"""Expected accepted tokens of a chain of :math:`\gamma` drafts, verified as a block.

    :math:`\sum_{i=1}^{\gamma} \sum_{x_{1:i}} W_i(x_{1:i})` with :math:`W_0 = 1` and
    :math:`W_i = \min(r(x_{1:i}),\; W_{i-1}\, p(x_i \mid x_{<i}))`.

    Parameters
    ----------
    targets, proposals
        As in `accepted_by_tokens`.

    Notes
    -----
    What `verify_block` accepts in expectation, and the most that any lossless verifier of the chain can
    (claim ``block-verification``).
    """
    steps = _flat(targets, proposals)
    xp = namespace(*steps[0])
    weight, drafted, total = _one(steps), _one(steps), 0
    for p, r in steps:
        drafted = _extend(drafted, r)
        weight = xp.minimum(drafted, _extend(weight, p))
        total = total + xp.sum(weight)
    return total


def _flat(targets: Sequence[Array], proposals: Sequence[Array]) -> list[tuple[Array, Array]]:
    """The laws of every step as one row for each prefix."""
    check_laws(targets, proposals)
    return [
        (double(p).reshape(-1, p.shape[-1]), double(r).reshape(-1, r.shape[-1]))
        for p, r in zip(targets, proposals, strict=True)
    ]


def _one(steps: list[tuple[Array, Array]]) -> Array:
    """Weight 1 for the empty prefix; shape ``(1,)``."""
    first = steps[0][0]
    return first[:, 0] * 0 + 1


def _extend(weight: Array, rows: Array) -> Array:
    """Weights of all prefixes that are longer by one token: shapes ``(n,)`` and ``(n, N)`` to ``(n N,)``."""
    return (weight[:, None] * rows).reshape(-1)


def check_laws(targets: Sequence[Array], proposals: Sequence[Array]) -> None:
    """Two lists of laws over one vocabulary, step `t` with one row for each of its ``N ** t`` prefixes."""
    if len(targets) == 0 or len(targets) != len(proposals):
        raise ValueError(
            f"targets and proposals must have one array a step, not {len(targets)} and {len(proposals)} arrays"
        )
    for name, laws in (("targets", targets), ("proposals", proposals)):
        for step, law in enumerate(laws):
            validation.distribution(f"{name}[{step}]", law)
            validation.same_shape(f"{name}[{step}]", law, (targets[0].shape[-1],) * (step + 1))
            validation.same_library(f"targets[0] and {name}[{step}]", targets[0], law)
