"""What is verified and what comes out; checked once, at the boundary."""

from __future__ import annotations

from typing import NamedTuple

import torch

from gpu.ops._common import check_uniform, narrow, tensor
from gpu.ops.verify.columns import Columns
from rdk_theory import validation


class Chains(NamedTuple):
    """A batch of drafted chains, checked; see `gpu.ops.verify.verify` for the meaning of each field."""

    target_logits: torch.Tensor
    draft: torch.Tensor | None
    draft_logits: bool
    """Whether `draft` holds logits, not probabilities."""
    columns: Columns
    drafted: torch.Tensor
    accept: torch.Tensor
    last: torch.Tensor
    propose: torch.Tensor
    keep: torch.Tensor
    lengths: torch.Tensor
    temperature: torch.Tensor
    draft_temperature: torch.Tensor
    threshold: torch.Tensor | None
    """The least target logit that is not cut off, one a row; `None` if nothing is."""
    block: bool
    """Whether chains are verified as blocks, not token by token."""
    certain: bool = False
    """Whether each drafted token is a function of its context, and no draw: all mass of the proposal is on it."""
    greedy: bool = False
    """Whether a temperature may be 0."""


class Verified(NamedTuple):
    """Outcome of `verify`, one entry a chain."""

    accepted: torch.Tensor
    """Number of drafted tokens that were accepted, 0 to the length of the chain; ``(B,)`` int32."""
    token: torch.Tensor
    """The token that follows them: from the residual, or from the target after a whole chain; ``(B,)`` int64."""
    acceptance: torch.Tensor
    """``min(1, p_x / p̃_x)`` at each drafted token, 0 beyond the length; ``(B, γ)`` float32. Given the tokens before,
    its mean over ``x ~ p̃`` is the acceptance rate ``Σ min(p, p̃)`` of that position."""
    tried: torch.Tensor
    """Candidates that were proposed for the residual; ``(B,)`` int32."""
    fell_back: torch.Tensor
    """Whether none of them was kept, so that the whole residual was formed; ``(B,)`` bool."""


def check_shapes(chains: Chains) -> None:
    """Shapes and dtypes: nothing is read from the device."""
    target, draft, columns = chains.target_logits, chains.draft, chains.columns
    if not isinstance(columns, Columns):
        raise ValueError(f"kernel must be what `prepare` gives, not {type(columns).__name__}")
    narrow("target_logits", target)
    if target.ndim != 3 or target.shape[0] < 1 or target.shape[1] < 2:
        raise ValueError(f"target_logits has shape {tuple(target.shape)}, expected (B, gamma + 1, N) with gamma ≥ 1")
    batch, gamma = int(target.shape[0]), int(target.shape[1]) - 1
    validation.same_shape("target_logits", target, (batch, gamma + 1, columns.vocab.size))
    if not chains.certain:
        narrow("draft", draft)
        assert draft is not None
        validation.same_shape("draft", draft, (batch, gamma, columns.vocab.kept_size))
    columns.check_batch((batch, gamma))
    for name, ids, shape in (("drafted", chains.drafted, (batch, gamma)), ("lengths", chains.lengths, (batch,))):
        tensor(name, ids)
        validation.same_shape(name, ids, shape)
        if ids.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"{name} of shape {shape} must be int32 or int64, not {ids.dtype}")
    tensor("propose_uniforms", chains.propose)
    tries = int(chains.propose.shape[-1]) if chains.propose.ndim else 0
    check_uniform("accept_uniforms", chains.accept, (batch, gamma), values=False)
    check_uniform("last_uniform", chains.last, (batch,), values=False)
    check_uniform("propose_uniforms", chains.propose, (batch, tries), values=False)
    check_uniform("keep_uniforms", chains.keep, (batch, tries), values=False)


def check_values(chains: Chains) -> None:
    """Every value: one more pass over the logits, and the device is waited for."""
    gamma = int(chains.drafted.shape[1])
    validation.token_ids("lengths", chains.lengths, gamma + 1)
    step = torch.arange(gamma + 1, device=chains.drafted.device)
    # Rows beyond the length of a chain hold whatever the caller left there.
    beyond = step[:gamma] >= chains.lengths[:, None]
    validation.logits(
        "target_logits", torch.where((step > chains.lengths[:, None])[..., None], 0, chains.target_logits)
    )
    if chains.certain or chains.draft is None:
        pass
    elif chains.draft_logits:
        validation.logits("draft", torch.where(beyond[..., None], 0, chains.draft))
    else:
        even = torch.full_like(chains.draft, 1 / chains.draft.shape[-1], dtype=torch.float32)
        law = torch.where(beyond[..., None], even, chains.draft.float()).to(chains.draft.dtype)
        validation.distribution("draft", law, what="the kept set")
    validation.token_ids("drafted", torch.where(beyond, 0, chains.drafted), chains.columns.vocab.size)
    for name, uniform in (
        ("accept_uniforms", torch.where(beyond, 0, chains.accept)),
        ("last_uniform", chains.last),
        ("propose_uniforms", chains.propose),
        ("keep_uniforms", chains.keep),
    ):
        validation.uniform(name, uniform, tuple(uniform.shape))
