"""The first-order softmax kernel on a device: a constant, and deviations as a product of two thin factors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rdk_theory._array import double, is_exact, to_numpy
from rdk_theory.kernels import FirstOrderSoftmax
from rdk_theory.kernels._matrices import Factored
from rdk_theory.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Factors:
    r""":math:`M^1 = \tfrac1N \mathbf 1 \mathbf 1^\top + A B^\top`.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    left, right
        :math:`A`, ``(K, R)``, and :math:`B`, ``(N, R)``, whose columns sum to 0; float32.
    """

    vocab: Vocabulary
    left: Tensor
    right: Tensor


def prepare_first_order(kernel: FirstOrderSoftmax, device: torch.device | str = "cpu") -> Factors:
    """Lay out the first-order form of a softmax kernel that was made from a factor.

    Parameters
    ----------
    kernel
        ``SoftmaxCovariance.from_factor(...).first_order()``.
    device
        Where `redistribute` will run.

    Raises
    ------
    ValueError
        For a kernel of another class, one whose covariance is not stored as a factor, or one of rationals.
    """
    deviations = kernel._deviations if isinstance(kernel, FirstOrderSoftmax) else None
    if not isinstance(deviations, Factored):
        raise ValueError(
            f"kernel must be the first-order form of a softmax kernel that has a factor, not {type(kernel).__name__}"
            + ("" if deviations is None else " with its covariance stored otherwise")
        )
    left, right = deviations.left.array, deviations.right.array
    if is_exact(left):
        raise ValueError(f"kernel has rational factors of shapes {left.shape} and {right.shape}: no device holds them")
    tensors = (torch.tensor(to_numpy(double(x)), dtype=torch.float32, device=device) for x in (left, right))
    left, right = tensors
    return Factors(kernel.vocab, left.contiguous(), right.T.contiguous())
