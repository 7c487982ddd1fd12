r"""The share of the acceptance lost to pruning that a sampler gives back: a ratio of means, with a paired interval.

With :math:`a`, :math:`a_0` and :math:`a_1` the mean acceptance of a sampler, of TLI and of the unpruned drafter, all in
the same contexts, it is :math:`(a - a_0)/(a_1 - a_0)`: 0 for TLI, 1 for a sampler that accepts what the unpruned
drafter does. It can be negative, and above 1.
"""

from __future__ import annotations

import numpy as np

from rdk_theory import validation
from rdk_theory._types import Real
from rdk_theory.statistics import Interval, _checks


def recovered_share(
    gains: Real[np.ndarray, "columns"],
    loss: float,
    gain_means: Real[np.ndarray, "resamples columns"],
    loss_means: Real[np.ndarray, "resamples"],
    level: float,
) -> Interval | None:
    r"""Gain over loss, with an interval from bootstrap resamples that both share.

    Parameters
    ----------
    gains
        Mean gain over TLI of each sampler.
    loss
        Mean of what pruning costs, the acceptance of the unpruned drafter less that of TLI.
    gain_means, loss_means
        The same in resamples of whole documents (`rdk_theory.statistics.bootstrap_means`), row by row of one resample.
    level
        Two-sided confidence level.

    Returns
    -------
    Interval
        The ratio of the means and percentiles of the ratio over resamples, for each column. None if nothing was lost:
        unless the loss itself is above 0 with that confidence the ratio has no finite interval (Fieller 1954).

    Raises
    ------
    ValueError
        For numbers that are not finite, shapes that do not match, or a level that is none.

    Notes
    -----
    Asymptotic in the number of documents, as every bootstrap. Where a resample has lost nothing its ratio is unbounded
    on both sides and counts as such; so few are left, if the loss is above 0, that the ends are finite.
    """
    _checks.level("level", level)
    table, lost = _checks.host_values("gain_means", gain_means), _checks.host_values("loss_means", loss_means)
    validation.same_shape("loss_means", lost, table.shape[:1])
    validation.same_shape("gains", np.asarray(gains), table.shape[1:])
    tail = (1 - level) / 2
    if loss <= 0 or float(np.quantile(lost, tail, method="lower")) <= 0:
        return None
    some = (lost > 0)[:, None]
    ratios = table / np.where(lost > 0, lost, 1.0)[:, None]
    low = np.quantile(np.where(some, ratios, -np.inf), tail, axis=0, method="lower")
    high = np.quantile(np.where(some, ratios, np.inf), 1 - tail, axis=0, method="higher")
    return Interval(np.asarray(gains, dtype=np.float64) / loss, low, high)
