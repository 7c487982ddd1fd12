r"""Tokens a target call along a text, from the ratios :math:`r(x_t)/p(x_t)` at its tokens.

Speculative decoding emits a text of law `p`. Given the text that it emits, a call that starts at token `t` accepts at
least `i` drafted tokens with probability

.. math::
    \prod_{j \le i} \min(1, \rho_{t+j-1}) \ \text{(token by token)}, \qquad
    \min_{k \le i} \prod_{j \le k} \rho_{t+j-1} \ \text{(as a block)}, \qquad \rho_t = r(x_t)/p(x_t),

independently of what was accepted before: token by token, :math:`x` is both drafted and accepted with probability
:math:`\min(p_x, r_x)` and emitted with probability :math:`p_x`; as a block, the prefix :math:`x_{1:i}` is accepted with
probability :math:`W_i = \min(r(x_{1:i}), W_{i-1} p(x_i))`, and the next token has law `p` whether or not more are
accepted. So ratios in captured contexts that follow one another give the expected number of calls for the text, with
every dependence between its tokens; that the drafter was not run on tokens that it would have drafted does not matter.
"""

from __future__ import annotations

import numpy as np

from rdk_theory import validation
from rdk_theory._types import Real

VERIFICATIONS = ("token", "block")


def reached(logs: Real[np.ndarray, "*batch gamma"], verification: str) -> Real[np.ndarray, "*batch gamma"]:
    r"""The probability that at least :math:`i = 1, …, \gamma` drafted tokens are accepted, given the emitted ones.

    Parameters
    ----------
    logs
        :math:`\log \rho` at the tokens; −inf where the proposal lacks the token.
    verification
        ``"token"`` or ``"block"``.
    """
    if verification not in VERIFICATIONS:
        raise ValueError(f"verification must be one of {', '.join(VERIFICATIONS)}, not {verification!r}")
    validation.real("logs", logs)
    bad = np.isnan(logs) | (logs == np.inf)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"logs of shape {logs.shape} is NaN or +inf at index {at}: {logs[at]}")
    if verification == "token":
        return np.exp(np.cumsum(np.minimum(logs, 0), axis=-1))
    return np.exp(np.minimum(np.minimum.accumulate(np.cumsum(logs, axis=-1), axis=-1), 0))


def call_starts(reach: Real[np.ndarray, "windows *batch gamma"]) -> Real[np.ndarray, "windows *batch"]:
    r"""The probability that a call starts at each token of a text, of which the first starts one.

    Parameters
    ----------
    reach
        `reached` by a call that starts at each token, along the first axis.

    Notes
    -----
    A call that starts at `t` and accepts exactly `i` tokens is followed by one that starts at :math:`t + i + 1`.
    """
    gamma = reach.shape[-1]
    starts = np.zeros((reach.shape[0] + gamma + 1, *reach.shape[1:-1]))
    starts[0] = 1
    more = np.concatenate([np.ones((*reach.shape[:-1], 1)), reach, np.zeros((*reach.shape[:-1], 1))], axis=-1)
    exactly = more[..., :-1] - more[..., 1:]
    for t in range(reach.shape[0]):
        starts[t + 1 : t + gamma + 2] += np.moveaxis(starts[t][..., None] * exactly[t], -1, 0)
    return starts[: reach.shape[0]]


def consecutive(documents: np.ndarray, positions: np.ndarray, least: int) -> list[np.ndarray]:
    """Runs of contexts that follow one another in one document: the places of each run of at least `least` contexts."""
    if not documents.size:
        return []
    order = np.lexsort((positions, documents))
    broken = (np.diff(documents[order]) != 0) | (np.diff(positions[order]) != 1)
    return [run for run in np.split(order, np.flatnonzero(broken) + 1) if run.size >= least]


def along_runs(
    logs: Real[np.ndarray, "contexts *batch"], runs: list[np.ndarray], gamma: int, verification: str, margin: int
) -> tuple[Real[np.ndarray, "contexts *batch"], Real[np.ndarray, "contexts *batch"]]:
    """For each context the probability that a call starts there, and that times the tokens which such a call emits.

    Parameters
    ----------
    logs
        As in `reached`, one for each context.
    runs
        From `consecutive`.
    gamma
        Draft length.
    verification
        As in `reached`.
    margin
        At least `gamma`. The first `margin` contexts of a run, by which time where the first call starts is forgotten
        for the most part, and the last ones, whose calls may leave the run, get 0.
    """
    if not 1 <= gamma <= margin:
        raise ValueError(f"gamma must be from 1 to margin = {margin}, not {gamma}")
    starts, tokens = np.zeros(logs.shape), np.zeros(logs.shape)
    if not runs:
        return starts, tokens
    longest = max(run.size for run in runs)
    # Runs side by side, filled up with tokens that are never accepted: those windows are not counted.
    padded = np.full((longest, len(runs), *logs.shape[1:]), -np.inf)
    for column, run in enumerate(runs):
        padded[: run.size, column] = logs[run]
    reach = reached(np.lib.stride_tricks.sliding_window_view(padded, gamma, axis=0), verification)
    begun = call_starts(reach)
    emitted = begun * (1 + reach.sum(axis=-1))
    for column, run in enumerate(runs):
        counted = slice(margin, run.size - margin + 1)
        starts[run[counted]], tokens[run[counted]] = begun[counted, column], emitted[counted, column]
    return starts, tokens


def independent_chains(
    logs: Real[np.ndarray, "contexts *batch"], gamma: int, verification: str, rounds: int, rng: np.random.Generator
) -> Real[np.ndarray, "contexts gamma *batch"]:
    r"""What each context adds to the chance that at least `i` drafted tokens are accepted, if steps are independent.

    Parameters
    ----------
    logs
        As in `reached`, at a token that was drawn from the target's law in each context.
    gamma
        The longest draft.
    verification
        As in `reached`.
    rounds
        How many times the contexts are put in random order; a chain is `gamma` contexts in a row.
    rng
        Of the orders.

    Returns
    -------
    :math:`b_c^{(i)} = \theta_i + i\,(h_c - \theta_i)`, where :math:`\theta_i` is the chance and :math:`h_c` its mean
    over chains that hold context `c` among their first `i`. The mean over all contexts is :math:`\theta_i`, and over a
    resample of them the chance there, to first order (the projection of a U-statistic, Hoeffding 1948).
    """
    out = np.zeros((logs.shape[0], gamma, *logs.shape[1:]))
    for _ in range(rounds):
        order = rng.permutation(logs.shape[0])
        # Round the corner, so that every context is once in each place.
        chain = logs[np.resize(order, order.size + gamma - 1)]
        reach = reached(np.lib.stride_tricks.sliding_window_view(chain, gamma, axis=0), verification)
        for i in range(1, gamma + 1):
            for place in range(i):
                out[order, i - 1] += np.roll(reach[..., i - 1], place, axis=0) / rounds
    shares = np.arange(1, gamma + 1).reshape(-1, *[1] * (logs.ndim - 1))
    chances = out.mean(axis=0) / shares
    return np.asarray(out - (shares - 1) * chances)
