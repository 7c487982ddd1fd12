"""What tests of the operations share: tensors of the CPU for kernels of a GPU, poisoned memory, uniforms."""

import functools
import warnings

import pytest
import torch

from gpu.ops._agreement import DEVICE, SLACK, few, moved, near_ties

__all__ = ["DEVICE", "SLACK", "few", "moved", "near_ties", "on_device", "poisoned", "uniforms"]


def on_device(operation):
    """The operation for tests that hold their tensors on the CPU: arguments go to `DEVICE`, results come back."""

    @functools.wraps(operation)
    def call(*arguments, **options):
        return moved(operation(*moved(arguments, DEVICE), **moved(options, DEVICE)), "cpu")

    return call


@pytest.fixture
def poisoned():
    """Memory that a kernel allocates and does not write holds NaN, or the largest integer.

    The plain forms use sums and products that have no deterministic version on a GPU; there a warning says so.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*deterministic.*", category=UserWarning)
        torch.use_deterministic_algorithms(True, warn_only=True)
        yield
        torch.use_deterministic_algorithms(False)


def uniforms(seed, *shape):
    """Uniforms in float64, with those that go wrong first among them: 0, and the largest below 1."""
    values = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if values.ndim and values.numel() > 2:
        values.view(-1)[:2] = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    return values
