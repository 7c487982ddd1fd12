"""The second stage of `propose` in Triton: one program a row of the batch draws a token and sums one column.

Where running sums are at hand, a token is found by bisection. `bisect_*` give the first token whose running sum exceeds
``u`` times the total, and the first that reaches the total where rounding lets none exceed it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.ops._common import block
from gpu.ops._triton import launch, tl, triton
from gpu.ops.propose.rows import Rows
from gpu.ops.softmax_sample import Drafted

LARGEST_BLOCK = 4096
TILE = 8192
"""Entries of a low-rank left factor that are read at a time."""


@triton.jit
def kept_probability(line, place, mask, temperature, top, log_sum):  # type: ignore[no-untyped-def]
    """``q'`` at these places of a row of logits, 0 where masked."""
    z = tl.load(line + place, mask=mask, other=float("-inf")).to(tl.float32)
    return tl.exp((z - top) / temperature - log_sum)


@triton.jit
def _rank_one(  # type: ignore[no-untyped-def]
    logits, stride, temperature, maximum, log_sum, drafted, uniform, tokens, probabilities,
    kept, position, weight, weight_step, prior, prior_step, sums, size,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    prior += row * prior_step
    sums += row * prior_step
    theta = tl.load(weight + row * weight_step)
    own = tl.load(kept + tl.load(drafted + row))
    total = theta * tl.load(sums + size - 1) + (1 - theta)
    threshold = tl.load(uniform + row) * total
    low, high = own * 0, own * 0 + size - 1
    while low < high:
        middle = (low + high) // 2
        reached = theta * tl.load(sums + middle) + tl.where(middle >= own, 1 - theta, 0.0)
        enough = (reached > threshold) | (reached >= total)
        high = tl.where(enough, middle, high)
        low = tl.where(enough, low, middle + 1)
    place = tl.load(position + low)
    q = kept_probability(
        logits + row * stride,
        place,
        place >= 0,
        tl.load(temperature + row),
        tl.load(maximum + row),
        tl.load(log_sum + row),
    )
    tl.store(tokens + row, low)
    share = theta.to(tl.float32)
    tl.store(probabilities + row, (1 - theta).to(tl.float32) * q + share * tl.load(prior + low))


@triton.jit
def _sparse(  # type: ignore[no-untyped-def]
    logits, stride, temperature, maximum, log_sum, drafted, uniform, tokens, probabilities,
    row_starts, row_tokens, sums, column_starts, places, entries, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    own = tl.load(drafted + row)
    low, high = tl.load(row_starts + own), tl.load(row_starts + own + 1) - 1
    total = tl.load(sums + high)
    threshold = tl.load(uniform + row) * total
    while low < high:
        middle = (low + high) // 2
        reached = tl.load(sums + middle)
        enough = (reached > threshold) | (reached >= total)
        high = tl.where(enough, middle, high)
        low = tl.where(enough, low, middle + 1)
    token = tl.load(row_tokens + low)
    tl.store(tokens + row, token)
    heat, top, norm = tl.load(temperature + row), tl.load(maximum + row), tl.load(log_sum + row)
    first, last = tl.load(column_starts + token), tl.load(column_starts + token + 1)
    found = tl.full((), 0.0, tl.float64)
    while first < last:
        entry = first + tl.arange(0, BLOCK)
        inside = entry < last
        place = tl.load(places + entry, mask=inside, other=0)
        q = kept_probability(logits + row * stride, place, inside, heat, top, norm)
        found += tl.sum(q * tl.load(entries + entry, mask=inside, other=0.0), 0).to(tl.float64)
        first += BLOCK
    tl.store(probabilities + row, found.to(tl.float32))


@triton.jit
def _backed_off(  # type: ignore[no-untyped-def]
    logits, stride, temperature, maximum, log_sum, drafted, uniform, tokens, probabilities,
    row_starts, row_tokens, sums, shares, prior, prior_sums, column_starts, places, entries, size, kept,
    BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    own = tl.load(drafted + row)
    first, end = tl.load(row_starts + own), tl.load(row_starts + own + 1)
    share = tl.load(shares + own).to(tl.float64)
    all_stored = tl.load(sums + end - 1, mask=end > first, other=0.0)
    total = share * tl.load(prior_sums + size - 1) + all_stored
    threshold = tl.load(uniform + row) * total
    low, high = own * 0, own * 0 + size - 1
    while low < high:
        middle = (low + high) // 2
        # The first stored entry of the row that lies beyond the token in the middle.
        entry, beyond = first, end
        while entry < beyond:
            half = (entry + beyond) // 2
            later = tl.load(row_tokens + half) > middle
            beyond = tl.where(later, half, beyond)
            entry = tl.where(later, entry, half + 1)
        reached = share * tl.load(prior_sums + middle) + tl.load(sums + entry - 1, mask=entry > first, other=0.0)
        enough = (reached > threshold) | (reached >= total)
        high = tl.where(enough, middle, high)
        low = tl.where(enough, low, middle + 1)
    tl.store(tokens + row, low)
    heat, top, norm = tl.load(temperature + row), tl.load(maximum + row), tl.load(log_sum + row)
    found = tl.full((), 0.0, tl.float64)
    at, last = tl.load(column_starts + low), tl.load(column_starts + low + 1)
    while at < last:
        stored = at + tl.arange(0, BLOCK)
        inside = stored < last
        place = tl.load(places + stored, mask=inside, other=0)
        q = kept_probability(logits + row * stride, place, inside, heat, top, norm)
        found += tl.sum(q * tl.load(entries + stored, mask=inside, other=0.0), 0).to(tl.float64)
        at += BLOCK
    left = tl.full((), 0.0, tl.float64)
    for start in range(0, kept, BLOCK):
        place = start + tl.arange(0, BLOCK)
        inside = place < kept
        q = kept_probability(logits + row * stride, place, inside, heat, top, norm)
        left += tl.sum(q * tl.load(shares + place, mask=inside, other=0.0), 0).to(tl.float64)
    found += left * tl.load(prior + low).to(tl.float64)
    tl.store(probabilities + row, found.to(tl.float32))


@triton.jit
def _low_rank(  # type: ignore[no-untyped-def]
    logits, stride, temperature, maximum, log_sum, drafted, uniform, tokens, probabilities,
    left, right, sums, size, kept, rank, RANK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    topic = tl.arange(0, RANK)
    real = topic < rank
    own = tl.load(drafted + row)
    mixture = tl.load(left + own * rank + topic, mask=real, other=0.0).to(tl.float64)
    low, high = own * 0, own * 0 + size - 1
    total = tl.sum(mixture * tl.load(sums + high * rank + topic, mask=real, other=0.0), 0)
    threshold = tl.load(uniform + row) * total
    while low < high:
        middle = (low + high) // 2
        reached = tl.sum(mixture * tl.load(sums + middle * rank + topic, mask=real, other=0.0), 0)
        enough = (reached > threshold) | (reached >= total)
        high = tl.where(enough, middle, high)
        low = tl.where(enough, low, middle + 1)
    tl.store(tokens + row, low)
    heat, top, norm = tl.load(temperature + row), tl.load(maximum + row), tl.load(log_sum + row)
    entries = tl.load(right + low * rank + topic, mask=real, other=0.0)
    found = tl.full((), 0.0, tl.float64)
    for start in range(0, kept, BLOCK):
        place = start + tl.arange(0, BLOCK)
        inside = place < kept
        q = kept_probability(logits + row * stride, place, inside, heat, top, norm)
        at = place.to(tl.int64)[:, None] * rank + topic[None, :]
        factor = tl.load(left + at, mask=inside[:, None] & real[None, :], other=0.0)
        found += tl.sum(q * tl.sum(factor * entries[None, :], 1), 0).to(tl.float64)
    # Factors of a first-order kernel have signs, and what should be 0 may come out below it.
    tl.store(probabilities + row, tl.maximum(found, 0.0).to(tl.float32))


@triton.jit
def _dense(  # type: ignore[no-untyped-def]
    logits, stride, temperature, maximum, log_sum, drafted, uniform, tokens, probabilities,
    matrix, sums, columns, scale, size, kept, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    own = tl.load(drafted + row)
    line = matrix + own * size
    threshold = tl.load(uniform + row) * tl.load(sums + own)
    before = tl.full((), 0.0, tl.float64)
    token = tl.full((), 0, tl.int32) + size
    last = tl.full((), -1, tl.int32)
    start = tl.full((), 0, tl.int32)
    while (start < size) & (token == size):
        at = start + tl.arange(0, BLOCK)
        weight = tl.load(line + at, mask=at < size, other=0.0).to(tl.float32)
        running = before + tl.cumsum(weight, 0).to(tl.float64)
        token = tl.min(tl.where((weight > 0) & (running > threshold), at, size), 0)
        last = tl.maximum(last, tl.max(tl.where(weight > 0, at, -1), 0))
        before += tl.sum(weight, 0).to(tl.float64)
        start += BLOCK
    token = tl.where(token == size, last, token).to(tl.int64)
    tl.store(tokens + row, token)
    heat, top, norm = tl.load(temperature + row), tl.load(maximum + row), tl.load(log_sum + row)
    found = tl.full((), 0.0, tl.float64)
    for start in range(0, kept, BLOCK):
        place = start + tl.arange(0, BLOCK)
        inside = place < kept
        q = kept_probability(logits + row * stride, place, inside, heat, top, norm)
        entries = tl.load(columns + token * kept + place, mask=inside, other=0.0).to(tl.float32)
        found += tl.sum(q * entries * tl.load(scale + place, mask=inside, other=0.0), 0).to(tl.float64)
    tl.store(probabilities + row, found.to(tl.float32))


def second_stage(
    logits: Tensor, temperature: Tensor, rows: Rows, drafted: Drafted, uniform: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Token :math:`x \sim M_i` and :math:`\tilde p_x` for rows ``(B, K)``; see `propose`."""
    columns, (batch, kept) = rows.columns, logits.shape
    if columns.kind == "embedding":
        return rows.kept[drafted.place], drafted.probability
    tokens = torch.empty(batch, dtype=torch.int64, device=logits.device)
    probabilities = torch.empty(batch, dtype=torch.float32, device=logits.device)
    size = columns.vocab.size
    common = (
        logits,
        logits.stride(0),
        temperature.float(),
        drafted.maximum,
        drafted.log_sum,
        drafted.place,
        uniform.double(),
        tokens,
        probabilities,
    )
    if columns.kind == "rank one":
        step, prior_step = columns.steps
        mixed = (columns.position, columns.weight, step, columns.prior, prior_step, rows.sums)
        launch(_rank_one, (batch,), *common, rows.kept, *mixed, size)
    elif columns.kind == "sparse":
        of_columns = (columns.starts, columns.places, columns.entries)
        length = block(kept, LARGEST_BLOCK)
        launch(_sparse, (batch,), *common, rows.starts, rows.tokens, rows.sums, *of_columns, BLOCK=length)
    elif columns.kind == "backed off":
        of_rows = (rows.starts, rows.tokens, rows.sums, columns.left, columns.right, rows.prior_sums)
        of_columns = (columns.starts, columns.places, columns.entries)
        length = block(kept, LARGEST_BLOCK)
        launch(_backed_off, (batch,), *common, *of_rows, *of_columns, size, kept, BLOCK=length)
    elif columns.kind == "low rank":
        rank = block(columns.rank, TILE)
        sizes = (size, kept, columns.rank)
        length = block(kept, max(1, TILE // rank))
        launch(_low_rank, (batch,), *common, columns.left, columns.right, rows.sums, *sizes, RANK=rank, BLOCK=length)
    else:
        stored = (rows.matrix, rows.sums, columns.matrix, columns.scale)
        launch(_dense, (batch,), *common, *stored, size, kept, BLOCK=block(max(size, kept), LARGEST_BLOCK))
    return tokens, probabilities
