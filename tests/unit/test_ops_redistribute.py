"""`redistribute`: both forms against the generic code in float64."""

import numpy as np
import pytest
import torch

from gpu.ops import redistribute as redistribute_ops
from gpu.ops.redistribute import kernel as fused_code
from gpu.ops.redistribute import prepare_first_order
from gpu.ops.verify.columns import prepare
from rdk_theory import Vocabulary
from rdk_theory.kernels import Dense, Embedding, FirstOrderSoftmax, LowRank, RankOne, SoftmaxCovariance
from tests.kernel_cases import laws
from tests.unit.ops_agreement import SLACK, on_device, poisoned  # noqa: F401

redistribute = on_device(redistribute_ops.redistribute)

IMPLEMENTATIONS = ["kernel", "naive"]
WIDTHS = {"dense": torch.float32, "dense, half": torch.float16, "dense, bfloat16": torch.bfloat16}
KINDS = ["embedding", "rank one", "low rank", "first order", *WIDTHS]


def case(kind, size, kept, rank=5, seed=0):
    """A kernel on unsorted kept ids, and the same prepared."""
    rng = np.random.default_rng(seed)
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    if kind == "embedding":
        kernel = Embedding(vocab)
    elif kind == "rank one":
        kernel = RankOne(vocab, 0.4, laws(rng, size))
    elif kind == "low rank":
        kernel = LowRank(vocab, laws(rng, kept, rank), laws(rng, rank, size))
    elif kind == "first order":
        factor = rng.normal(size=(size, rank))
        reach = float(SoftmaxCovariance.from_factor(vocab, factor, 1.0).spread)
        kernel = SoftmaxCovariance.from_factor(vocab, factor, max(reach * 1.0001, 1e-9)).first_order()
        return kernel, prepare_first_order(kernel)
    else:
        kernel = Dense(vocab, torch.tensor(laws(rng, kept, size)).to(WIDTHS[kind]))
    return kernel, prepare(kernel)


def drafts(seed, *shape, dtype=torch.float32):
    """Rows of very unequal probabilities, some of them 0; in 16 bits, multiples of 1/128, whose sum is exactly 1."""
    rng = np.random.default_rng(seed)
    if dtype != torch.float32:
        return torch.tensor(rng.multinomial(128, laws(rng, shape[-1]), size=shape[:-1]) / 128).to(dtype)
    rows = rng.gamma(0.3, size=shape) * (rng.random(shape) < 0.8)
    rows[..., 0] += 1e-6
    return torch.tensor(rows / rows.sum(axis=-1, keepdims=True)).to(dtype)


def excess(found, draft, kernel):
    """Largest error relative to the tolerance: 4e−6 of the entry, or for first order of 1/N, from which it is taken."""
    exact = kernel.redistribute(draft.double() / draft.double().sum(-1, keepdim=True))
    scale = exact + 1 / kernel.vocab.size if isinstance(kernel, FirstOrderSoftmax) else exact
    return float(((found - exact).abs() / (SLACK * 4e-6 * scale + 1e-12)).max()) if found.numel() else 0.0


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "kept", "rank"), [(1, 1, 1), (7, 5, 2), (131, 67, 17)])
def test_every_kind(kind, size, kept, rank, implementation):
    kernel, prepared = case(kind, size, kept, rank)
    draft = drafts(1, 3, 6, kept)
    found = redistribute(draft, prepared, implementation=implementation)
    assert found.dtype == torch.float32
    assert excess(found, draft, kernel) <= 1
    assert (found >= 0).all()
    assert (found.double().sum(-1) - 1).abs().max() <= 1e-5


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_draft_in_half_precision_is_taken_as_it_is(kind, dtype, implementation):
    kernel, prepared = case(kind, 40, 21)
    draft = drafts(2, 2, 21, dtype=dtype)
    assert excess(redistribute(draft, prepared, implementation=implementation), draft, kernel) <= 1


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("kind", ["rank one", "low rank", "first order", "dense, half"])
@pytest.mark.parametrize("batch", [(), (0,), (17,), (2, 0)])
def test_every_leading_shape(kind, batch, implementation):
    kernel, prepared = case(kind, 20, 7)
    draft = drafts(3, *batch, 7)
    found = redistribute(draft, prepared, implementation=implementation)
    assert found.shape == (*batch, 20)
    assert excess(found, draft, kernel) <= 1


def test_rank_one_over_several_blocks_and_rows_of_a_wider_table(monkeypatch):
    monkeypatch.setattr(fused_code, "LARGEST_BLOCK", 16)
    kernel, prepared = case("rank one", 131, 67)
    table = torch.full((4, 100), torch.nan)
    table[:, :67] = drafts(4, 4, 67)
    assert excess(redistribute(table[:, :67], prepared, implementation="kernel"), table[:, :67], kernel) <= 1


@pytest.mark.parametrize("width", [torch.float16, torch.bfloat16])
def test_a_matrix_of_weights_far_from_one(width):
    """Rows stored as weights: sums of 10⁴ to 10⁻² meet drafts of 10⁻¹² to 1, and none of them underflows."""
    rng = np.random.default_rng(5)
    vocab = Vocabulary(90, rng.permutation(90)[:33])
    weights = laws(rng, 33, 90) * np.logspace(-2, 4, 33)[:, None]
    matrix = torch.tensor(weights).to(width)
    columns = prepare(Dense(vocab, torch.full((33, 90), 1 / 90, dtype=torch.float64).to(width)))
    scale = (1 / matrix.double().sum(1)).float()
    columns = type(columns)(**{**vars(columns), "matrix": matrix.T.contiguous(), "scale": scale})
    draft = torch.tensor(np.logspace(-12, 0, 33))[None]
    draft = (draft / draft.sum()).float()
    exact = (draft.double() * scale.double()) @ matrix.double()
    for implementation in IMPLEMENTATIONS:
        found = redistribute(draft, columns, implementation=implementation)
        assert ((found - exact).abs() / exact).max() <= SLACK * 4e-6


def test_the_comparison_finds_wrong_proposals():
    """Controls: kept ids as if sorted, and a matrix rounded to half precision."""
    kernel, _ = case("rank one", 131, 67)
    draft = drafts(1, 2, 67)
    ordered = prepare(RankOne(Vocabulary(131, np.sort(kernel.vocab.kept)), 0.4, kernel.prior))
    assert excess(redistribute(draft, ordered, implementation="kernel"), draft, kernel) > 100
    kernel, _ = case("dense", 131, 67)
    _, half = case("dense, half", 131, 67)
    assert excess(redistribute(draft, half, implementation="kernel"), draft, kernel) > 10


@pytest.mark.parametrize("kind", ["dense, half", "dense, bfloat16"])
def test_weights_in_one_part_would_not_do(kind, monkeypatch):
    """Control: the draft rounded to the matrix's width, as a plain product in half precision has it."""
    kernel, prepared = case(kind, 131, 67)
    draft = drafts(1, 2, 67)
    monkeypatch.setattr(fused_code, "PARTS", dict.fromkeys(fused_code.PARTS, 1))
    assert excess(redistribute(draft, prepared, implementation="kernel"), draft, kernel) > 10
