"""`softmax_sample` in Triton: one program a row, one pass for the normaliser and part of a second for the draw."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.ops._common import block
from gpu.ops._triton import launch, tl, triton

LARGEST_BLOCK = 4096


@triton.jit
def softmax_moments(line, size, temperature, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """Maximum of a row of logits, float32, and ``Σ exp((z − maximum)/T)``, float64; one pass."""
    top = tl.full((), float("-inf"), tl.float32)
    total = tl.full((), 0.0, tl.float64)
    for start in range(0, size, BLOCK):
        at = start + tl.arange(0, BLOCK)
        z = tl.load(line + at, mask=at < size, other=float("-inf")).to(tl.float32)
        new = tl.maximum(top, tl.max(z, 0))
        base = tl.where(new == float("-inf"), 0.0, new)  # nothing finite so far: −inf − (−inf) would be NaN
        total = total * tl.exp((top - base) / temperature).to(tl.float64)
        total += tl.sum(tl.exp((z - base) / temperature), 0).to(tl.float64)
        top = new
    return top, total


@triton.jit
def softmax_draw(line, size, temperature, top, threshold, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """First place whose running sum of ``exp((z − top)/T)`` exceeds the threshold; at most the last with weight."""
    before = tl.full((), 0.0, tl.float64)
    found = tl.full((), 0, tl.int32) + size
    last = tl.full((), -1, tl.int32)
    start = tl.full((), 0, tl.int32)
    while (start < size) & (found == size):
        at = start + tl.arange(0, BLOCK)
        z = tl.load(line + at, mask=at < size, other=float("-inf")).to(tl.float32)
        weight = tl.exp((z - top) / temperature)
        # A scan in float32 need not be monotone to the last bit, so a place without weight is excluded by name.
        running = before + tl.cumsum(weight, 0).to(tl.float64)
        found = tl.min(tl.where((weight > 0) & (running > threshold), at, size), 0)
        last = tl.maximum(last, tl.max(tl.where(weight > 0, at, -1), 0))
        before += tl.sum(weight, 0).to(tl.float64)
        start += BLOCK
    return tl.where(found == size, last, found)


@triton.jit
def _sample(  # type: ignore[no-untyped-def]
    logits, stride, temperature, uniform, place, probability, maximum, log_sum, size, BLOCK: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    line = logits + row * stride
    heat = tl.load(temperature + row)
    top, total = softmax_moments(line, size, heat, BLOCK)
    found = softmax_draw(line, size, heat, top, tl.load(uniform + row) * total, BLOCK)
    z = tl.load(line + found).to(tl.float32)
    tl.store(place + row, found.to(tl.int64))
    tl.store(probability + row, (tl.exp((z - top) / heat).to(tl.float64) / total).to(tl.float32))
    tl.store(maximum + row, top)
    tl.store(log_sum + row, tl.log(total).to(tl.float32))


def sample(logits: Tensor, temperature: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Place, probability, maximum and log-sum for rows ``(B, K)``; see `softmax_sample`."""
    rows, size = logits.shape
    place = torch.empty(rows, dtype=torch.int64, device=logits.device)
    probability, maximum, log_sum = (torch.empty(rows, dtype=torch.float32, device=logits.device) for _ in range(3))
    launch(
        _sample,
        (rows,),
        logits,
        logits.stride(0),
        temperature.float(),
        uniform.double(),
        place,
        probability,
        maximum,
        log_sum,
        size,
        BLOCK=block(size, LARGEST_BLOCK),
    )
    return place, probability, maximum, log_sum
