"""Wrong input of intervals, bounds and law tests: each a `ValueError` that names the argument."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rdk_theory.statistics import (
    bets,
    betting_bound,
    binomial_test,
    bootstrap_interval,
    bootstrap_means,
    clopper_pearson,
    holdout_bound,
    law_test,
    law_test_plan,
)
from rdk_theory.trajectories import accepted_by_block, accepted_by_tokens, trajectory_rejections

V, D = np.array([0.1, 0.2, 0.3]), np.array([0, 0, 1])
HALF = np.array([0.5, 0.5])
PLAN = law_test_plan(HALF, 0.2, 1e-3, 1e-3)
COUNTS = np.array([PLAN.samples, 0])


def rng():
    return np.random.default_rng(0)


CASES = {
    "bootstrap: NaN": (
        lambda: bootstrap_means(np.array([0.1, np.nan]), D[:2], 9, rng()),
        r"values .* index \(1,\): nan",
    ),
    "bootstrap: infinity": (lambda: bootstrap_means(np.array([np.inf, 0.0]), D[:2], 9, rng()), r"values .* not finite"),
    "bootstrap: list": (lambda: bootstrap_means([0.1, 0.2], D[:2], 9, rng()), "values must be a numpy array"),
    "bootstrap: integers": (lambda: bootstrap_means(np.arange(3), D, 9, rng()), "values .* must be floating point"),
    "bootstrap: torch": (
        lambda: bootstrap_means(torch.tensor(V), D, 9, rng()),
        "values must be a numpy array of floats",
    ),
    "bootstrap: rationals": (
        lambda: bootstrap_means(np.array([Fraction(1, 2)] * 3, dtype=object), D, 9, rng()),
        "values must be a numpy array of floats",
    ),
    "bootstrap: three axes": (lambda: bootstrap_means(V.reshape(3, 1, 1), D, 9, rng()), r"values of shape \(3, 1, 1\)"),
    "bootstrap: nothing": (lambda: bootstrap_means(V[:0], D[:0], 9, rng()), r"values of shape \(0,\) must be"),
    "bootstrap: no columns": (lambda: bootstrap_means(V[:, None][:, :0], D, 9, rng()), r"values of shape \(3, 0\)"),
    "bootstrap: other documents": (
        lambda: bootstrap_means(V, D[:2], 9, rng()),
        r"documents has shape \(2,\), expected \(3,\)",
    ),
    "bootstrap: float documents": (lambda: bootstrap_means(V, D * 1.0, 9, rng()), "documents must be .* of integers"),
    "bootstrap: document names": (
        lambda: bootstrap_means(V, ["a", "a", "b"], 9, rng()),
        "documents must be a numpy array of integers",
    ),
    "bootstrap: one document": (
        lambda: bootstrap_means(V, D * 0, 9, rng()),
        r"documents of shape \(3,\) holds 1 document\(s\).* at least two are needed",
    ),
    "bootstrap: no resamples": (
        lambda: bootstrap_means(V, D, 0, rng()),
        "resamples must be an integer of at least 1, not 0",
    ),
    "bootstrap: resamples as a float": (lambda: bootstrap_means(V, D, 9.0, rng()), "resamples must be an integer"),
    "bootstrap: level 1": (lambda: bootstrap_interval(V, D, 1.0, 9, rng()), "level must be a number strictly between"),
    "bootstrap: level 95": (lambda: bootstrap_interval(V, D, 95, 9, rng()), "level must be a number strictly between"),
    "bootstrap: level NaN": (lambda: bootstrap_interval(V, D, float("nan"), 9, rng()), "level must be a number"),
    "bootstrap: level as a word": (lambda: bootstrap_interval(V, D, "95 %", 9, rng()), "level must be a number"),
    "proportion: too many successes": (lambda: clopper_pearson(4, 3, 0.9), r"successes \(4\) exceed trials \(3\)"),
    "proportion: negative": (lambda: clopper_pearson(-1, 3, 0.9), "successes must be an integer of at least 0, not -1"),
    "proportion: no trials": (lambda: clopper_pearson(0, 0, 0.9), "trials must be an integer of at least 1, not 0"),
    "proportion: a float": (lambda: clopper_pearson(1.0, 3, 0.9), "successes must be an integer"),
    "proportion: True": (lambda: clopper_pearson(True, 3, 0.9), "successes must be an integer"),
    "proportion: level 0": (lambda: clopper_pearson(1, 3, 0), "level must be a number strictly between"),
    "binomial: probability": (lambda: binomial_test(1, 3, 1.5, "less"), r"probability must be in \[0, 1\], not 1.5"),
    "binomial: side": (lambda: binomial_test(1, 3, 0.5, "both"), "alternative must be .* not 'both'"),
    "bets: no values": (lambda: bets(0, 0.1), "count must be an integer of at least 1, not 0"),
    "bets: delta 1": (lambda: bets(3, 1.0), "delta must be a number strictly between 0 and 1"),
    "betting: outside": (
        lambda: betting_bound(np.array([0.5, -1.5]), 0.1, -1.0),
        r"values of shape \(2,\) leaves \[-1, ∞\) at index \(1,\): -1.5",
    ),
    "betting: no values": (lambda: betting_bound(V[:0], 0.1, 0.0), r"values of shape \(0,\) .* at least one"),
    "betting: two axes": (
        lambda: betting_bound(V[None], 0.1, 0.0),
        r"values of shape \(1, 3\) must be one-dimensional",
    ),
    "betting: low infinite": (lambda: betting_bound(V, 0.1, -np.inf), "low must be finite, not -inf"),
    "betting: too far": (
        lambda: betting_bound(np.array([1e308]), 0.1, -1e308),
        r"values of shape \(1,\) lie further above low \(-1e\+308\) than floats reach",
    ),
    "betting: NaN": (lambda: betting_bound(V * np.nan, 0.1, 0.0), r"values .* not finite at index \(0,\)"),
    "betting: delta 0": (lambda: betting_bound(V, 0.0, 0.0), "delta must be a number strictly between 0 and 1"),
    "betting: rationals": (
        lambda: betting_bound(np.array([Fraction(1, 2)] * 3, dtype=object), 0.1, 0.0),
        "values must be a numpy array of floats",
    ),
    "holdout: outside": (
        lambda: holdout_bound(np.array([0.5, -1.5, 0.0]), D, 0.1),
        r"gains of shape \(3,\) leaves \[-1, 1\] at index \(1,\): -1.5",
    ),
    "holdout: two axes": (
        lambda: holdout_bound(V[:, None], D, 0.1),
        r"gains of shape \(3, 1\) must be one-dimensional",
    ),
    "holdout: one document": (lambda: holdout_bound(V, D * 0, 0.1), r"holds 1 document\(s\)"),
    "holdout: delta 0": (lambda: holdout_bound(V, D, 0.0), "delta must be a number strictly between 0 and 1"),
    "plan: no law": (lambda: law_test_plan(HALF / 2, 0.1, 0.1, 0.1), r"law of shape \(2,\) must sum to 1"),
    "plan: float32 that misses 1": (
        lambda: law_test_plan(np.full(3, 1 / 3, dtype=np.float32), 0.1, 0.1, 0.1),
        r"law of shape \(3,\) must sum to 1",
    ),
    "plan: batch": (lambda: law_test_plan(HALF[None], 0.1, 0.1, 0.1), r"law of shape \(1, 2\) must be one-dimensional"),
    "plan: smallest 0": (lambda: law_test_plan(HALF, 0.0, 0.1, 0.1), "smallest must be a number strictly between"),
    "plan: certain": (lambda: law_test_plan(HALF, 0.1, 0.0, 0.1), "false_fail must be a number strictly between"),
    "plan: false pass above 1": (lambda: law_test_plan(HALF, 0.1, 0.1, 2), "false_pass must be a number strictly"),
    "test: too few": (
        lambda: law_test(COUNTS - [1, 0], PLAN),
        r"counts of shape \(2,\) sums to \d+, expected the \d+ samples of the plan",
    ),
    "test: floats": (lambda: law_test(COUNTS * 1.0, PLAN), "counts must be a numpy array of integers"),
    "test: negative": (
        lambda: law_test(COUNTS + np.array([1, -1]), PLAN),
        r"counts of shape \(2,\) is negative at index \(1,\): -1",
    ),
    "test: an atom is missing": (lambda: law_test(COUNTS[:1], PLAN), r"counts has shape \(1,\), expected \(2,\)"),
}


@pytest.mark.parametrize(("call", "message"), CASES.values(), ids=CASES.keys())
def test_the_error_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


ROWS = [HALF, np.array([HALF, HALF])]


@pytest.mark.parametrize("function", [trajectory_rejections, accepted_by_tokens, accepted_by_block])
@pytest.mark.parametrize(
    ("targets", "proposals", "message"),
    [
        ([], [], "targets and proposals must have one array a step, not 0 and 0 arrays"),
        (ROWS, ROWS[:1], "not 2 and 1 arrays"),
        (ROWS, [HALF, HALF], r"proposals\[1\] has shape \(2,\), expected \(2, 2\)"),
        ([HALF, np.array([HALF, HALF / 2])], ROWS, r"targets\[1\] of shape \(2, 2\) must sum to 1 .* row \(1,\)"),
        (ROWS, [HALF, torch.tensor(ROWS[1])], "one array library"),
        (ROWS, [HALF, [[0.5, 0.5], [0.5, 0.5]]], r"proposals\[1\] must be a numpy array"),
    ],
)
def test_laws_of_trajectories_are_checked(function, targets, proposals, message):
    with pytest.raises(ValueError, match=message):
        function(targets, proposals)
