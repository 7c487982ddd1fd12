"""What the operations share: the choice between kernel and naive form, flat rows, numbers for each row, blocks."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from rdk_theory import validation
from rdk_theory.distributions import positive_temperature

Implementation: TypeAlias = Literal["auto", "kernel", "naive"]
"""``"auto"``: the Triton kernel for tensors on a CUDA device, plain torch elsewhere."""

NARROW = (torch.float32, torch.bfloat16, torch.float16)
"""Dtypes that kernels read; they compute in float32 or wider."""

SINGLE = torch.finfo(torch.float32)


def use_kernel(implementation: str, *tensors: Tensor) -> bool:
    """Whether the kernel is to run on these tensors, which must share a device.

    Raises
    ------
    ValueError
        For an unknown `implementation`, for tensors on several devices, and for the kernel on tensors of the CPU where
        a CUDA device keeps Triton from being interpreted.
    """
    if implementation not in ("auto", "kernel", "naive"):
        raise ValueError(f"implementation must be 'auto', 'kernel' or 'naive', not {implementation!r}")
    devices = sorted({str(x.device) for x in tensors})
    if len(devices) > 1:
        raise ValueError(f"arguments must be on one device, not on {' and '.join(devices)}")
    if implementation != "kernel":
        return implementation == "auto" and tensors[0].is_cuda
    if not tensors[0].is_cuda:
        from gpu.ops import _triton

        if not _triton.INTERPRETED:
            raise ValueError(f"implementation 'kernel' needs tensors on a CUDA device, not on {devices[0]}")
    return True


def tensor(name: str, x: Any) -> None:
    """`x` is a torch tensor."""
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch tensor, not {type(x).__name__}")


def narrow(name: str, x: Any) -> None:
    """`x` is a torch tensor in one of the dtypes `NARROW`."""
    tensor(name, x)
    if x.dtype not in NARROW:
        raise ValueError(f"{name} of shape {tuple(x.shape)} must be float32, bfloat16 or float16, not {x.dtype}")


def check_logits(
    name: str, x: Any, size: int | None = None, what: str = "the vocabulary", *, values: bool = True
) -> None:
    """`x` holds logits in a narrow dtype, with a last axis of length `size` where one is given."""
    narrow(name, x)
    validation.vocabulary_axis(name, x, size, what)
    if values and x.numel():
        validation.logits(name, x)


def check_uniform(name: str, x: Any, shape: tuple[int, ...], *, values: bool = True) -> None:
    """`x` is a tensor of uniforms in [0, 1), float32 or float64, of this shape."""
    tensor(name, x)
    if x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name} of shape {tuple(x.shape)} must be float32 or float64, not {x.dtype}")
    validation.same_shape(name, x, shape)
    if values:
        validation.uniform(name, x, shape)


def check_distribution(
    name: str, x: Any, size: int | None = None, what: str = "the vocabulary", *, values: bool = True
) -> None:
    """`x` holds distributions in a narrow dtype."""
    narrow(name, x)
    validation.vocabulary_axis(name, x, size, what)
    if values and x.numel():
        validation.distribution(name, x, size, what)


def temperatures(name: str, value: Any, batch: tuple[int, ...], device: torch.device, zero: bool = False) -> Tensor:
    """One temperature for each row, ``(B,)``, float64: from one number for all of them or a tensor of shape `batch`.

    `zero` says whether a temperature may be 0, which is then kept.
    """
    if isinstance(value, Tensor):
        validation.real(name, value)
        validation.same_shape(name, value, batch)
        bad = ~(((value >= 0) if zero else (value > 0)) & torch.isfinite(value))
        if bool(bad.any()):
            index = tuple(int(i) for i in bad.nonzero()[0])
            wanted = "finite and at least 0" if zero else "positive and finite"
            raise ValueError(f"{name} of shape {batch} is not {wanted} at index {index}: {value[index]}")
        rows = value.reshape(-1).double()
    else:
        if not (zero and isinstance(value, int | float) and not isinstance(value, bool) and value == 0):
            positive_temperature(value)
        rows = torch.full((math.prod(batch),), float(value), dtype=torch.float64, device=device)
    # Kept within float32, where 0/0 or −inf/inf would be NaN: only temperatures below 1e−38 or above 3e38 change.
    within = rows.clamp(SINGLE.tiny, SINGLE.max)
    return torch.where(rows == 0, rows, within) if zero else within


def flat(x: Tensor) -> Tensor:
    """``(..., N)`` as ``(B, N)`` with entries of a row side by side; copied only if need be."""
    rows = x.reshape(-1, x.shape[-1])
    return rows if rows.stride(-1) == 1 or rows.shape[-1] == 1 else rows.contiguous()


def block(size: int, largest: int) -> int:
    """The power of two that holds `size`, at most `largest`."""
    return min(1 << max(0, size - 1).bit_length(), largest)
