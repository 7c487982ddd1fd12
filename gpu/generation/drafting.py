"""Draft chains of target ids with a pruned head and a redistribution kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from gpu.generation.cached import CachedModel
from gpu.generation.contextual import Contextual, Steps, kernel_at
from gpu.generation.fused import Fused
from gpu.generation.lengths import DraftLength
from gpu.generation.streams import Streams, uniforms
from gpu.generation.target_law import TargetLaw, wide_softmax
from gpu.generation.verify import Chain
from rdk_theory.drafting import draft_token
from rdk_theory.kernels.base import Kernel


def draft_chain(
    drafter: CachedModel,
    unread: Sequence[Sequence[int]],
    kernel: Kernel | Contextual,
    law: TargetLaw,
    length: DraftLength,
    most: int,
    streams: Streams,
    device: torch.device,
    fused: Fused | None = None,
) -> Chain:
    r"""Draft up to `most` tokens, at least 1: :math:`i \sim q'`, then :math:`x \sim M_i`, which the drafter then reads.

    Parameters
    ----------
    drafter
        The pruned model. Afterwards it has read all of `unread` and all drafted tokens but the last.
    unread
        Tokens of each text that the drafter has not read.
    device
        Where chains are wanted.
    fused
        What drafts in place of the array code.

    Notes
    -----
    For a greedy target the drafted token is :math:`\arg\max_t \tilde p_t`, the most probable guess at the target's one
    token: the kernel can then draft a cold token, and the chain is certain.
    """
    drafts, tokens = [], []
    kernels: list[Any] = []
    so_far = torch.ones(len(unread), dtype=torch.float64, device=device)
    for step in range(most):
        logits = drafter.read(unread, 1)[:, 0].to(device)
        if logits.shape[-1] != kernel.vocab.kept_size:
            raise ValueError(
                f"drafter gave logits of shape {tuple(logits.shape)}, expected {kernel.vocab.kept_size} a row: it does "
                "not use the head that was put in"
            )
        hidden = None if drafter.hidden is None else drafter.hidden[:, -1].to(device)
        own = kernel_at(kernel, hidden, logits)
        used: Any = own
        if fused is not None:
            draft, token, probability, used = fused.draft(logits, own, law, streams)
        else:
            draft = wide_softmax(logits, law.draft_temperature)
            token, probability = _draft(draft, own, law, streams, device)
        drafts.append(draft)
        tokens.append(token)
        kernels.append(used)
        so_far = so_far * probability
        if step + 1 == most or not length.goes_on(so_far):
            break
        unread = token[:, None].tolist()
    if fused is not None:
        used = fused.together(kernels, contextual=not isinstance(kernel, Kernel))
    else:
        used = kernel if isinstance(kernel, Kernel) else Steps(kernels)
    return Chain(torch.stack(drafts, dim=1), torch.stack(tokens, dim=1), law.greedy, used, law.draft_temperature)


def _draft(
    draft: torch.Tensor, kernel: Kernel, law: TargetLaw, streams: Streams, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """A token for each text, and its probability under the proposal."""
    if law.greedy:
        proposal = kernel.redistribute(draft)
        token = proposal.argmax(dim=-1)
        return token, proposal.gather(-1, token[:, None])[:, 0]
    token = draft_token(draft, kernel, *uniforms(streams.draft, (2, draft.shape[0]), device))[1]
    return token, kernel.probability(draft, token)
