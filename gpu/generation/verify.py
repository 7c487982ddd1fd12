"""Verification of drafted chains, with the uniforms of each purpose from its own stream."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import torch

from gpu.generation.streams import Streams, uniforms
from rdk_theory.kernels.base import Kernel
from rdk_theory.sampling import inverse_cdf
from rdk_theory.verification import Verified, verify_block, verify_chain, verify_lazy_chain

Verification = Literal["token", "block", "lazy"]

TRIES = 8
"""Tries of lazy verification before a proposal is formed. The law is the same for any number."""


class Chain(NamedTuple):
    """Chains that were drafted for a batch of texts."""

    drafts: torch.Tensor
    r""":math:`q'` of each step, ``(rows, γ, K)``; for the fused operations its logits."""
    tokens: torch.Tensor
    """Drafted target ids, ``(rows, γ)``."""
    certain: bool
    """Whether each token is a function of its context, as in greedy decoding, and no draw."""
    kernel: Any
    """What the tokens were drafted with: a kernel, or for the fused operations its columns."""
    temperature: float
    """That of the drafter."""


def verify(
    method: Verification, targets: torch.Tensor, chain: Chain | None, kernel: Kernel, streams: Streams
) -> tuple[list[list[int]], list[int]]:
    """Emitted tokens of each text, and how many of them were drafted; one from the target where there is no chain."""
    rows, device = targets.shape[0], targets.device
    bonus = uniforms(streams.bonus, (rows,), device)
    if chain is None:
        return [[token] for token in inverse_cdf(targets[:, 0], bonus).tolist()], [0] * rows
    accept = uniforms(streams.accept, tuple(chain.tokens.shape), device)
    if method == "lazy" and not chain.certain:
        propose, keep = uniforms(streams.residual, (2, rows, TRIES), device)
        fallback = uniforms(streams.residual, (rows,), device)
        lazily = verify_lazy_chain(targets, chain.drafts, kernel, chain.tokens, accept, propose, keep, fallback, bonus)
        out = Verified(lazily.tokens, lazily.accepted)
    else:
        proposals = _proposals(chain, kernel)
        exact = verify_block if method == "block" else verify_chain
        out = exact(targets, proposals, chain.tokens, accept, uniforms(streams.residual, (rows,), device), bonus)
    accepted = out.accepted.tolist()
    return [row[: n + 1] for row, n in zip(out.tokens.tolist(), accepted, strict=True)], accepted


def check_verification(method: str) -> None:
    """Raise unless there is such a method."""
    if method not in get_args(Verification):
        raise ValueError(f"verification must be one of {', '.join(get_args(Verification))}, not {method!r}")


def _proposals(chain: Chain, kernel: Kernel) -> torch.Tensor:
    """The laws that the tokens of a chain were drawn from, ``(rows, γ, N)``."""
    if chain.certain:
        return torch.nn.functional.one_hot(chain.tokens, kernel.vocab.size).double()
    out: torch.Tensor = kernel.redistribute(chain.drafts)
    return out
