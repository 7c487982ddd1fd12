"""`acceptance` and `acceptance_rate`: the naive form against the generic code, the kernel against both."""

import numpy as np
import pytest
import torch

from gpu.ops import acceptance as acceptance_ops
from gpu.ops.verify.columns import prepare
from rdk_theory import Vocabulary, tolerances
from rdk_theory.acceptance import acceptance_rate as generic
from rdk_theory.distributions import softmax
from rdk_theory.kernels import Embedding, RankOne
from tests.kernel_cases import laws
from tests.unit.ops_agreement import SLACK, on_device, poisoned  # noqa: F401

acceptance = on_device(acceptance_ops.acceptance)
acceptance_rate = on_device(acceptance_ops.acceptance_rate)

DTYPES = [torch.float32, torch.bfloat16, torch.float16]
IMPLEMENTATIONS = ["kernel", "naive"]
TOLERANCE = SLACK * tolerances.SAME_DTYPE["float32"]


def kernels(size, kept, seed=0):
    """An embedding, and two that mix: with a prior on all tokens, and on cold ones where there are any."""
    rng = np.random.default_rng(seed)
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    cold = np.zeros(size)
    cold[vocab.cold if kept < size else vocab.kept] = laws(rng, max(1, size - kept) if kept < size else size)
    return [Embedding(vocab), RankOne(vocab, 0.3, laws(rng, size)), RankOne(vocab, 0.8, cold)]


def logits(seed, *shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    z = 3 * torch.randn(shape, generator=generator)
    z = torch.where(torch.rand(shape, generator=generator) < 0.2, -torch.inf, z)
    z[..., 0] = 1.0
    return z.to(dtype)


def expected(target, draft, kernel, temperature=1.0, draft_temperature=1.0):
    """By the generic code, in float64."""
    p, q = softmax(target.double() / temperature), softmax(draft.double() / draft_temperature)
    return generic(p, kernel.redistribute(q))


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("size", "kept"), [(1, 1), (7, 7), (33, 1), (1001, 333), (5003, 4099)])
def test_from_logits(size, kept, dtype, implementation):
    target, draft = logits(1, 2, 2, size, dtype=dtype), logits(2, 2, 2, kept, dtype=dtype)
    for kernel in kernels(size, kept):
        rate = acceptance(target, draft, prepare(kernel), 0.8, 1.25, implementation=implementation)
        assert rate.dtype == torch.float32
        assert (rate - expected(target, draft, kernel, 0.8, 1.25)).abs().max() <= TOLERANCE


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 0), (1, 2, 2)])
def test_every_leading_shape(batch, implementation):
    target, draft = logits(1, *batch, 50), logits(2, *batch, 20)
    kernel = kernels(50, 20)[1]
    rate = acceptance(target, draft, prepare(kernel), implementation=implementation)
    assert rate.shape == batch
    assert ((rate - expected(target, draft, kernel)).abs() <= TOLERANCE).all()
    p = softmax(target)
    assert acceptance_rate(p, p, implementation=implementation).shape == batch


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_a_temperature_for_each_row_and_the_targets_for_the_drafter(implementation):
    target, draft, heat = logits(1, 3, 60), logits(2, 3, 20), torch.tensor([0.3, 1.0, 4.0])
    kernel = kernels(60, 20)[1]
    rate = acceptance(target, draft, prepare(kernel), heat, implementation=implementation)
    column = heat.double()[:, None]
    assert (rate - expected(target, draft, kernel, column, column)).abs().max() <= TOLERANCE


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_a_target_with_cold_tokens_alone(implementation):
    target, draft = logits(1, 2, 60), logits(2, 2, 20)
    embedding, _, mixed = kernels(60, 20)
    target[:, torch.tensor(embedding.vocab.kept)] = -torch.inf
    target[:, torch.tensor(embedding.vocab.cold[:1].copy())] = 0.0
    assert (acceptance(target, draft, prepare(embedding), implementation=implementation) == 0).all()
    rate = acceptance(target, draft, prepare(mixed), implementation=implementation)
    assert (rate > 100 * TOLERANCE).all()
    assert (rate - expected(target, draft, mixed)).abs().max() <= TOLERANCE


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_equal_laws_are_accepted_always_and_no_more(implementation):
    z = logits(3, 8, 9001)
    columns = prepare(Embedding(Vocabulary.full(9001)))
    rate = acceptance(z, z, columns, implementation=implementation)
    assert (rate <= 1).all()
    assert (rate >= 1 - TOLERANCE).all()
    p = softmax(z)
    assert (acceptance_rate(p, p, implementation=implementation) <= 1).all()


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 7, 1001, 9001])
def test_from_probabilities(size, dtype, implementation):
    p, r = softmax(logits(4, 3, size)), softmax(logits(5, 3, size)).to(dtype)
    rate = acceptance_rate(p, r, implementation=implementation, check=dtype == torch.float32)
    assert (rate - torch.minimum(p.double(), r.double()).sum(-1)).abs().max() <= TOLERANCE
    if dtype == torch.float32:
        assert (rate - generic(p, r)).abs().max() <= TOLERANCE


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_rows_of_a_wider_table_are_read_without_their_neighbours(implementation):
    table = torch.full((2, 100), torch.nan)
    table[:, :50], table[:, 60:80] = logits(1, 2, 50), logits(2, 2, 20)
    kernel = kernels(50, 20)[1]
    rate = acceptance(table[:, :50], table[:, 60:80], prepare(kernel), implementation=implementation)
    assert (rate - expected(table[:, :50], table[:, 60:80], kernel)).abs().max() <= TOLERANCE


def test_the_comparison_finds_wrong_rates():
    """Controls: kept ids as if sorted, a drafter at the target's temperature, a prior forgotten."""
    target, draft = logits(1, 4, 60), logits(2, 4, 20)
    embedding, mixed, _ = kernels(60, 20)
    true = expected(target, draft, mixed, 1.0, 0.7)
    for kernel, heat in (
        (RankOne(Vocabulary(60, np.sort(mixed.vocab.kept)), 0.3, mixed.prior), 0.7),
        (mixed, None),
        (embedding, 0.7),
    ):
        rate = acceptance(target, draft, prepare(kernel), 1.0, heat, implementation="kernel")
        assert (rate - true).abs().min() > 100 * TOLERANCE / SLACK
