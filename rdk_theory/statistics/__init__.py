"""Intervals for what is measured, and tests of sampled laws that state both error rates."""

from rdk_theory.statistics.betting import bets, betting_bound
from rdk_theory.statistics.bounds import HoldoutBound, holdout_bound
from rdk_theory.statistics.intervals import (
    Interval,
    binomial_test,
    bootstrap_interval,
    bootstrap_means,
    clopper_pearson,
)
from rdk_theory.statistics.laws import LawTest, LawTestResult, law_test, law_test_plan
from rdk_theory.statistics.sequential import SequentialLawTest

__all__ = [
    "HoldoutBound",
    "Interval",
    "LawTest",
    "LawTestResult",
    "SequentialLawTest",
    "bets",
    "betting_bound",
    "binomial_test",
    "bootstrap_interval",
    "bootstrap_means",
    "clopper_pearson",
    "holdout_bound",
    "law_test",
    "law_test_plan",
]
