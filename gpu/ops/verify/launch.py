"""Launch of the compiled verification: outputs, scratch space and the sizes that the code is compiled for."""

from __future__ import annotations

from functools import lru_cache

import torch

from gpu.ops._triton import launch, triton
from gpu.ops.verify.chains import Chains, Verified
from gpu.ops.verify.columns import KINDS
from gpu.ops.verify.kernel import verify_chains

BLOCK = 1024
"""Tokens that are read at a time; a candidate costs one such block."""

SPLITS = 8
"""Programs that share the streaming of a row."""

TILE = 1024
"""Entries of a column that are read at a time where one column is read."""

BLOCK_TILE = 1
"""Entries of each column that are read at a time where those of a block of tokens are read; more take registers from
the streaming, which shares them."""

CERTAIN = len(KINDS)
"""What the compiled code knows a draft by that has all its mass on the drafted token."""


def verify(chains: Chains) -> Verified:
    """As `gpu.ops.verify.verify`, of checked arguments; in one launch."""
    target, columns = _rows(chains.target_logits), chains.columns
    # Of drafts that are certain no law is read.
    draft = target if chains.draft is None else _rows(chains.draft)
    device = target.device
    batch, gamma = (int(n) for n in chains.drafted.shape)
    size, kept = columns.vocab.size, columns.vocab.kept_size
    blocks, draft_blocks = (triton.next_power_of_2(triton.cdiv(n, BLOCK)) for n in (size, kept))
    ranks = triton.next_power_of_2(columns.rank)
    kind = CERTAIN if chains.certain else KINDS.index(columns.kind)
    out = Verified(
        torch.empty(batch, dtype=torch.int32, device=device),
        torch.empty(batch, dtype=torch.int64, device=device),
        torch.empty((batch, gamma), dtype=torch.float32, device=device),
        torch.empty(batch, dtype=torch.int32, device=device),
        torch.empty(batch, dtype=torch.bool, device=device),
    )
    tops, sums = torch.empty((2, batch, gamma + 1, blocks), dtype=torch.float32, device=device)
    draft_tops, draft_sums = torch.empty((2, batch, gamma, draft_blocks), dtype=torch.float32, device=device)
    held = not chains.certain and columns.kind in ("low rank", "dense", "backed off")
    parts = torch.empty(batch * gamma * draft_blocks * ranks if held else 0, dtype=torch.float32, device=device)
    topics = torch.empty(batch * gamma * ranks if held else 0, dtype=torch.float64, device=device)
    stream = torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0
    counters = _counters(batch, device, stream)
    try:
        launch(
            verify_chains, (batch * (gamma + 1) * SPLITS,),
            target, target.stride(0), target.stride(1), draft, draft.stride(0), draft.stride(1),
            *(x.contiguous() for x in (chains.drafted, chains.accept, chains.last, chains.propose, chains.keep)),
            *(x.contiguous() for x in (chains.lengths, chains.temperature, chains.draft_temperature)),
            target if chains.threshold is None else chains.threshold.contiguous(), *columns.steps,
            columns.position, columns.weight, columns.prior, columns.starts, columns.places, columns.entries,
            columns.left, columns.right, columns.matrix, columns.scale,
            *out, tops, sums, draft_tops, draft_sums, parts, topics, counters,
            size, kept, gamma, int(chains.propose.shape[1]),
            KIND=kind, LOGITS=chains.draft_logits, CUT=chains.threshold is not None, GREEDY=chains.greedy,
            AS_BLOCK=chains.block, RANK=columns.rank, RANKS=ranks, BLOCK=BLOCK, BLOCKS=blocks,
            DRAFT_BLOCKS=draft_blocks, TILE=max(1, min(TILE, TILE * 8 // ranks)), BLOCK_TILE=BLOCK_TILE, SPLITS=SPLITS,
        )  # fmt: skip
    except BaseException:
        # What was interrupted may have left counts behind.
        _counters.cache_clear()
        raise
    return out


def _rows(x: torch.Tensor) -> torch.Tensor:
    """`x` with rows that lie in one piece; copied only if they do not."""
    return x if x.stride(-1) == 1 else x.contiguous()


@lru_cache(maxsize=64)
def _counters(batch: int, device: torch.device, stream: int) -> torch.Tensor:
    """How many programs of each chain have arrived: zeros, which every launch leaves as zeros.

    Launches on two streams may overlap, and do not share them.
    """
    return torch.zeros(batch, dtype=torch.int32, device=device)
