"""Test that samples follow a given law, in total variation, with both error rates stated beforehand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._types import Real
from rdk_theory.statistics import _checks


@dataclass(frozen=True)
class LawTest:
    """How many samples to draw from what should be `law`, and when to reject."""

    law: np.ndarray
    """The law under the hypothesis, shape ``(N,)``."""
    samples: int
    """Number of independent samples."""
    threshold: float
    """Reject where the empirical total variation exceeds it."""
    smallest: float
    """The total variation from which on a different law is found out with probability at least ``1 − false_pass``."""
    false_fail: float
    """Largest probability of rejecting the right law."""
    false_pass: float
    """Largest probability of passing a law whose total variation to `law` is at least `smallest`."""


@dataclass(frozen=True)
class LawTestResult:
    """Outcome of `law_test`."""

    passed: bool
    statistic: float
    """Empirical total variation; 1 where an atom of probability 0 was sampled."""
    test: LawTest
    """The test with its threshold and error rates."""


def law_test_plan(law: Real[np.ndarray, "N"], smallest: float, false_fail: float, false_pass: float) -> LawTest:
    r"""The smallest number of samples for which both error rates are guaranteed, and the threshold.

    Parameters
    ----------
    law
        :math:`p`, the law under the hypothesis. Meant for narrow vocabularies: the samples needed grow with
        :math:`N`.
    smallest
        :math:`\varepsilon`: the least total variation that must be found out.
    false_fail, false_pass
        :math:`a` and :math:`b`, the two error rates.

    Notes
    -----
    The statistic is :math:`D = \mathrm{TV}(\hat p, p)` over all :math:`N` atoms, those that never occurred too.

    Right law: :math:`\mathrm E D \le \frac{1}{2\sqrt n} \sum_t \sqrt{p_t (1 - p_t)}` by Jensen's inequality. One
    sample moves :math:`D` by at most :math:`1/n`, so :math:`P(D - \mathrm E D \ge s) \le e^{-2 n s^2}` by McDiarmid's
    inequality: with :math:`\text{threshold} = (\frac12 \sum_t \sqrt{p_t (1 - p_t)} + \sqrt{\ln(1/a)/2}) / \sqrt n`
    it is exceeded with probability at most :math:`a`.

    Wrong law :math:`p'`: for the event :math:`A = \{p' > p\}`, fixed by the two laws,
    :math:`D \ge \hat p(A) - p(A)`, whose mean is :math:`\mathrm{TV}(p', p) \ge \varepsilon`. By Hoeffding's inequality
    it falls to :math:`\varepsilon - s` with probability at most :math:`e^{-2 n s^2}`, so
    :math:`n \ge ((\frac12 \sum_t \sqrt{p_t (1 - p_t)} + \sqrt{\ln(1/a)/2} + \sqrt{\ln(1/b)/2})/\varepsilon)^2` is
    enough.
    """
    p = _checks.host_values("law", law)
    if p.ndim != 1:
        raise ValueError(f"law of shape {p.shape} must be one-dimensional")
    # In float64 and its tolerance: a law that misses 1 by more would spoil the error rates.
    validation.distribution("law", p)
    for name, value in (("smallest", smallest), ("false_fail", false_fail), ("false_pass", false_pass)):
        _checks.level(name, value)
    upper = 0.5 * float(np.sqrt(p * np.maximum(1 - p, 0)).sum()) + math.sqrt(-math.log(false_fail) / 2)
    samples = math.ceil(((upper + math.sqrt(-math.log(false_pass) / 2)) / smallest) ** 2)
    p = p.copy()
    p.setflags(write=False)
    return LawTest(p, samples, upper / math.sqrt(samples), smallest, false_fail, false_pass)


def law_test(counts: Any, test: LawTest) -> LawTestResult:
    """Whether `counts`, how often each of the ``N`` atoms was sampled, pass for the law of `test`.

    Raises
    ------
    ValueError
        Unless `counts` is an integer array of shape ``(N,)`` that sums to ``test.samples``: stopping early, or going
        on until it passes, would void the error rates.

    Notes
    -----
    An atom of probability 0 that occurs fails the test whatever the rest: under the hypothesis that never happens.
    """
    seen = _checks.host_counts("counts", counts, test.law.shape)
    total = int(seen.sum())
    if total != test.samples:
        raise ValueError(
            f"counts of shape {seen.shape} sums to {total}, expected the {test.samples} samples of the plan"
        )
    impossible = bool((seen[test.law == 0] > 0).any())
    statistic = 1.0 if impossible else float(np.abs(seen / total - test.law).sum()) / 2
    return LawTestResult(not impossible and statistic <= test.threshold, statistic, test)
