"""Bad input of the weight from the cold mass: each is named."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rdk_theory import Vocabulary
from rdk_theory.fitting.cold_weight import cold_share, fit_cold_weight

TARGETS, DRAFTS, VOCAB = np.full((3, 4), 0.25), np.full((3, 2), 0.5), Vocabulary(4, [1, 0])
MASS = np.array([0.1, 0.2, 0.3])


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"targets": np.full((3, 4), 0.3)}, "targets .* sum to 1"),
        ({"drafts": np.full((2, 2), 0.5)}, "drafts .* 3 rows"),
        ({"targets": np.tile([0.5, 0.5, 0, 0], (3, 1))}, "no mass"),
        ({"vocab": Vocabulary.full(4), "drafts": TARGETS}, "no token is cold"),
        ({"targets": exact(TARGETS), "drafts": exact(DRAFTS)}, "targets must be floats"),
        ({"estimates": np.array([0.1, 1.5, 0.2])}, r"estimates .* index \(1,\)"),
        ({"estimates": np.array([0.1, 0.2, np.nan])}, r"estimates .* index \(2,\)"),
        ({"estimates": np.array([0.1, 0.2])}, r"estimates has shape \(2,\), expected \(3,\)"),
        ({"estimates": exact(MASS)}, "estimates must be floats"),
        ({"bins": 0}, "bins"),
        ({"bins": True}, "bins"),
        ({"documents": np.array([4, 4, 4])}, "one document"),
        ({"documents": np.array([0, 1])}, r"documents has shape \(2,\), expected \(3,\)"),
    ],
)
def test_bad_fits_are_named(changed, message):
    given = {"targets": TARGETS, "drafts": DRAFTS, "vocab": VOCAB, "estimates": MASS, **changed}
    with pytest.raises(ValueError, match=message):
        fit_cold_weight(**given)


@pytest.mark.parametrize(
    ("estimate", "message"),
    [
        (np.array([-0.1]), r"estimate .* index \(0,\)"),
        (np.array([np.nan]), "estimate"),
        (np.array([1, 0]), "estimate .* floating"),
        (exact(MASS), "estimate must be floats"),
    ],
)
def test_bad_estimates_are_named(estimate, message):
    fit = fit_cold_weight(TARGETS, DRAFTS, VOCAB, MASS)
    with pytest.raises(ValueError, match=message):
        fit.weight(estimate)


@pytest.mark.parametrize(
    ("log_mass", "kept_logits", "message"),
    [
        (np.array([np.inf]), np.zeros((1, 2)), "log_mass"),
        (np.zeros(2), np.zeros((1, 2)), r"log_mass has shape \(2,\), expected \(1,\)"),
        (np.zeros(1), np.full((1, 2), np.nan), "kept_logits"),
        (np.zeros(1), np.full((1, 2), -np.inf), "kept_logits"),
        (torch.zeros(1), np.zeros((1, 2)), "library"),
        (exact(np.zeros(1)), np.zeros((1, 2)), "rationals"),
    ],
)
def test_bad_shares_are_named(log_mass, kept_logits, message):
    with pytest.raises(ValueError, match=message):
        cold_share(log_mass, kept_logits)
