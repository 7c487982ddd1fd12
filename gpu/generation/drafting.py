"""Draft chains of target ids with a pruned head and a redistribution kernel."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gpu.generation.cached import CachedModel
from gpu.generation.lengths import DraftLength
from gpu.generation.streams import Streams, uniforms
from gpu.generation.target_law import TargetLaw, wide_softmax
from gpu.generation.verify import Chain
from rdk_theory.drafting import draft_token
from rdk_theory.kernels.base import Kernel


def draft_chain(
    drafter: CachedModel,
    unread: Sequence[Sequence[int]],
    kernel: Kernel,
    law: TargetLaw,
    length: DraftLength,
    most: int,
    streams: Streams,
    device: torch.device,
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

    Notes
    -----
    For a greedy target the drafted token is :math:`\arg\max_t \tilde p_t`, the most probable guess at the target's one
    token: the kernel can then draft a cold token, and the chain is certain.
    """
    drafts, tokens = [], []
    so_far = torch.ones(len(unread), dtype=torch.float64, device=device)
    for step in range(most):
        logits = drafter.read(unread, 1)[:, 0].to(device)
        if logits.shape[-1] != kernel.vocab.kept_size:
            raise ValueError(
                f"drafter gave logits of shape {tuple(logits.shape)}, expected {kernel.vocab.kept_size} a row: it does "
                "not use the head that was put in"
            )
        draft = wide_softmax(logits, law.draft_temperature)
        if law.greedy:
            proposal = kernel.redistribute(draft)
            token = proposal.argmax(dim=-1)
            probability = proposal.gather(-1, token[:, None])[:, 0]
        else:
            token = draft_token(draft, kernel, *uniforms(streams.draft, (2, len(unread)), device))[1]
            probability = kernel.probability(draft, token)
        drafts.append(draft)
        tokens.append(token)
        so_far = so_far * probability
        if step + 1 == most or not length.goes_on(so_far):
            break
        unread = token[:, None].tolist()
    return Chain(torch.stack(drafts, dim=1), torch.stack(tokens, dim=1), law.greedy)
