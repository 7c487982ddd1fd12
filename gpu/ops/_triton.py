"""Triton, compiled where there is a CUDA device and interpreted where there is none: decided here and nowhere else.

Kernel files import `tl` and `triton` from here, so that the decision is made before their first `triton.jit`.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import numpy as np
import torch

_imported_before = "triton" in sys.modules
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

import triton  # noqa: E402
import triton.language as tl  # noqa: E402

INTERPRETED = bool(triton.knobs.runtime.interpret)
"""Whether kernels run in Python, on tensors of the CPU."""

if INTERPRETED and _imported_before:
    # Other libraries import triton too. Its own functions (`tl.sum`, …) were then marked for the compiler; reading the
    # two modules that hold them again marks them for the interpreter.
    for _module in (tl.standard, tl.random, tl):
        importlib.reload(_module)


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **constants: Any) -> None:
    """Run `kernel` on a grid of programs; an empty grid is no launch.

    Compiled without fusing products and sums, so that both are rounded where the interpreter rounds them. Interpreted,
    a logit far below the maximum overflows to −inf with a warning of numpy, where a GPU is silent.
    """
    if 0 in grid:
        return
    if not INTERPRETED:
        constants["enable_fp_fusion"] = False
    with np.errstate(over="ignore"):
        kernel[grid](*arguments, **constants)


__all__ = ["INTERPRETED", "launch", "tl", "triton"]
