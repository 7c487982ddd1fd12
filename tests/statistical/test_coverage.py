"""Coverage of the document bootstrap by simulation, with both error rates."""

import numpy as np

from rdk_theory.statistics import binomial_test, bootstrap_interval

REPLICATIONS, LEVEL = 300, 0.9
LEAST = 0.8
"""What must be covered; a percentile interval from 40 documents of unequal length falls short of its 0.9 a little."""


def covered(unit):
    """How often the interval holds the true mean 0, when contexts of one document share most of their value."""
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(REPLICATIONS):
        lengths = 1 + rng.poisson(6, size=40)
        documents = np.repeat(np.arange(40), lengths)
        values = rng.normal(size=40)[documents] + 0.3 * rng.normal(size=documents.size)
        units = documents if unit == "document" else np.arange(documents.size)
        interval = bootstrap_interval(values, units, LEVEL, 300, rng)
        hits += interval.low <= 0 <= interval.high
    return hits


def test_document_bootstrap_covers():
    # False fail: at most 1e-9 where the true coverage is at least 0.8.
    assert binomial_test(covered("document"), REPLICATIONS, LEAST, "less") > 1e-9


def test_context_bootstrap_is_caught():
    # The control covers about half the time; a method that covers at most 0.5 passes with less than 1e-6.
    hits = covered("context")
    assert binomial_test(hits, REPLICATIONS, LEAST, "less") <= 1e-9
    smallest_pass = min(k for k in range(REPLICATIONS) if binomial_test(k, REPLICATIONS, LEAST, "less") > 1e-9)
    assert binomial_test(smallest_pass, REPLICATIONS, 0.5, "greater") < 1e-6
