"""Bad input to the functions on cold mass: each error names the argument and what is wrong with it."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rdk_theory import Vocabulary
from rdk_theory.cold_mass import ColdHead, cumulant_error, cumulant_log_mass, jensen_gap, jensen_log_mass

VOCAB = Vocabulary(6, [4, 1])
HEAD = np.random.default_rng(5).normal(size=(6, 3))
HIDDEN = np.random.default_rng(6).normal(size=(2, 3))
ONE = np.array(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jensen_gap(np.array([0.0, -1.0])), r"spread of shape \(2,\) is negative at index \(1,\)"),
        (lambda: cumulant_error(np.array([np.nan])), r"spread of shape \(1,\) is not finite"),
        (lambda: jensen_gap(np.array([Fraction(1)])), "spread is rational"),
        (lambda: jensen_gap(np.array([1, 2])), "must be floating point"),
        (lambda: jensen_log_mass(0, ONE, ONE), "size must be a positive integer, not 0"),
        (lambda: jensen_log_mass(True, ONE, ONE), "size must be a positive integer"),
        (lambda: jensen_log_mass(2, np.array([1.0]), ONE), r"spread has shape \(\), expected \(1,\)"),
        (lambda: jensen_log_mass(2, ONE, torch.tensor(1.0)), "must come from one array library"),
        (lambda: cumulant_log_mass(2, np.array(np.inf), ONE), "mean of shape .* is not finite"),
        (lambda: cumulant_log_mass(2, np.array([Fraction(1)]), ONE), "mean is rational"),
        (lambda: cumulant_log_mass(2, ONE, -ONE), "variance of shape .* is negative"),
        (lambda: cumulant_log_mass(2, ONE, np.array([1.0])), "variance has shape"),
        (lambda: ColdHead.from_head(HEAD[:5], VOCAB), r"head has shape \(5, 3\), expected \(6, d\)"),
        (lambda: ColdHead.from_head(HEAD * np.nan, VOCAB), "head of shape .* is not finite"),
        (lambda: ColdHead.from_head(HEAD, Vocabulary.full(6)), "none is cold"),
        (lambda: ColdHead.from_head(HEAD, VOCAB, 4), r"rank must be an integer in \[1, 3\], not 4"),
        (lambda: ColdHead.from_head(HEAD, VOCAB, True), "rank must be an integer"),
        (lambda: ColdHead.from_head(np.array([[Fraction(1)]] * 6), VOCAB, 1), "head is rational"),
        (lambda: ColdHead.from_head(HEAD, VOCAB).moments(HIDDEN[..., :2]), "must have a last axis of length 3"),
        (lambda: ColdHead.from_head(HEAD, VOCAB).log_mass(HIDDEN * np.inf), "hidden of shape .* is not finite"),
    ],
)
def test_bad_input_names_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
