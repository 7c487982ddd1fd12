"""`propose`: both forms against the generic two-stage draw, and against the matrices of the kernels."""

import numpy as np
import pytest
import scipy.sparse
import torch

from gpu.ops import propose as propose_ops
from gpu.ops.propose import kernel as fused_code
from gpu.ops.propose import prepare_rows
from rdk_theory import Vocabulary
from rdk_theory._array import to_numpy
from rdk_theory.distributions import softmax
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Dense, Embedding, LowRank, RankOne, Sparse
from tests.kernel_cases import laws, sparse_laws
from tests.unit.ops_agreement import SLACK, few, near_ties, on_device, poisoned, uniforms  # noqa: F401

propose = on_device(propose_ops.propose)

DTYPES = [torch.float32, torch.bfloat16, torch.float16]
KINDS = ["embedding", "rank one", "rank one, cold", "sparse", "low rank", "dense", "dense, half"]
FORMS = ["embedding", "rank one", "sparse", "low rank", "dense"]


def case(kind, size, kept, rank=5):
    """A kernel on unsorted kept ids, with its matrix in float64 as the kernel itself reads it."""
    rng = np.random.default_rng(3)
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    if kind == "embedding":
        kernel = Embedding(vocab)
    elif kind.startswith("rank one"):
        prior = laws(rng, size)
        if kind.endswith("cold"):
            prior[vocab.kept] = 0
        kernel = RankOne(vocab, 0.6, prior / prior.sum())
    elif kind == "sparse":
        kernel = Sparse(vocab, scipy.sparse.csr_array(sparse_laws(rng, kept, size)))
    elif kind == "low rank":
        kernel = LowRank(vocab, laws(rng, kept, rank), laws(rng, rank, size))
    else:
        dtype = torch.float16 if kind.endswith("half") else torch.float32
        kernel = Dense(vocab, torch.tensor(laws(rng, kept, size)).to(dtype))
    return kernel, torch.tensor(to_numpy(kernel.row(np.arange(kept))), dtype=torch.float64)


def logits(seed, *shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    z = 2 * torch.randn(shape, generator=generator)
    z = torch.where(torch.rand(shape, generator=generator) < 0.2, -torch.inf, z)
    z[..., -1] = 0.0
    return z.to(dtype)


def agree(kernel, matrix, z, temperature=1.0):
    """Both forms against the generic draw and the kernel's matrix; what the fused form gave."""
    batch, count = z.shape[:-1], int(np.prod(z.shape[:-1]))
    first, second = uniforms(1, *batch), uniforms(2, *batch)
    law = softmax(z.double() / temperature)
    proposal = law @ matrix
    rows = prepare_rows(kernel)
    place, token = draft_token(law, kernel, first, second)
    plain, fused = (propose(z, rows, first, second, temperature, implementation=form) for form in ("naive", "kernel"))
    ties = near_ties(law, first, fused.drafted.place) + near_ties(matrix[fused.drafted.place], second, fused.token)
    assert few(ties, count, sum(matrix.shape))
    for form in (plain, fused):
        assert int(((form.token != token) | (form.drafted.place != place)).sum()) <= ties
        at = proposal.gather(-1, form.token[..., None])[..., 0]
        assert ((form.probability - at).abs() <= SLACK * 3e-6 * at).all()
        assert form.token.dtype == torch.int64
        assert form.probability.dtype == torch.float32
    return fused


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "kept"), [(3, 2), (33, 9), (601, 129)])
def test_every_kind(kind, size, kept):
    kernel, matrix = case(kind, size, kept)
    agree(kernel, matrix, logits(0, 2, 5, kept), 0.9)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("kind", ["sparse", "low rank", "dense"])
def test_rows_and_columns_longer_than_a_block(kind, monkeypatch):
    monkeypatch.setattr(fused_code, "LARGEST_BLOCK", 16)
    monkeypatch.setattr(fused_code, "TILE", 64)
    kernel, matrix = case(kind, 151, 77)
    agree(kernel, matrix, logits(0, 6, 77))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", FORMS)
def test_every_dtype(kind, dtype):
    kernel, matrix = case(kind, 40, 11)
    agree(kernel, matrix, logits(5, 4, 11, dtype=dtype), 0.2)


@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 0), (1, 2, 2)])
@pytest.mark.parametrize("kind", FORMS)
def test_every_leading_shape(kind, batch):
    kernel, matrix = case(kind, 20, 7)
    fused = agree(kernel, matrix, logits(1, *batch, 7))
    assert fused.token.shape == fused.probability.shape == fused.drafted.place.shape == batch


@pytest.mark.parametrize("kind", FORMS)
def test_one_kept_token_and_a_temperature_for_each_row(kind):
    kernel, matrix = case(kind, 6, 1)
    z, heat = torch.zeros(2, 1), torch.tensor([0.1, 7.0])
    first, second = uniforms(4, 2), uniforms(5, 2)
    drawn = propose(z, prepare_rows(kernel), first, second, heat, implementation="kernel")
    assert near_ties(matrix[[0, 0]], second, drawn.token) == 0
    assert (drawn.probability - matrix[0, drawn.token]).abs().max() <= SLACK * 1e-6


@pytest.mark.parametrize("implementation", ["kernel", "naive"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_token_without_weight_at_the_ends_of_the_unit_interval(kind, implementation):
    kernel, matrix = case(kind, 50, 12)
    ends = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64).repeat_interleave(12)
    z = torch.where(torch.eye(12).bool(), 0.0, -torch.inf).repeat(2, 1)
    drawn = propose(z, prepare_rows(kernel), torch.zeros_like(ends), ends, implementation=implementation)
    assert torch.equal(drawn.drafted.place, torch.arange(12).repeat(2))
    assert (matrix[drawn.drafted.place, drawn.token] > 0).all()
    assert (drawn.probability > 0).all()
    first = (matrix > 0).int().argmax(-1)
    assert torch.equal(drawn.token[:12], first)


def test_the_comparison_finds_wrong_draws():
    """Controls: kept ids as if sorted, the second uniform used twice, the probability of the draft reported."""
    kernel, matrix = case("rank one", 60, 20)
    z, first, second = logits(1, 12, 20), uniforms(1, 12), uniforms(2, 12)
    rows = prepare_rows(kernel)
    drawn = propose(z, rows, first, second, implementation="kernel")
    sorted_kernel = RankOne(Vocabulary(60, np.sort(kernel.vocab.kept)), 0.6, kernel.prior)
    for wrong in (
        propose(z, prepare_rows(sorted_kernel), first, second, implementation="kernel").token,
        propose(z, rows, first, first, implementation="kernel").token,
    ):
        with pytest.raises(AssertionError, match="uniform lies"):
            near_ties(matrix[drawn.drafted.place], second, wrong)
    at = (softmax(z.double()) @ matrix).gather(-1, drawn.token[:, None])[:, 0]
    assert ((drawn.drafted.probability - at).abs() > 3e-6 * at).any()
