"""Wrong arguments of the operations: each is named, with its shape and the first offending index."""

import numpy as np
import pytest
import scipy.sparse
import torch

from gpu.ops.acceptance import acceptance, acceptance_rate
from gpu.ops.propose import prepare_rows, propose
from gpu.ops.redistribute import prepare_first_order, redistribute
from gpu.ops.softmax_sample import softmax_sample
from gpu.ops.verify.columns import prepare
from rdk_theory import Vocabulary
from rdk_theory.kernels import Dense, Embedding, RankOne, SoftmaxCovariance, Sparse
from tests.unit.ops_agreement import on_device

VOCAB = Vocabulary(5, [3, 0, 1])
COLUMNS = prepare(Embedding(VOCAB))
ROWS = prepare_rows(Embedding(VOCAB))
DENSE = prepare(Dense(VOCAB, torch.full((3, 5), 0.2)))
SPARSE = prepare(Sparse(VOCAB, scipy.sparse.csr_array(np.full((3, 5), 0.2))))
CONTEXTUAL = prepare_rows(RankOne(VOCAB, np.full(3, 0.5), np.full(5, 0.2)))
T = torch.zeros(2, 5)
Q = torch.full((2, 3), 1 / 3)
P = torch.full((2, 5), 0.2)
Z, U = torch.zeros(2, 3), torch.full((2,), 0.5)


def with_entry(x, index, value):
    """A copy of `x` with one entry replaced."""
    x = x.clone()
    x[index] = value
    return x


@pytest.mark.parametrize("implementation", ["kernel", "naive"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Z.numpy(), U), "logits must be a torch tensor, not ndarray"),
        ((Z.double(), U), r"logits of shape \(2, 3\) must be float32, bfloat16 or float16, not torch.float64"),
        ((Z.long(), U), r"logits of shape \(2, 3\) must be float32, bfloat16 or float16, not torch.int64"),
        ((Z[0, 0], U), r"logits of shape \(\) must have a last axis"),
        ((Z[:, :0], U), r"logits of shape \(2, 0\) must have a last axis"),
        ((with_entry(Z, (1, 2), torch.nan), U), r"logits of shape \(2, 3\) is NaN or \+inf at index \(1, 2\)"),
        ((with_entry(Z, (0, 1), torch.inf), U), r"logits of shape \(2, 3\) is NaN or \+inf at index \(0, 1\)"),
        ((with_entry(Z, 1, -torch.inf), U), r"logits of shape \(2, 3\) has no finite logit in row \(1,\)"),
        ((Z, U.numpy()), "uniform must be a torch tensor, not ndarray"),
        ((Z, U.half()), r"uniform of shape \(2,\) must be float32 or float64, not torch.float16"),
        ((Z, U[:1]), r"uniform has shape \(1,\), expected \(2,\)"),
        ((Z, with_entry(U, 1, 1.0)), r"uniform of shape \(2,\) is outside \[0, 1\) at index \(1,\): 1.0"),
        ((Z, with_entry(U, 0, torch.nan)), r"uniform of shape \(2,\) is outside \[0, 1\) at index \(0,\)"),
        ((Z, U, -0.5), "temperature must be positive and finite, not -0.5"),
        ((Z, U, "warm"), "temperature must be positive and finite, not 'warm'"),
        ((Z, U, torch.ones(3)), r"temperature has shape \(3,\), expected \(2,\)"),
        (
            (Z, U, torch.tensor([1.0, -1.0])),
            r"temperature of shape \(2,\) is not finite and at least 0 at index \(1,\)",
        ),
        ((Z, U, torch.tensor([1, 2])), r"temperature of shape \(2,\) must be floating point"),
    ],
)
def test_softmax_sample(arguments, message, implementation):
    with pytest.raises(ValueError, match=message):
        softmax_sample(*arguments, implementation=implementation)


@pytest.mark.parametrize("implementation", ["kernel", "naive"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((T, Z, Embedding(VOCAB)), "kernel must be an embedding or rank one, prepared on a device, not Embedding"),
        ((T, Z, CONTEXTUAL.columns), r"kernel has weights of shape \(3,\), expected \(2,\): one for each draft row"),
        ((T, Z, DENSE), "kernel must be an embedding or rank one, prepared on a device, not dense"),
        (
            (Z, Z, COLUMNS),
            r"target_logits of shape \(2, 3\) must have a last axis of length 5, the size of the vocabulary",
        ),
        (
            (T, T, COLUMNS),
            r"draft_logits of shape \(2, 5\) must have a last axis of length 3, the size of the kept set",
        ),
        ((T, Z[:1], COLUMNS), r"draft_logits has shape \(1, 3\), expected \(2, 3\)"),
        ((T.double(), Z, COLUMNS), r"target_logits of shape \(2, 5\) must be float32, bfloat16 or float16"),
        ((with_entry(T, (1, 4), torch.nan), Z, COLUMNS), r"target_logits .* is NaN or \+inf at index \(1, 4\)"),
        ((T, with_entry(Z, 1, -torch.inf), COLUMNS), r"draft_logits .* has no finite logit in row \(1,\)"),
        ((T, Z, COLUMNS, -1.0), "temperature must be positive and finite, not -1.0"),
        ((T, Z, COLUMNS, 1.0, torch.ones(1)), r"draft_temperature has shape \(1,\), expected \(2,\)"),
    ],
)
def test_acceptance(arguments, message, implementation):
    with pytest.raises(ValueError, match=message):
        acceptance(*arguments, implementation=implementation)


