"""Bad input of the fits, of kept sets and of the certificate: each is named."""

import numpy as np
import pytest
import torch

from rdk_theory import Vocabulary
from rdk_theory.fitting import (
    cold_prior,
    exact_cold_mass_weight,
    fit_cooccurrence,
    fit_rank_one,
    kept_sets,
    upper_bound,
)

FITS = [fit_rank_one, fit_cooccurrence]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("targets", "drafts", "vocab", "message"),
    [
        (np.full((3, 4), 0.25), np.full((3, 4), 0.25), Vocabulary.full(4), "no token is cold"),
        (np.tile([0.5, 0.5, 0, 0], (3, 1)), np.full((3, 2), 0.5), Vocabulary(4, [1, 0]), "no mass"),
        (np.full((3, 4), 0.25), np.full((2, 2), 0.5), Vocabulary(4, [1, 0]), "drafts .* 3 rows"),
        (np.full((3, 4), 0.25), np.full((3, 3), 1 / 3), Vocabulary(4, [1, 0]), "drafts .* length 2"),
        (np.full((3, 5), 0.2), np.full((3, 2), 0.5), Vocabulary(4, [1, 0]), "targets .* length 4"),
        (np.full((3, 4), 0.3), np.full((3, 2), 0.5), Vocabulary(4, [1, 0]), "targets .* sum to 1"),
        (np.full((3, 4), 0.25), np.full((3, 2), np.nan), Vocabulary(4, [1, 0]), "drafts"),
        (np.full((0, 4), 0.25), np.full((0, 2), 0.5), Vocabulary(4, [1, 0]), "holds no context"),
        (np.full((3, 4), 0.25), torch.full((3, 2), 0.5, dtype=torch.float64), Vocabulary(4, [1, 0]), "library"),
    ],
)
def test_bad_contexts_are_named(fit, targets, drafts, vocab, message):
    with pytest.raises(ValueError, match=message):
        fit(targets, drafts, vocab)


@pytest.mark.parametrize("entries", [0, -1, 1.5, True])
def test_a_bad_number_of_entries_is_named(entries):
    with pytest.raises(ValueError, match="entries"):
        fit_cooccurrence(np.full((3, 4), 0.25), np.full((3, 2), 0.5), Vocabulary(4, [1, 0]), entries=entries)


@pytest.mark.parametrize(
    ("duals", "message"),
    [
        (np.full((3, 3), 0.5), "duals"),
        (np.full((3, 4), 1.5), "duals"),
        (np.full((3, 4), np.nan), "duals"),
        (np.full((3, 4), 1), "duals"),
        (torch.full((3, 4), 0.5, dtype=torch.float64), "duals"),
        (None, "duals"),
    ],
)
def test_bad_duals_are_named(duals, message):
    with pytest.raises(ValueError, match=message):
        upper_bound(np.full((3, 4), 0.25), np.full((3, 2), 0.5), duals)


def test_a_prior_needs_contexts():
    with pytest.raises(ValueError, match="two axes"):
        cold_prior(np.full(4, 0.25), Vocabulary(4, [1]))


def test_a_cold_mass_needs_whole_rows():
    with pytest.raises(ValueError, match="full_draft"):
        exact_cold_mass_weight(np.full((3, 2), 0.5), Vocabulary(4, [1]))


@pytest.mark.parametrize("fraction", [0, -0.1, 1.1, True, "half", float("nan")])
def test_bad_fractions(fraction):
    with pytest.raises(ValueError, match="fraction"):
        kept_sets.kept_size(fraction, 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kept_sets.highest([1.0, np.nan], 1), r"scores .* index \(1,\)"),
        (lambda: kept_sets.highest([[1.0, 2.0]], 1), "scores must be one row"),
        (lambda: kept_sets.highest(["a"], 1), "scores must be one row"),
        (lambda: kept_sets.highest([1.0], 0), "count"),
        (lambda: kept_sets.highest([1.0], 2), "count"),
        (lambda: kept_sets.highest([1.0], True), "count"),
        (lambda: kept_sets.highest([1.0, 2.0], 1, ties=[1.0]), "ties"),
        (lambda: kept_sets.highest([1.0, 2.0], 1, candidates=np.array([2])), "candidates"),
        (lambda: kept_sets.mean_probability(np.full((2, 3), 0.5)), "targets"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
