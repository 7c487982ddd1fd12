"""Wrong arguments of the operations: each is named, with its shape and the first offending index."""

import pytest
import torch

from gpu.ops.softmax_sample import softmax_sample

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
        ((Z, U, 0.0), "temperature must be positive and finite, not 0.0"),
        ((Z, U, "warm"), "temperature must be positive and finite, not 'warm'"),
        ((Z, U, torch.ones(3)), r"temperature has shape \(3,\), expected \(2,\)"),
        ((Z, U, torch.tensor([1.0, -1.0])), r"temperature of shape \(2,\) is not positive and finite at index \(1,\)"),
        ((Z, U, torch.tensor([1, 2])), r"temperature of shape \(2,\) must be floating point"),
    ],
)
def test_softmax_sample(arguments, message, implementation):
    with pytest.raises(ValueError, match=message):
        softmax_sample(*arguments, implementation=implementation)


def test_an_unknown_implementation():
    with pytest.raises(ValueError, match="implementation must be 'auto', 'kernel' or 'naive', not 'fast'"):
        softmax_sample(Z, U, implementation="fast")


def test_good_arguments_are_accepted():
    """Control: what the cases above start from."""
    assert softmax_sample(Z, U, 1.0, implementation="kernel").place.tolist() == [1, 1]
