"""Every kernel does what the protocol says, with arrays of every library, shape and width."""

import numpy as np
import pytest
import torch

from rdk_theory import acceptance_rate
from rdk_theory.tolerances import EXACT, SAME_DTYPE
from tests.kernel_cases import KEPT, SIZE, cases, laws

NUMPY = cases()
TORCH = cases(torch.tensor)
BATCHES = [(), (4,), (2, 3), (0,)]


def as_numpy(x):
    return x.numpy() if isinstance(x, torch.Tensor) else x


@pytest.mark.parametrize("case", NUMPY, ids=repr)
def test_rows_and_columns_are_those_of_the_matrix(case):
    rows = np.stack([case.kernel.row(i) for i in range(KEPT)])
    columns = np.stack([case.kernel.column(x) for x in range(SIZE)], axis=-1)
    assert np.abs(rows - case.matrix).max() <= EXACT
    assert np.abs(columns - case.matrix).max() <= EXACT
    assert np.abs(rows.sum(axis=-1) - 1).max() <= EXACT
    assert rows.min() >= 0


@pytest.mark.parametrize("shape", [(4,), (2, 3), (0,)])
@pytest.mark.parametrize("case", NUMPY, ids=repr)
def test_ids_may_have_any_shape(case, shape):
    rng = np.random.default_rng(0)
    places, tokens = rng.integers(0, KEPT, shape), rng.integers(0, SIZE, shape)
    assert np.abs(case.kernel.row(places) - case.matrix[places]).max(initial=0) <= EXACT
    columns = np.moveaxis(case.matrix[:, tokens], 0, -1)
    assert np.abs(case.kernel.column(tokens) - columns).max(initial=0) <= EXACT


@pytest.mark.parametrize("shape", BATCHES)
@pytest.mark.parametrize(("case", "other"), list(zip(NUMPY, TORCH, strict=True)), ids=repr)
def test_proposals_and_probabilities_with_both_libraries(case, other, shape):
    rng = np.random.default_rng(1)
    draft, token = laws(rng, *shape, KEPT), np.asarray(rng.integers(0, SIZE, shape))
    proposal = case.kernel.redistribute(draft)
    assert proposal.shape == (*shape, SIZE)
    assert np.abs(proposal - draft @ case.matrix).max(initial=0) <= EXACT
    at_token = np.take_along_axis(draft @ case.matrix, token[..., None], axis=-1)[..., 0]
    assert np.abs(case.kernel.probability(draft, token) - at_token).max(initial=0) <= EXACT
    # Parameters of either library meet drafts of either library.
    for kernel in (case.kernel, other.kernel):
        in_torch = kernel.redistribute(torch.tensor(draft))
        assert in_torch.dtype == torch.float64
        assert np.abs(in_torch.numpy() - proposal).max(initial=0) <= EXACT
        found = kernel.probability(torch.tensor(draft), torch.tensor(token))
        assert np.abs(found.numpy() - at_token).max(initial=0) <= EXACT
    assert np.abs(other.kernel.redistribute(draft) - proposal).max(initial=0) <= EXACT


@pytest.mark.parametrize("shape", BATCHES)
@pytest.mark.parametrize(("case", "other"), list(zip(NUMPY, TORCH, strict=True)), ids=repr)
def test_draws_invert_the_running_sum_of_a_row(case, other, shape):
    rng = np.random.default_rng(2)
    place, uniform = np.asarray(rng.integers(0, KEPT, shape)), np.asarray(rng.random(shape))
    running = np.cumsum(case.matrix, axis=-1)[place]
    # Uniforms at the very edge between two tokens may go either way by a rounding; none of these is.
    assert np.abs(running - uniform[..., None]).min(initial=1) > 1e-9
    expected = (running <= uniform[..., None]).sum(axis=-1)
    assert np.array_equal(case.kernel.draw(place, uniform), expected)
    assert np.array_equal(other.kernel.draw(torch.tensor(place), torch.tensor(uniform)).numpy(), expected)


@pytest.mark.parametrize("case", NUMPY, ids=repr)
def test_draws_at_the_ends_of_the_unit_interval_have_positive_probability(case):
    place = np.arange(KEPT)
    for uniform in (0.0, np.nextafter(1.0, 0.0)):
        token = case.kernel.draw(place, np.full(KEPT, uniform))
        assert (case.matrix[place, token] > 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("case", NUMPY, ids=repr)
def test_narrow_drafts_give_narrow_proposals(case, dtype):
    draft = torch.tensor(laws(np.random.default_rng(3), 6, KEPT)).to(getattr(torch, dtype))
    wide = draft.to(torch.float64)
    expected = (wide @ torch.tensor(case.matrix)).numpy()
    found = case.kernel.redistribute(draft)
    assert found.dtype == draft.dtype
    assert np.abs(found.to(torch.float64).numpy() - expected).max() <= SAME_DTYPE[dtype]
    acceptance_rate(found, found)  # which checks that it is a distribution
    if dtype != "bfloat16":
        in_numpy = case.kernel.redistribute(draft.numpy())
        assert in_numpy.dtype == dtype
        assert np.abs(in_numpy.astype(np.float64) - expected).max() <= SAME_DTYPE[dtype]


@pytest.mark.parametrize("case", NUMPY, ids=repr)
def test_contexts_share_the_kernel_and_its_cost_is_counted(case):
    assert case.kernel.context_free
    cost = case.kernel.operations
    assert cost.reads >= KEPT
    assert cost.writes == SIZE
    assert cost.bytes(4) == 4 * (cost.reads + cost.writes)


@pytest.mark.parametrize("case", NUMPY, ids=repr)
def test_the_check_of_the_matrix_would_see_a_wrong_one(case):
    """Control: the law with its tokens shifted by one is told apart."""
    draft = laws(np.random.default_rng(4), KEPT)
    wrong = np.roll(case.matrix, 1, axis=1)
    assert np.abs(case.kernel.redistribute(draft) - draft @ wrong).max() > 1e-6