@pytest.mark.parametrize(
    ("target", "proposal", "message"),
    [
        (P, P[:, :4], r"proposal of shape \(2, 4\) must sum to 1"),
        (P, torch.full((2, 4), 0.25), r"proposal has shape \(2, 4\), expected \(2, 5\)"),
        (with_entry(P, (1, 0), 0.3), P, r"target of shape \(2, 5\) must sum to 1 over its last axis; row \(1,\)"),
        (P, with_entry(P, (0, slice(2)), torch.tensor([-0.2, 0.6])), r"proposal .* is negative at index \(0, 0\)"),
        (P, with_entry(P, (1, 1), torch.nan), r"proposal of shape \(2, 5\) is not finite at index \(1, 1\)"),
        (P.long(), P, r"target of shape \(2, 5\) must be float32, bfloat16 or float16, not torch.int64"),
    ],
)
def test_acceptance_rate(target, proposal, message):
    with pytest.raises(ValueError, match=message):
        acceptance_rate(target, proposal)


@pytest.mark.parametrize("implementation", ["kernel", "naive"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Z, COLUMNS, U, U), "rows must come from prepare_rows, not Columns"),
        ((T, ROWS, U, U), r"logits of shape \(2, 5\) must have a last axis of length 3, the size of the kept set"),
        ((with_entry(Z, (1, 0), torch.nan), ROWS, U, U), r"logits .* is NaN or \+inf at index \(1, 0\)"),
        ((Z, ROWS, U[:1], U), r"first_uniform has shape \(1,\), expected \(2,\)"),
        ((Z, ROWS, U, with_entry(U, 1, 1.0)), r"second_uniform of shape \(2,\) is outside \[0, 1\) at index \(1,\)"),
        ((Z, ROWS, U, U.half()), "second_uniform .* must be float32 or float64, not torch.float16"),
        ((Z, ROWS, U, U, 0), "temperature must be positive and finite, not 0"),
        ((Z, CONTEXTUAL, U, U), r"kernel has weights of shape \(3,\), expected \(2,\): one for each draft row"),
    ],
)
def test_propose(arguments, message, implementation):
    with pytest.raises(ValueError, match=message):
        propose(*arguments, implementation=implementation)


def test_rows_of_a_kernel_that_has_one_matrix_for_each_context():
    with pytest.raises(
        ValueError, match="kernel must be one with a single matrix for all contexts, or rank one, not Dense"
    ):
        prepare_rows(Dense(VOCAB, torch.full((2, 3, 5), 0.2)))


@pytest.mark.parametrize("implementation", ["kernel", "naive"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Q, Embedding(VOCAB)), "kernel must be prepared, and one of .* or first order, not Embedding"),
        ((Q, CONTEXTUAL.columns), r"kernel has weights of shape \(3,\), expected \(2,\): one for each draft row"),
        ((Q, SPARSE), "kernel must be prepared, and one of .* or first order, not sparse"),
        ((P, DENSE), r"draft of shape \(2, 5\) must have a last axis of length 3, the size of the kept set"),
        ((Q.double(), DENSE), r"draft of shape \(2, 3\) must be float32, bfloat16 or float16, not torch.float64"),
        ((Z, DENSE), r"draft of shape \(2, 3\) must sum to 1 over its last axis; row \(0,\) sums to 0.0"),
        ((with_entry(Q, (1, 2), torch.nan), DENSE), r"draft of shape \(2, 3\) is not finite at index \(1, 2\)"),
    ],
)
def test_redistribute(arguments, message, implementation):
    with pytest.raises(ValueError, match=message):
        redistribute(*arguments, implementation=implementation)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (Embedding(VOCAB), "kernel must be the first-order form .*, not Embedding$"),
        (
            SoftmaxCovariance.from_diagonal(VOCAB, np.ones(5), 9.0).first_order(),
            "kernel must be the first-order form .*, not FirstOrderSoftmax with its covariance stored otherwise",
        ),
    ],
)
def test_kernels_without_a_factor(kernel, message):
    with pytest.raises(ValueError, match=message):
        prepare_first_order(kernel)


def test_an_unknown_implementation():
    with pytest.raises(ValueError, match="implementation must be 'auto', 'kernel' or 'naive', not 'fast'"):
        softmax_sample(Z, U, implementation="fast")


def test_good_arguments_are_accepted():
    """Control: what the cases above start from."""
    assert on_device(softmax_sample)(Z, U, 1.0, implementation="kernel").place.tolist() == [1, 1]
    assert ((on_device(acceptance)(T, Z, COLUMNS, implementation="kernel") - 0.6).abs() <= 1e-6).all()
    assert on_device(propose)(Z, ROWS, U, U, implementation="kernel").token.tolist() == [0, 0]
    assert ((on_device(redistribute)(Q, DENSE, implementation="kernel") - P).abs() <= 1e-6).all()
    assert prepare_first_order(SoftmaxCovariance.from_factor(VOCAB, np.eye(5), 9.0).first_order()).left.shape == (3, 5)
    assert (on_device(acceptance_rate)(P, P, implementation="kernel") == 1).all()
