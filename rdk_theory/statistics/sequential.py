"""A law test that may stop early: a martingale while samples come in, a test of fixed size at the end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import gammaln

from rdk_theory._types import Real
from rdk_theory.statistics import _checks
from rdk_theory.statistics.laws import LawTest, law_test, law_test_plan


class SequentialLawTest:
    r"""Test that samples follow `law`, with both error rates stated, that rejects as soon as it may.

    Parameters
    ----------
    law
        :math:`p`, the law under the hypothesis, ``(N,)``.
    smallest
        :math:`\varepsilon`: a law at least so far from `law` in total variation passes with probability at most
        `false_pass`.
    false_fail, false_pass
        The two error rates.

    Raises
    ------
    ValueError
        If `law` is no distribution in float64, or a rate is not strictly between 0 and 1.

    Notes
    -----
    After counts :math:`n_t`, :math:`n = \sum n_t`, the wealth of a gambler who bets against `p` on the predictions of
    Krichevsky and Trofimov (1981) is

    .. math::
        W_n = \frac{\Gamma(m/2)}{\Gamma(n + m/2)} \prod_t \frac{\Gamma(n_t + \frac12)}{\Gamma(\frac12)\,p_t^{n_t}},

    with :math:`m` the number of tokens of positive probability. Under `p` it is a martingale that starts at 1, so that
    by Ville's inequality it ever reaches :math:`2/a` with probability at most :math:`a/2`, whenever one looks. What is
    left of `false_fail` goes to `law_test` once all samples are there. Stopping early can only reject, so the bound on
    `false_pass` is that of `law_test_plan`.
    """

    def __init__(self, law: Real[np.ndarray, "N"], smallest: float, false_fail: float, false_pass: float) -> None:
        _checks.level("false_fail", false_fail)
        self.plan: LawTest = law_test_plan(law, smallest, false_fail / 2, false_pass)
        self.counts = np.zeros(self.plan.law.shape, dtype=np.int64)
        self.false_fail = false_fail
        self._possible = self.plan.law > 0
        self._limit = math.log(2 / false_fail)
        self.failed = False
        self.distance = 0.0
        """Empirical total variation to the law, 1 where the impossible was seen."""

    @property
    def seen(self) -> int:
        """Samples counted so far, no more than the plan asks for."""
        return int(self.counts.sum())

    @property
    def wanted(self) -> int:
        """Samples that the plan still asks for; none once it has failed."""
        return 0 if self.failed else self.plan.samples - self.seen

    @property
    def passed(self) -> bool:
        """Whether all samples are there and none of the two tests rejected."""
        return not self.failed and self.seen == self.plan.samples

    @property
    def log_wealth(self) -> float:
        r""":math:`\log W_n`; infinite where a token of probability 0 was seen."""
        if self.counts[~self._possible].any():
            return math.inf
        n, m = self.counts[self._possible], int(self._possible.sum())
        predicted = gammaln(m / 2) - gammaln(n.sum() + m / 2) + (gammaln(n + 0.5) - gammaln(0.5)).sum()
        return float(predicted - (n * np.log(self.plan.law[self._possible])).sum())

    def update(self, counts: Any) -> None:
        """Count more samples; nothing happens once the test has failed.

        Raises
        ------
        ValueError
            If `counts` is not an integer array of the shape of the law, or there are more samples than are `wanted`.
        """
        more = _checks.host_counts("counts", counts, self.counts.shape)
        if self.failed:
            return
        if int(more.sum()) > self.wanted:
            raise ValueError(
                f"counts of shape {more.shape} sums to {int(more.sum())}, but only {self.wanted} samples are wanted: "
                "the error rates hold for samples that are chosen before they are looked at"
            )
        self.counts += more
        seen = self.seen
        if not seen:
            return
        impossible = bool(self.counts[~self._possible].any())
        self.distance = 1.0 if impossible else float(np.abs(self.counts / seen - self.plan.law).sum()) / 2
        self.failed = self.log_wealth >= self._limit
        if not self.failed and seen == self.plan.samples:
            self.failed = not law_test(self.counts, self.plan).passed
