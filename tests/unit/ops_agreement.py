"""Draws by inverse CDF compared with exact running sums: the same token wherever the sums decide with margin."""

import dataclasses
import functools

import pytest
import torch

from gpu.ops._triton import INTERPRETED

DEVICE = "cpu" if INTERPRETED else "cuda"
"""Where the operations run: kernels are compiled for a GPU where there is one, and interpreted where there is none."""

MARGIN = 1e-6
"""Ten times what float32 exponentials and sums within a block lose of a probability."""


def on_device(operation):
    """The operation for tests that hold their tensors on the CPU: arguments go to `DEVICE`, results come back."""

    def moved(x, device):
        if isinstance(x, torch.Tensor):
            return x.to(device)
        if isinstance(x, tuple):
            return type(x)(*(moved(part, device) for part in x))
        if dataclasses.is_dataclass(x):
            parts = {field.name: moved(getattr(x, field.name), device) for field in dataclasses.fields(x)}
            return dataclasses.replace(x, **parts)
        return x

    @functools.wraps(operation)
    def call(*arguments, **options):
        return moved(operation(*(moved(x, DEVICE) for x in arguments), **options), "cpu")

    return call


@pytest.fixture
def poisoned():
    """Memory that a kernel allocates and does not write holds NaN, or the largest integer."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def uniforms(seed, *shape):
    """Uniforms in float64, with those that go wrong first among them: 0, and the largest below 1."""
    values = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if values.ndim and values.numel() > 2:
        values.view(-1)[:2] = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    return values


def near_ties(weights, uniform, drawn):
    """Check draws against float64 weights ``(..., N)``, whose rows need not sum to 1; the number of near-ties.

    A draw must have weight, and its uniform must lie in its interval, but for `MARGIN`. So a draw may differ from the
    exact one only where a boundary is within the margin of the uniform: a near-tie.
    """
    running = weights.double().cumsum(-1)
    running = running / running[..., -1:]
    at = drawn[..., None]
    high = running.gather(-1, at)[..., 0]
    low = torch.where(drawn > 0, running.gather(-1, (at - 1).clamp(min=0))[..., 0], 0.0)
    assert (weights.gather(-1, at) > 0).all(), "a token without weight was drawn"
    assert ((low - MARGIN <= uniform) & (uniform <= high + MARGIN)).all(), "a uniform lies in the interval of another"
    inner = torch.where(running < 1, running, torch.inf)
    return int(((inner - uniform[..., None]).abs().amin(-1) <= MARGIN).sum())


def few(count, rows, size):
    """Whether as many near-ties are to be expected: each of `size` boundaries is within the margin for ``2 MARGIN``."""
    return count <= 2 + 4 * rows * size * 2 * MARGIN
