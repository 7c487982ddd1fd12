"""Experiments on first-order kernels: tables agree with the bounds, and a table of a wrong constant is flagged."""

import math

import numpy as np
import pytest

from rdk_theory import tables, tolerances
from rdk_theory.acceptance import total_variation
from rdk_theory.kernels import Diffusion, SoftmaxCovariance
from simulations import _first_order, first_order_diffusion, first_order_error, first_order_softmax
from simulations._experiment import Options, generator
from simulations._rows import pick

MODULES = (first_order_error, first_order_softmax, first_order_diffusion)


@pytest.fixture(scope="module")
def made():
    """The table of each experiment with two random kernels a point."""
    found = {}
    for module in MODULES:
        settings = module.parameters(Options(quick=True))
        fewer = [setting | {"instances": min(2, setting["instances"])} for setting in settings]
        rows = [row for s in fewer for row in module.run(s, generator(module.EXPERIMENT, s, 0))]
        found[module] = tables.plain(rows)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_the_table_agrees_with_theory(made, module):
    assert module.check(made[module]) == []


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    ("mutant", "message"),
    [
        (lambda row: {"bound": row["bound"] * 8 / 9}, "a row is further away than the bound"),
        (lambda row: {"bound": row["bound"] * 8 / 9}, "the bound is not its closed form"),
        (lambda row: {"bound": row["bound"] * 9 / 8}, "the bound is not its closed form"),
        (lambda row: {"acceptance_change": row["bound"] * 1.01}, "acceptance changes by more than the bound"),
        (lambda row: {"reached": row["reached"] and row["reached"] * 0.99}, "not as far as its closed form"),
        (lambda row: {"negligible": not row["negligible"]}, "negligible"),
        (lambda row: {"useful_to": 1.0, "useful_above": 1.0}, "negligible is wrong"),
    ],
)
def test_a_wrong_theory_is_flagged(made, module, mutant, message):
    """A bound of 1/9 for 1/8 is too small for the extremal rows alone, which are nearly as far away as they can be."""
    lines = module.check([{**row, **mutant(row)} for row in made[module]])
    assert any(message in line for line in lines)


@pytest.mark.parametrize("module", [first_order_softmax, first_order_diffusion])
@pytest.mark.parametrize(
    ("mutant", "message"),
    [
        (lambda row: {"decisive": not row["decisive"]}, "decisive is not that of bound and gain"),
        (lambda row: {"moved": 1.0}, "more than θ leaves|further from uniform"),
    ],
)
def test_a_wrong_gain_or_distance_is_flagged(made, module, mutant, message):
    lines = module.check([{**row, **mutant(row)} for row in made[module]])
    assert any(part in line for line in lines for part in message.split("|"))


@pytest.mark.parametrize("module", [first_order_softmax, first_order_diffusion])
def test_vocabularies_run_from_8_to_more_than_16384(made, module):
    sizes = [row["size"] for row in pick(made[module], axis="size")]
    assert (min(sizes), max(sizes)) == (8, 32768)


def test_the_extremal_rows_reach_their_distance_at_every_size_and_rank(made):
    for row in pick(made[first_order_softmax], family="extremal"):
        assert row["high"] == pytest.approx(math.tanh(row["s"] / 2) ** 2 / 2, abs=tolerances.EXACT)
        # No constant below 1/8: a ninth fails here.
        assert row["s"] > 0.8 or row["high"] > row["s"] ** 2 / 9


@pytest.mark.parametrize(("size", "rank"), [(8, 1), (8, 4), (64, 1), (64, 9)])
def test_the_extremal_factor_has_its_rank_and_no_larger_deviation(size, rank):
    rng = np.random.default_rng(0)
    laws = _first_order.laws(rng, size, rank + 1)
    factor = first_order_softmax._extremal(laws, rank, rng)
    assert np.linalg.matrix_rank(factor) == rank
    assert SoftmaxCovariance.from_factor(laws.vocab, factor, 1.0).spread == 1


@pytest.mark.parametrize("kind", first_order_diffusion.KINDS)
@pytest.mark.parametrize("count", [1, 2])
def test_the_extremal_affinity_reaches_the_bound_in_its_first_row(kind, count):
    rng = np.random.default_rng(0)
    laws = _first_order.laws(rng, 8)
    kernel = Diffusion(laws.vocab, first_order_diffusion._extremal(laws, count, rng), 0.7, kind)
    distance = total_variation(kernel.row(np.array([0])), kernel.first_order().row(np.array([0])))
    assert distance[0] == pytest.approx(first_order_diffusion.BOUNDS[kind](0.7), abs=tolerances.EXACT)


def test_affinities_of_clusters_stay_in_the_cluster():
    rng = np.random.default_rng(0)
    laws = _first_order.laws(rng, 64)
    affinity = first_order_diffusion._clusters(laws, 3, rng).toarray()
    np.testing.assert_allclose(affinity.sum(1), 1)
    source, token = np.nonzero(affinity)
    assert (source % laws.clusters == token % laws.clusters).all()
    assert np.unique(source, return_counts=True)[1].max() <= 3


def test_bounds_are_negligible_up_to_where_they_are_a_hundredth():
    assert first_order_error.USEFUL_TO["softmax"] == pytest.approx(math.sqrt(0.08))
    assert first_order_error.USEFUL_TO["resolvent"] == pytest.approx(0.1)
    heat = first_order_error.USEFUL_TO["heat"]
    assert heat * (1 - math.exp(-heat)) == pytest.approx(0.01)
    assert _first_order.useful_to(lambda parameter: 0.0) == pytest.approx(1)


def test_a_decisive_bound_means_that_the_first_order_kernel_gains():
    rng = np.random.default_rng(1)
    laws = _first_order.laws(rng, 512)
    affinity = first_order_diffusion._clusters(laws, 8, rng)
    kernel = Diffusion(laws.vocab, affinity, 0.04)
    found = _first_order.compare(kernel, np.zeros((1, 512)) + 1 / 512, np.array([0]), laws)
    (row,) = tables.plain([_first_order.columns([found], None)])
    assert row["decisive"]
    gains = np.minimum(laws.targets, kernel.first_order().redistribute(laws.drafts)).sum(1)
    assert gains.mean() > np.minimum(laws.targets[:, laws.vocab.kept], laws.drafts).sum(1).mean()
