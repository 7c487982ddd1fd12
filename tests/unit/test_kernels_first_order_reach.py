"""A first-order kernel of a factored covariance is certified by norms; entries are looked at where they do not do."""

import numpy as np
import pytest

from rdk_theory import Vocabulary
from rdk_theory.kernels import SoftmaxCovariance
from rdk_theory.kernels import _matrices as matrices

SIZE, KEPT = 60, 20


def kernel(temperature, seed=0, rank=4, dtype=np.float64):
    rng = np.random.default_rng(seed)
    vocab = Vocabulary(SIZE, rng.permutation(SIZE)[:KEPT])
    return SoftmaxCovariance.from_factor(vocab, rng.normal(size=(SIZE, rank)).astype(dtype), temperature)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rank", [1, 2, 16])
def test_norms_bound_every_entry(rank, dtype):
    for seed in range(20):
        covariance = kernel(1.0, seed, rank, dtype)._covariance
        low, high = covariance.extremes
        largest = max(-low[0], high[0])
        assert largest <= covariance.reach
    # Attained by vectors in one line, up to the margin for rounding: of rank 1 the bound is no larger than it must be.
    if rank == 1:
        assert covariance.reach <= largest * (1 + 2 * matrices.REACH_ROUNDING)


def test_no_entry_is_formed_where_norms_suffice(monkeypatch):
    formed = []
    plain = matrices._streamed_extremes
    monkeypatch.setattr(matrices, "_streamed_extremes", lambda matrix: formed.append(1) or plain(matrix))
    draft = np.random.default_rng(1).dirichlet(np.ones(KEPT))
    covariance = kernel(1.0)
    reach, largest = covariance._covariance.reach, float(covariance.spread)
    assert largest < 0.9 * reach  # so that there are temperatures at which norms do not suffice
    formed.clear()
    far = kernel(1.01 * reach).first_order()
    assert formed == []
    proposal = far.redistribute(draft)
    assert formed == []
    assert far.error_bound == pytest.approx((largest / (1.01 * reach)) ** 2 / 8)
    assert formed == [1]
    near = kernel(1.02 * largest).first_order()
    assert formed == [1, 1]
    assert near.spread == pytest.approx(1 / 1.02)
    assert near.redistribute(draft).min() > 0
    assert np.abs(proposal.sum() - 1) < 1e-12
    with pytest.raises(ValueError, match="too low for first order"):
        kernel(0.98 * largest).first_order()
