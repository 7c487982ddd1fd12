"""The series of the diffusion kernels: where they end, and that rows are laws however long they are."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import scipy.stats

from rdk_theory import Vocabulary
from rdk_theory.kernels import Diffusion
from rdk_theory.tolerances import EXACT
from tests.kernel_cases import laws, sparse_laws

VOCAB = Vocabulary(6, [5, 2, 0])


def test_weight_zero_stays_where_it_is():
    walk = laws(np.random.default_rng(0), 6, 6)
    for kind in ("resolvent", "heat"):
        kernel = Diffusion(VOCAB, walk, 0, kind)
        assert kernel.terms == 1
        assert np.array_equal(kernel.row(np.arange(3)), np.eye(6)[VOCAB.kept])


@pytest.mark.parametrize("theta", [1e-20, 1e-3, 0.5, 0.9, 0.99])
def test_the_resolvent_is_the_solution_of_its_equation(theta):
    """``R (I − θA) = (1 − θ) I``, for a walk that mixes and one that goes round."""
    for walk in (laws(np.random.default_rng(1), 6, 6), np.roll(np.eye(6), 1, axis=1)):
        kernel = Diffusion(Vocabulary.full(6), walk, theta)
        rows = kernel.row(np.arange(6))
        assert np.abs(rows @ (np.eye(6) - theta * walk) - (1 - theta) * np.eye(6)).max() <= EXACT
        assert np.abs(rows.sum(axis=-1) - 1).max() <= EXACT
        assert theta ** (kernel.terms - 1) >= 1e-17 > theta**kernel.terms / 2


@pytest.mark.parametrize("theta", [1e-20, 1e-3, 0.5, 3.0, 60.0, 900.0, 20_000.0])
def test_the_steps_of_the_heat_kernel_are_poisson(theta):
    """On a long line to the right, the probability of token ``n`` is that of ``n`` steps, at any weight."""
    kernel = Diffusion(VOCAB, np.eye(6), theta, "heat")
    expected = scipy.stats.poisson.pmf(np.arange(kernel.terms), theta)
    assert np.abs(kernel._coefficients - expected).max() <= EXACT
    assert scipy.stats.poisson.sf(kernel.terms - 1, theta) < 1e-17
    assert abs(kernel._coefficients.sum() - 1) <= EXACT
    assert kernel.terms <= theta + 12 * math.sqrt(theta) + 25


def test_heat_kernels_compose():
    """``e^{a(A−I)} e^{b(A−I)} = e^{(a+b)(A−I)}``."""
    walk = laws(np.random.default_rng(2), 6, 6)
    everywhere = Vocabulary.full(6)

    def rows(theta):
        return Diffusion(everywhere, walk, theta, "heat").row(np.arange(6))

    assert np.abs(rows(0.7) @ rows(1.9) - rows(2.6)).max() <= EXACT
    assert np.abs(rows(0.7) @ rows(1.9) - rows(2.5)).max() > 1e-6  # control


def test_a_float32_affinity_loses_no_mass_in_thousands_of_steps():
    walk = laws(np.random.default_rng(3), 6, 6).astype(np.float32) * np.float32(1 - 5e-5)
    missing = np.abs(walk.astype(np.float64).sum(axis=-1) - 1).max()
    assert missing > 4e-5  # within the tolerance of float32, but 200 steps, the mean here, would lose 1 % of the mass
    kernel = Diffusion(VOCAB, walk, 0.995)
    draft = laws(np.random.default_rng(4), 3, 3)
    assert np.abs(kernel.redistribute(draft).sum(axis=-1) - 1).max() <= EXACT
    assert np.abs(kernel.redistribute(draft.astype(np.float32)).sum(axis=-1) - 1).max() <= 1e-6
    assert np.abs(kernel.row(np.arange(3)).sum(axis=-1) - 1).max() <= EXACT


def test_sparse_and_dense_affinities_agree():
    graph = sparse_laws(np.random.default_rng(5), 6, 6)
    draft = laws(np.random.default_rng(6), 2, 3)
    for kind in ("resolvent", "heat"):
        dense = Diffusion(VOCAB, graph, 0.8, kind)
        for stored in (scipy.sparse.csr_array(graph), scipy.sparse.csc_matrix(graph)):
            sparse = Diffusion(VOCAB, stored, 0.8, kind)
            for one, other in ((sparse, dense), (sparse.first_order(), dense.first_order())):
                assert np.abs(one.redistribute(draft) - other.redistribute(draft)).max() <= EXACT
                assert np.abs(one.column(4) - other.column(4)).max() <= EXACT
                assert one.operations.multiplications < other.operations.multiplications
