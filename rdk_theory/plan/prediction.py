"""Predicted speed-up of every setting: kept size, kernel, draft length, verification; with bootstrap resamples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rdk_theory.plan.chains import VERIFICATIONS, along_runs, independent_chains
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
    token by token, and as a block the quotient of what `independent_chains` gives for both.
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
    columns = [
        rates,
        *(_along_text(seen.logs, rates, runs, longest) if runs else _independent(seen.logs, longest, seed)),
    ]
    values = np.concatenate(columns, axis=1)
    resampled = bootstrap_means(values, documents, resamples, np.random.default_rng([seed, 3]))
    means = np.concatenate([values.mean(axis=0, keepdims=True), resampled])
    alpha, *rest = np.moveaxis(means.reshape(means.shape[0], len(columns), -1), 1, 0)
    alpha = np.clip(alpha, 0, 1)
    gap = [None] * alpha.shape[1]
    if runs:
        counted, at_text, own, *rest = rest
        text = np.clip(at_text / counted, 0, 1)
        gap = (text[0] * counted[0] / own[0] - 1).tolist()
    for gamma in range(1, longest + 1):
        formula = expected_tokens(alpha, gamma)
        for v, verification in enumerate(VERIFICATIONS):
            if runs:
                starts, emitted = rest[2 * (len(VERIFICATIONS) * (gamma - 1) + v) :][:2]
                tokens = formula * (emitted / starts) / expected_tokens(text, gamma)
            else:
                one, this = (1 + sum(rest[w * longest : w * longest + gamma]) for w in (0, v))
                tokens = formula * np.maximum(this / one, 1)
            for k, kernel in enumerate(seen.kernels):
                yield _Tokens(kernel, gamma, verification, alpha[:, k], np.minimum(tokens[:, k], gamma + 1.0), gap[k])


def _along_text(logs: np.ndarray, rates: np.ndarray, runs: list[np.ndarray], longest: int) -> list[np.ndarray]:
    """Columns: which contexts count; acceptance there, at the text's token and at the target's; calls and tokens."""
    counted = np.zeros(rates.shape)
    for run in runs:
        counted[run[longest : run.size - longest + 1]] = 1
    columns = [counted, counted * np.exp(np.minimum(logs, 0)), counted * rates]
    for gamma in range(1, longest + 1):
        for verification in VERIFICATIONS:
            columns += along_runs(logs, runs, gamma, verification, longest)
    return columns


def _independent(logs: np.ndarray, longest: int, seed: int) -> list[np.ndarray]:
    """Columns: what each context adds to the chance of 1, 2, … accepted tokens, for each verification in turn."""
    columns: list[np.ndarray] = []
    for verification in VERIFICATIONS:
        # The same orders for both, and for every kept set.
        rng = np.random.default_rng([seed, 2])
        columns += list(np.moveaxis(independent_chains(logs, longest, verification, ROUNDS, rng), 1, 0))
    return columns
