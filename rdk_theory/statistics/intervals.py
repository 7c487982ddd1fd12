"""Confidence intervals: a mean over contexts that come in documents, and a proportion."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from scipy import stats

from rdk_theory import validation
from rdk_theory._types import Real
from rdk_theory.statistics import _checks

Count: TypeAlias = int | np.integer

_BLOCK = 1 << 22
"""Entries of the resampling matrix that are held at a time (32 MiB)."""


class Interval(NamedTuple):
    """An estimate and its two-sided interval; each a number, or an array with one entry for each column."""

    estimate: Any
    low: Any
    high: Any


def bootstrap_means(
    values: Real[np.ndarray, "contexts *columns"], documents: Any, resamples: Count, rng: np.random.Generator
) -> Real[np.ndarray, "resamples *columns"]:
    r"""Means over contexts in bootstrap resamples of whole documents.

    Parameters
    ----------
    values
        One number for each context, or a row of columns.
    documents
        Integer ids, shape ``(contexts,)``: which document each context came from.
    resamples
        How many times as many documents as there are, :math:`m`, are drawn with replacement.
    rng
        The source of the draws.

    Returns
    -------
    :math:`\sum_d W_d S_d / \sum_d W_d n_d` for each resample, where document :math:`d` was drawn :math:`W_d` times
    and holds :math:`n_d` contexts whose values sum to :math:`S_d`. All columns share the resamples, so a function of
    the columns (a gain of one over another) is bootstrapped by applying it to each row.

    Raises
    ------
    ValueError
        For values that are not finite, ids that do not match, or fewer than two documents.

    Notes
    -----
    Cluster bootstrap (Efron & Tibshirani 1993, ch. 8; Davison & Hinkley 1997, §3.8): documents are the independent
    units, contexts within one are not.
    """
    table = _checks.host_values("values", values)
    if table.ndim not in (1, 2) or 0 in table.shape:
        raise ValueError(f"values of shape {table.shape} must be (contexts,) or (contexts, columns), and not empty")
    _checks.count("resamples", resamples, 1)
    place, sizes = _checks.by_document(documents, table.shape[0])
    units = sizes.size
    sums = _checks.document_sums(table.reshape(table.shape[0], -1), place, units)
    out = np.empty((resamples, sums.shape[1]))
    step = max(1, _BLOCK // units)
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        times = rng.multinomial(units, np.full(units, 1 / units), size=stop - start).astype(np.float64)
        out[start:stop] = (times @ sums) / (times @ sizes)[:, None]
    return out.reshape((resamples, *table.shape[1:]))


def bootstrap_interval(
    values: Real[np.ndarray, "contexts *columns"],
    documents: Any,
    level: float,
    resamples: Count,
    rng: np.random.Generator,
) -> Interval:
    """Percentile interval for the mean over contexts, by resampling whole documents.

    Parameters
    ----------
    values, documents, resamples, rng
        As in `bootstrap_means`.
    level
        Two-sided confidence level, for instance 0.95.

    Returns
    -------
    Interval
        The mean of `values`, and the ``(1 − level)/2`` and ``(1 + level)/2`` quantiles of the resampled means, for
        each column.

    Notes
    -----
    Asymptotic in the number of documents: with few or very unequal ones it covers less often than `level` says. The
    bound that holds for every sample size is `holdout_bound`.
    """
    _checks.level("level", level)
    means = bootstrap_means(values, documents, resamples, rng)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Interval(np.asarray(values, dtype=np.float64).mean(axis=0), low, high)


def clopper_pearson(successes: Count, trials: Count, level: float) -> Interval:
    r"""Exact interval for a proportion: it covers with probability at least `level` for every proportion.

    The ends are the quantiles :math:`B(a/2;\, s, n-s+1)` and :math:`B(1-a/2;\, s+1, n-s)` of the beta law,
    :math:`a = 1 - \text{level}`; 0 where :math:`s = 0`, 1 where :math:`s = n` (Clopper & Pearson 1934).
    """
    _successes(successes, trials)
    _checks.level("level", level)
    tail = (1 - level) / 2
    low = stats.beta.ppf(tail, successes, trials - successes + 1) if successes > 0 else 0.0
    high = stats.beta.isf(tail, successes + 1, trials - successes) if successes < trials else 1.0
    return Interval(successes / trials, float(low), float(high))


def binomial_test(
    successes: Count, trials: Count, probability: float, alternative: Literal["less", "greater", "two-sided"]
) -> float:
    """Exact p-value of the hypothesis that each trial succeeds with `probability`.

    Parameters
    ----------
    successes, trials
        ``0 ≤ successes ≤ trials``, ``trials ≥ 1``.
    probability
        The proportion under the hypothesis.
    alternative
        The side on which evidence counts. Two-sided is twice the smaller tail, at most 1.

    Returns
    -------
    A number ``v`` with ``P(v ≤ a) ≤ a`` under the hypothesis, for every ``a``.
    """
    _successes(successes, trials)
    validation.probability("probability", probability)
    if alternative not in ("less", "greater", "two-sided"):
        raise ValueError(f"alternative must be 'less', 'greater' or 'two-sided', not {alternative!r}")
    less = float(stats.binom.cdf(successes, trials, probability))
    greater = float(stats.binom.sf(successes - 1, trials, probability))
    return {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}[alternative]


def _successes(successes: Count, trials: Count) -> None:
    _checks.count("trials", trials, 1)
    _checks.count("successes", successes, 0)
    if successes > trials:
        raise ValueError(f"successes ({successes}) exceed trials ({trials})")
