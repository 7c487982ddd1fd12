"""Exact match, argmax drafts and several drafts: on numpy, torch and rationals, any batch, any width."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch

from rdk_theory import acceptance_rate
from rdk_theory.draft_modes import argmax_rate, exact_match_rate
from rdk_theory.multi_draft import multi_draft_acceptance
from rdk_theory.tolerances import SAME_DTYPE

P, R = ([Fraction(n, 6) for n in row] for row in ((1, 2, 3), (3, 3, 0)))


def rational(row):
    return np.array(row, dtype=object)


def floats(*rows):
    return np.array(rows, dtype=np.float64)


def rates(p, r):
    return exact_match_rate(p, r), argmax_rate(p, r), multi_draft_acceptance(p, r, 2)


def test_by_hand():
    p, r = rational(P), rational(R)
    assert exact_match_rate(p, r) == Fraction(1, 4)
    assert argmax_rate(p, r) == Fraction(1, 6)  # of two maxima the first
    # Two drafts show {0}, {1} or {0, 1} with 1/4, 1/4, 1/2: all that p has on them, which is 1/2.
    assert multi_draft_acceptance(p, r, 2) == Fraction(1, 2)
    # Two drafts miss the third token with (3/4)^2; it has all of p.
    only = rational([Fraction(0), Fraction(0), Fraction(1)])
    assert multi_draft_acceptance(only, rational([Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]), 2) == Fraction(
        7, 16
    )


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("batch", [(), (1,), (2, 3)])
def test_floats_of_any_batch_are_the_rationals(library, batch):
    p, r = (np.broadcast_to(floats(*map(float, row)), (*batch, 3)).copy() for row in (P, R))
    if library == "torch":
        p, r = torch.tensor(p), torch.tensor(r)
    for found, want in zip(rates(p, r), rates(rational(P), rational(R)), strict=True):
        assert tuple(found.shape) == batch
        assert isinstance(found, torch.Tensor) == (library == "torch")
        assert np.abs(np.asarray(found) - float(want)).max() <= SAME_DTYPE["float64"]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_narrow_floats_are_summed_wide(dtype):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((2, 4, 200), generator=generator, dtype=torch.float64)
    p, r = torch.softmax(logits, -1).to(getattr(torch, dtype))
    exact = [x.to(torch.float64) for x in (p, r)]
    for narrow, want in zip(
        (exact_match_rate(p, r), argmax_rate(p, r)),
        (
            (exact[0] * exact[1]).sum(-1),
            exact[0].gather(-1, exact[1].argmax(-1, keepdim=True))[:, 0],
        ),
        strict=True,
    ):
        assert narrow.dtype == torch.float32
        assert (narrow - want).abs().max() <= SAME_DTYPE["float32"]
    assert multi_draft_acceptance(p, r, 3).dtype == torch.float64


def test_one_draft_is_the_acceptance_rate():
    rng = np.random.default_rng(0)
    p, r = rng.dirichlet(np.full(50, 0.1), size=(2, 40))
    assert np.abs(multi_draft_acceptance(p, r, 1) - acceptance_rate(p, r)).max() <= SAME_DTYPE["float64"]


def test_the_scan_finds_the_best_of_all_sets():
    rng = np.random.default_rng(1)
    p, r = rng.dirichlet(np.full(8, 0.3), size=(2, 30))
    r[::3, 2] = p[::5, 1] = 0
    p, r = (x / x.sum(axis=-1, keepdims=True) for x in (p, r))
    sets = np.array(list(product((0.0, 1.0), repeat=8)))
    for n in (1, 2, 5):
        best = 1 + (p @ sets.T - (r @ sets.T) ** n).min(axis=-1)
        assert np.abs(multi_draft_acceptance(p, r, n) - best).max() <= SAME_DTYPE["float64"]


def test_zeros_on_both_sides_cost_nothing():
    p, r = floats(0, 0.5, 0.5, 0), floats(0, 0, 0.25, 0.75)
    for n in (1, 2, 50):
        padded = multi_draft_acceptance(p, r, n)
        assert padded == multi_draft_acceptance(p[1:], r[1:], n) <= 0.5


def test_many_drafts_reach_the_mass_of_the_support():
    p, r = floats(0.2, 0.3, 0.5), floats(0.9, 0.1, 0.0)
    found = [multi_draft_acceptance(p, r, n) for n in (1, 2, 4, 8, 16, 64, 512)]
    assert np.diff(found).min() >= -SAME_DTYPE["float64"]
    assert abs(found[-1] - 0.5) <= SAME_DTYPE["float64"]
