"""Predicted speed-up of every setting: kept size, kernel, draft length, verification; with bootstrap resamples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rdk_theory.plan.chains import VERIFICATIONS, along_runs, block_gain
from rdk_theory.plan.costs import CostModel
from rdk_theory.plan.observations import Observations
from rdk_theory.speed import expected_tokens, speedup
from rdk_theory.statistics import bootstrap_means

ROUNDS = 16
"""Random orders of contexts from which the gain of block verification is taken, where they are not consecutive."""


@dataclass(frozen=True)
class Setting:
    """One way to decode, and what is predicted of it."""

    fraction: float
    kept: int
    kernel: str
    gamma: int
    verification: str
    acceptance: float
    tokens: float
    """Expected tokens a target call."""
    cost: float
    """Of a draft step, over a target step."""
    speedup: float
    low: float
    high: float
    resampled: np.ndarray | None = None
    """The speed-up in each resample of documents; the resamples of all settings are the same."""
    text_gap: float | None = None
    """Acceptance at the tokens of the text over that at the target's own tokens, less 1; where text is followed."""


def predict(
    observed: Sequence[tuple[float, Observations]],
    documents: np.ndarray,
    runs: list[np.ndarray],
    costs: CostModel,
    sizes: tuple[int, int],
    *,
    rank: int,
    longest: int,
    level: float,
    resamples: int,
    seed: int,
) -> list[Setting]:
    r"""Every setting with its predicted speed-up.

    Parameters
    ----------
    observed
        Kept shares and what was observed there; the unpruned drafter is taken from the first.
    documents
        The document of each observed context.
    runs
        Consecutive contexts, or nothing.
    costs
        :math:`c(K)` and what each drafted token adds to the target's call.
    sizes
        ``(N, |D|)``.
    rank
        As in `CostModel.step`.
    longest
        The longest draft.
    level, resamples, seed
        Of the bootstrap over documents.

    Notes
    -----
    With :math:`\alpha` the mean acceptance and :math:`T_\gamma(\alpha)` the tokens a call of independent steps (claim
    ``expected-tokens``), the tokens a call are :math:`T_\gamma(\alpha) D`. Where runs are given,
    :math:`D = T / T_\gamma(\bar w)`, both along the text: `T` its tokens a call and :math:`\bar w` its acceptance, so
    that a text whose tokens are likelier or less likely than the target's own does not shift the level. Else `D` is 1
    token by token, and as a block what `block_gain` gives, which is not resampled.
    """
    settings: list[Setting] = []
    for place, (fraction, seen) in enumerate(observed):
        for each in _of_kept_set(seen, documents, runs, longest, resamples, seed):
            whole = each.kernel == "unpruned"
            if whole and place:
                continue
            kept = sizes[1] if whole else seen.kept
            cost = costs.step(each.kernel, each.verification, kept, sizes, rank)
            gains = each.tokens / (1 + each.gamma * (cost + costs.position))
            low, high = np.quantile(gains[1:], [(1 - level) / 2, (1 + level) / 2])
            settings.append(
                Setting(
                    fraction=1.0 if whole else fraction,
                    kept=kept,
                    kernel=each.kernel,
                    gamma=each.gamma,
                    verification=each.verification,
                    acceptance=float(each.acceptance[0]),
                    tokens=float(each.tokens[0]),
                    cost=cost,
                    speedup=float(gains[0]),
                    low=float(low),
                    high=float(high),
                    resampled=gains[1:],
                    text_gap=each.text_gap,
                )
            )
    return settings


def from_acceptance(
    fraction: float,
    kept: int,
    kernel: str,
    acceptance: tuple[float, float, float],
    costs: CostModel,
    sizes: tuple[int, int],
    *,
    rank: int,
    longest: int,
) -> list[Setting]:
    """The settings of one kernel from its mean acceptance and its interval, token by token with independent steps."""
    cost = costs.step(kernel, "token", kept, sizes, rank)
    settings = []
    for gamma in range(1, longest + 1):
        tokens = float(expected_tokens(acceptance[0], gamma))
        # The speed-up rises with acceptance: the image of an interval is an interval that covers as often.
        gain, low, high = (float(speedup(alpha, gamma, cost + costs.position)) for alpha in acceptance)
        settings.append(Setting(fraction, kept, kernel, gamma, "token", acceptance[0], tokens, cost, gain, low, high))
    return settings


@dataclass(frozen=True)
class _Tokens:
    """Tokens a call of one kernel in all contexts, first, and in every resample."""

    kernel: str
    gamma: int
    verification: str
    acceptance: np.ndarray
    tokens: np.ndarray
    text_gap: float | None


def _of_kept_set(
    seen: Observations, documents: np.ndarray, runs: list[np.ndarray], longest: int, resamples: int, seed: int
) -> Iterator[_Tokens]:
    rates = np.clip(seen.rates, 0, 1)
    columns = [rates]
    gain = None
    if runs:
        counted = np.zeros((rates.shape[0], 1))
        for run in runs:
            counted[run[longest : run.size - longest + 1]] = 1
        columns += [counted, counted * np.exp(np.minimum(seen.logs, 0)), counted * rates]
        for gamma in range(1, longest + 1):
            for verification in VERIFICATIONS:
                columns += along_runs(seen.logs, runs, gamma, verification, longest)
    else:
        gain = block_gain(seen.logs, longest, ROUNDS, np.random.default_rng([seed, 2]))
    values = np.concatenate(columns, axis=1)
    means = np.concatenate(
        [
            values.mean(axis=0, keepdims=True),
            bootstrap_means(values, documents, resamples, np.random.default_rng([seed, 3])),
        ]
    )
    width = rates.shape[1]
    blocks = iter(
        np.split(means[:, width + 1 :], range(width, means.shape[1] - width - 1, width), axis=1) if runs else ()
    )
    alpha = np.clip(means[:, :width], 0, 1)
    if runs:
        share = means[:, width : width + 1]
        text, own = np.minimum(next(blocks) / share, 1), next(blocks) / share
    for gamma in range(1, longest + 1):
        formula = expected_tokens(alpha, gamma)
        for verification in VERIFICATIONS:
            if runs:
                starts, emitted = next(blocks), next(blocks)
                tokens = formula * (emitted / starts) / expected_tokens(text, gamma)
            else:
                assert gain is not None
                tokens = formula * (gain[gamma - 1] if verification == "block" else 1.0)
            for k, kernel in enumerate(seen.kernels):
                gap = float(text[0, k] / own[0, k] - 1) if runs else None
                column = np.minimum(tokens[:, k], gamma + 1.0)
                yield _Tokens(kernel, gamma, verification, alpha[:, k], column, gap)
