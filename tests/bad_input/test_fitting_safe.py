"""Kernels, gains, documents and levels about which nothing can be certified."""

import numpy as np
import pytest

from rdk_theory import Vocabulary
from rdk_theory.fitting import reach, safe
from rdk_theory.kernels import RankOne

VOCAB, PRIOR = Vocabulary(4, [0, 1]), np.array([0, 0, 0.5, 0.5])
KERNEL = RankOne(VOCAB, 0.2, PRIOR)
GAINS, DOCUMENTS = np.full(6, 0.1), np.arange(6)


def test_the_arguments_are_otherwise_right():
    """Control of all that follows."""
    assert safe(KERNEL, GAINS, DOCUMENTS, 0.9).bound.documents == 6


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, float("nan"), True, "0.9", None])
def test_a_level_that_is_none(level):
    with pytest.raises(ValueError, match="level must be a number strictly between 0 and 1"):
        safe(KERNEL, GAINS, DOCUMENTS, level)


def test_a_kernel_for_each_context():
    batched = RankOne(VOCAB, np.full(6, 0.2), np.tile(PRIOR, (6, 1)))
    for call in (lambda: reach(batched), lambda: safe(batched, GAINS, DOCUMENTS)):
        with pytest.raises(ValueError, match="kernel is a RankOne with one matrix for each context"):
            call()


@pytest.mark.parametrize(
    ("gains", "documents", "message"),
    [
        (np.full(6, 0.21), DOCUMENTS, r"gains of shape \(6,\) leaves \[-0\.20001, 0\.20001\] at index \(0,\)"),
        (np.array([0, 0, np.nan, 0, 0, 0]), DOCUMENTS, "gains"),
        (GAINS[:, None], DOCUMENTS, r"gains of shape \(6, 1\)"),
        (GAINS, DOCUMENTS[:5], "documents has shape"),
        (GAINS, np.zeros(6, dtype=int), r"documents of shape \(6,\) holds 1 document"),
        (GAINS, DOCUMENTS.astype(float), "documents must be a numpy array of integers"),
        (GAINS[:0], DOCUMENTS[:0], "documents of shape"),
    ],
)
def test_gains_that_are_not_those_of_the_kernel(gains, documents, message):
    with pytest.raises(ValueError, match=message):
        safe(KERNEL, gains, documents)
