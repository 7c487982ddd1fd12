"""When two forms of an operation agree: for the tests, and for a benchmark that times nothing it has not compared."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from gpu.ops._triton import INTERPRETED

DEVICE = "cpu" if INTERPRETED else "cuda"
"""Where kernels run: compiled on a GPU where there is one, interpreted on the CPU where there is none."""

SLACK = 1 if INTERPRETED else 4
"""A GPU's float32 exponential and division err by up to two units in the last place, where the interpreter rounds."""

MARGIN = 1e-6 * SLACK
"""Ten times what float32 exponentials and sums within a block lose of a probability."""


class Disagreement(AssertionError):
    """Two forms of an operation differ by more than rounding; the message says in what."""


def require(held: Any, what: str) -> None:
    """Raise `Disagreement` unless all of `held` is true."""
    if not bool(torch.as_tensor(held).all()):
        raise Disagreement(what)


def moved(x: Any, device: torch.device | str) -> Any:
    """`x` with every tensor in it on the device: a tensor, a tuple, a dictionary or a dataclass of such; else `x`."""
    if isinstance(x, Tensor):
        return x.to(device)
    if isinstance(x, dict):
        return {name: moved(part, device) for name, part in x.items()}
    if isinstance(x, tuple):
        parts = [moved(part, device) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        fields = {field.name: moved(getattr(x, field.name), device) for field in dataclasses.fields(x)}
        return dataclasses.replace(x, **fields)
    return x


def near_ties(weights: Tensor, uniform: Tensor, drawn: Tensor) -> int:
    """Check draws against float64 weights ``(..., N)``, whose rows need not sum to 1; the number of near-ties.

    A draw must have weight, and its uniform must lie in its interval, but for `MARGIN`. So a draw may differ from the
    exact one only where a boundary is within the margin of the uniform: a near-tie.

    Raises
    ------
    Disagreement
        For a draw without weight, or one whose interval does not hold the uniform.
    """
    running = weights.double().cumsum(-1)
    running = running / running[..., -1:]
    at = drawn[..., None]
    high = running.gather(-1, at)[..., 0]
    low = torch.where(drawn > 0, running.gather(-1, (at - 1).clamp(min=0))[..., 0], 0.0)
    require(weights.gather(-1, at) > 0, "a token without weight was drawn")
    require((low - MARGIN <= uniform) & (uniform <= high + MARGIN), "a uniform lies in the interval of another")
    inner = torch.where(running < 1, running, torch.inf)
    return int(((inner - uniform[..., None]).abs().amin(-1) <= MARGIN).sum())


def few(count: int, rows: int, size: int) -> bool:
    """Whether as many near-ties are to be expected: each of `size` boundaries is within the margin for ``2 MARGIN``."""
    return count <= 2 + 4 * rows * size * 2 * MARGIN


def close(found: Tensor, exact: Tensor, relative: float, absolute: float, what: str) -> None:
    """Raise `Disagreement` where two tensors differ by more than both tolerances together; `SLACK` widens them.

    NaN is a difference.
    """
    error = (found.double() - exact.double()).abs()
    require(error <= SLACK * (relative * exact.double().abs() + absolute), f"{what} differ")
