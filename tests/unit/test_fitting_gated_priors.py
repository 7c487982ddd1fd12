"""Gated priors: their gates are a softmax beside the kept logits, and steps find what is there."""

import numpy as np
import pytest
import torch

from rdk_theory import acceptance_rate, restrict
from rdk_theory.fitting._adam import Ascent
from rdk_theory.fitting.gated_priors import Gated, _Steps, fit_gated_priors
from rdk_theory.fitting.gated_start import start
from rdk_theory.fitting.prior import fit_rank_one
from rdk_theory.tolerances import EXACT
from tests.unit.contextual_pair import Pair, pair


def fit(made, **options):
    given = (made.targets, made.drafts, made.vocab, made.hidden, made.kept_logits)
    return fit_gated_priors(*given, np.random.default_rng(0), **options)


def accepted(gated, made):
    kernel = gated.at(made.hidden, made.kept_logits)
    return float(acceptance_rate(made.targets, kernel.redistribute(made.drafts)).mean())


def planted(seed, contexts, true=None):
    """Contexts in which the target is itself the proposal of gated priors."""
    made = pair(seed, contexts=contexts)
    rng = np.random.default_rng(7)
    priors = np.zeros((3, made.vocab.size))
    priors[:, made.vocab.cold] = rng.dirichlet(np.full(made.vocab.cold.size, 0.2), size=3)
    true = true or Gated(made.vocab, priors, 2 * rng.normal(size=(3, made.hidden.shape[1])), np.ones(3), 1.0)
    targets = true.at(made.hidden, made.kept_logits).redistribute(made.drafts)
    return Pair(made.vocab, made.head, made.hidden, targets, made.full, made.documents), true


def test_a_gate_is_one_more_logit():
    """Priors of a single token each, with that token's row, are the unpruned drafter itself."""
    made = pair(2)
    cold = made.vocab.cold
    gated = Gated(made.vocab, np.eye(made.vocab.size)[cold], made.head[cold], np.zeros(cold.size), 0.0)
    for convert in (np.asarray, torch.tensor):
        kernel = gated.at(convert(made.hidden), convert(made.kept_logits))
        found = np.asarray(kernel.redistribute(convert(made.drafts)))
        assert np.abs(found - made.full).max() <= EXACT


def test_steps_find_planted_priors_and_hold_on_other_contexts():
    made, true = planted(0, 1500)
    others, _ = planted(0, 2000, true)
    others = others.part(slice(1500, None))
    assert accepted(true, others) == pytest.approx(1)
    start, found = fit(made, priors=6, steps=0), fit(made, priors=6, steps=125)
    single = fit_rank_one(made.targets, made.drafts, made.vocab).kernel
    rank_one = float(acceptance_rate(others.targets, single.redistribute(others.drafts)).mean())
    assert accepted(found, others) > 0.95 > 0.9 > max(rank_one, accepted(start, others))
    for gated in (start, found):
        assert accepted(gated, made) == pytest.approx(gated.acceptance, abs=1e-5)
        assert np.abs(gated.priors.sum(axis=1) - 1).max() <= EXACT
        assert not gated.priors[:, made.vocab.kept].any()


def test_the_gradient_is_that_of_the_acceptance():
    """Along random directions of all parameters, against a difference; kinks are rarer than the step is short."""
    made = pair(3, contexts=40)
    rng = np.random.default_rng(1)
    masses = np.log(np.exp(made.kept_logits).sum(axis=1))
    begun = start(made.targets, made.vocab, made.hidden, masses, 3, rng)
    steps = _Steps(made.targets, made.drafts, made.vocab, begun, masses)
    base = tuple(0.3 * rng.normal(size=x.shape) + x for x in steps.parameters)
    steps.parameters = base
    gradient = steps.gradient(np.arange(40))
    slopes = []
    for _ in range(10):
        direction = [rng.normal(size=x.shape) for x in base]
        values = []
        for sign in (1, -1):
            steps.parameters = tuple(x + sign * 1e-5 * d for x, d in zip(base, direction, strict=True))
            values.append(steps.result(begun).acceptance)
        slopes.append(sum(float((g * d).sum()) for g, d in zip(gradient, direction, strict=True)))
        assert (values[0] - values[1]) / 2e-5 == pytest.approx(slopes[-1], abs=1e-3)
    assert np.abs(slopes).max() > 0.03


def test_a_step_is_of_the_size_of_the_rate_and_decay_draws_to_zero():
    moved, drawn, still = np.full(3, 2.0), np.full(2, 2.0), np.full(2, 2.0)
    ascent = Ascent([moved, drawn, still], 0.1, 100, [0.0, 0.5, 0.0])
    ascent.step([np.array([5.0, -1e-3, 0.0]), np.zeros(2), np.zeros(2)])
    assert np.abs(moved - [2.1, 1.9, 2.0]).max() <= EXACT
    assert np.abs(drawn - 2 * 0.95).max() <= EXACT
    assert (still == 2).all()
    first = moved.copy()
    for _ in range(99):
        ascent.step([np.array([5.0, -1e-3, 0.0]), np.zeros(2), np.zeros(2)])
    # The rate falls along a line to its last share of 0.1: the steps add up to about half of what they began with.
    assert moved[0] - first[0] == pytest.approx(0.1 * (99 - 0.98 * (99 * 100 / 2) / 100), rel=1e-9)


def test_the_same_stream_gives_the_same_fit_and_the_cost_knows_but_the_bits_of_the_vocabulary():
    small, large = fit(pair(4), priors=5, steps=1), fit(pair(4, size=60), priors=5, steps=1)
    again = fit(pair(4), priors=5, steps=1)
    assert np.array_equal(small.priors, again.priors)
    assert np.array_equal(small.rows, again.rows)
    gates = small.rows.size + small.biases.size
    # A draw looks at the priors in as many places as N has bits, and at the end; its probability is one place more.
    assert small.cost.multiply_adds == small.cost.reads == gates + 5 * (5 + 2)
    assert large.cost.reads - small.cost.reads == 5
    assert large.cost.full == 2 * small.cost.full


def test_more_priors_reach_more_where_they_were_fitted():
    made = pair(6, contexts=400)
    reached = [fit(made, priors=m, steps=12).acceptance for m in (1, 4, 16)]
    assert reached == sorted(reached)
    assert reached[-1] > reached[0] + 0.02
    tli = float(np.minimum(made.targets[:, made.vocab.kept], restrict(made.full, made.vocab)).sum(axis=1).mean())
    assert reached[0] > tli
