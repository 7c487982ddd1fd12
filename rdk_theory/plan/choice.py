"""The best setting, how sure that is, and how far every other kept size and kernel is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rdk_theory.plan.prediction import Setting
from rdk_theory.tables import Row

PLAIN = 1.0
"""The speed-up of decoding without drafts, which is always to be had."""


@dataclass(frozen=True)
class Choice:
    """The best setting of each kept size and kernel, a row each, the fastest first."""

    rows: list[Row]
    settings: int
    """Among how many settings was chosen."""
    optimism: float | None
    """By how much the best of them is flattered by being chosen on the documents that it is measured on."""


def choose(settings: Sequence[Setting], level: float) -> Choice:
    """Compare all settings.

    Parameters
    ----------
    settings
        From `predict`, with resamples, or none with them.
    level
        Of the intervals of differences.

    Returns
    -------
    Choice
        Its rows have, besides the fields of `Setting`: ``behind``, by how much the best setting is faster, with a
        paired bootstrap interval; ``best_share``, the share of resamples in which a setting of this kept size and
        kernel is the best of all, not drafting included; ``best``, true of one row, or of none where plain decoding is
        as fast.

    Notes
    -----
    The optimism is the mean over resamples of what the setting that is best there gains by going from the whole sample
    to the resample (Efron 1983), times √2: a resample chooses among values that differ by chance before it adds its
    own, and where all settings are equal only half the variance of what it chooses from is its own.
    """
    if not settings:
        raise ValueError("settings is empty")
    groups: dict[tuple[int, str], list[int]] = {}
    for index, setting in enumerate(settings):
        groups.setdefault((setting.kept, setting.kernel), []).append(index)
    speeds = np.array([setting.speedup for setting in settings])
    heads = sorted((max(members, key=lambda i: speeds[i]) for members in groups.values()), key=lambda i: -speeds[i])
    first = settings[heads[0]]
    resampled = [s.resampled for s in settings if s.resampled is not None]
    if resampled and len(resampled) != len(settings):
        raise ValueError(f"settings of length {len(settings)} have {len(resampled)} with resamples: all or none must")
    shares: dict[tuple[int, str], float | None] = dict.fromkeys(groups)
    optimism = None
    if resampled:
        # Plain decoding stands last; what is equal there goes to the setting.
        drawn = np.column_stack([*resampled, np.full(resampled[0].shape, PLAIN)])
        winner = drawn.argmax(axis=1)
        optimism = float(np.sqrt(2) * (drawn.max(axis=1) - np.append(speeds, PLAIN)[winner]).mean())
        shares = {key: float(np.isin(winner, members).mean()) for key, members in groups.items()}
    rows: list[Row] = []
    for index in heads:
        setting = settings[index]
        low = high = None
        if setting.resampled is not None and first.resampled is not None:
            apart = first.resampled - setting.resampled
            low, high = (float(q) for q in np.quantile(apart, [(1 - level) / 2, (1 + level) / 2]))
        rows.append(
            {
                "fraction": setting.fraction,
                "kept": setting.kept,
                "kernel": setting.kernel,
                "draft": setting.gamma,
                "verification": setting.verification,
                "acceptance": setting.acceptance,
                "tokens": setting.tokens,
                "cost": setting.cost,
                "speedup": setting.speedup,
                "low": setting.low,
                "high": setting.high,
                "behind": first.speedup - setting.speedup,
                "behind_low": low,
                "behind_high": high,
                "best_share": shares[setting.kept, setting.kernel],
                "text_gap": setting.text_gap,
                "best": index == heads[0] and setting.speedup > PLAIN,
            }
        )
    return Choice(rows, len(settings), optimism)
