"""Wrong input of draft modes, several drafts and trajectories: each a clear error."""

import numpy as np
import pytest
import torch

from rdk_theory.draft_modes import argmax_rate, exact_match_rate
from rdk_theory.multi_draft import multi_draft_acceptance
from rdk_theory.trajectories import accepted_by_block, accepted_by_tokens, trajectory_rejections

GOOD = np.array([0.25, 0.75])
PAIRS = {
    "negative": (np.array([-0.5, 1.5]), GOOD, r"target of shape \(2,\) is negative at index \(0,\)"),
    "unnormalised": (GOOD, np.array([0.5, 0.25]), "proposal .* must sum to 1"),
    "NaN": (GOOD, np.array([np.nan, 1.0]), r"proposal of shape \(2,\) is not finite at index \(0,\)"),
    "integers": (np.array([0, 1]), GOOD, "target .* must be floating point"),
    "a list": ([0.25, 0.75], GOOD, "target must be a numpy array or a torch tensor"),
    "empty": (np.zeros(0), np.zeros(0), "target .* must have a last axis"),
    "two libraries": (GOOD, torch.tensor(GOOD), "must come from one array library"),
    "two sizes": (GOOD, np.full(4, 0.25), r"proposal has shape \(4,\), expected \(2,\)"),
    "two batches": (GOOD[None], GOOD, r"proposal has shape \(2,\), expected \(1, 2\)"),
}


@pytest.mark.parametrize("function", [exact_match_rate, argmax_rate, lambda p, r: multi_draft_acceptance(p, r, 2)])
@pytest.mark.parametrize(("target", "proposal", "message"), PAIRS.values(), ids=PAIRS)
def test_a_wrong_pair_is_named(function, target, proposal, message):
    with pytest.raises(ValueError, match=message):
        function(target, proposal)


@pytest.mark.parametrize("drafts", [0, -1, 1.5, True, "2", None])
def test_a_wrong_number_of_drafts_is_named(drafts):
    with pytest.raises(ValueError, match="drafts must be a positive integer"):
        multi_draft_acceptance(GOOD, GOOD, drafts)


LAWS = {
    "no steps": ([], [], "one array a step, not 0 and 0 arrays"),
    "a step less": ([GOOD], [], "one array a step, not 1 and 0 arrays"),
    "no row for a prefix": ([GOOD, GOOD], [GOOD, GOOD], r"targets\[1\] has shape \(2,\), expected \(2, 2\)"),
    "another vocabulary": ([GOOD], [np.full(3, 1 / 3)], r"proposals\[0\] has shape \(3,\), expected \(2,\)"),
    "unnormalised": ([GOOD], [GOOD * 2], r"proposals\[0\] .* must sum to 1"),
    "two libraries": ([GOOD], [torch.tensor(GOOD)], "must come from one array library"),
}


@pytest.mark.parametrize("function", [trajectory_rejections, accepted_by_tokens, accepted_by_block])
@pytest.mark.parametrize(("targets", "proposals", "message"), LAWS.values(), ids=LAWS)
def test_wrong_laws_are_named(function, targets, proposals, message):
    with pytest.raises(ValueError, match=message):
        function(targets, proposals)
