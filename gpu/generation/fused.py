"""Drafting and verification by the fused operations of `gpu.ops`, from logits in the models' own width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias, get_args

import torch

from gpu.generation.contextual import Contextual
from gpu.generation.streams import Streams, uniforms
from gpu.generation.target_law import Scores, TargetLaw, cut, wide_softmax
from gpu.generation.verify import TRIES, Chain, Verification
from gpu.ops._common import NARROW
from gpu.ops.propose import Rows, prepare_rows, propose
from gpu.ops.softmax_sample import softmax_sample
from gpu.ops.verify import Columns, naive
from gpu.ops.verify import verify as fused_verify
from gpu.ops.verify.forms import BY_CONTEXT, stored
from rdk_theory.kernels import RankOne
from rdk_theory.kernels.base import Kernel

Implementation: TypeAlias = Literal["auto", "kernel", "naive", "reference"]
"""What drafts and verifies; see `gpu.generation.generate`."""


def check_implementation(implementation: str) -> None:
    """Raise unless there is such an implementation."""
    if implementation not in get_args(Implementation):
        raise ValueError(f"implementation must be one of {', '.join(get_args(Implementation))}, not {implementation!r}")


def fused_operations(implementation: Implementation, kernel: Kernel | Contextual, device: torch.device) -> Fused | None:
    """The fused operations where they are meant; `None` for the array code.

    Raises
    ------
    ValueError
        For an unknown implementation, and for a kernel that the operations cannot lay out.
    """
    check_implementation(implementation)
    if implementation == "reference" or (implementation == "auto" and device.type != "cuda"):
        return None
    return Fused(kernel, device, "kernel" if implementation == "auto" else implementation)


class Fused:
    """The operations, and a kernel as they read it.

    Parameters
    ----------
    kernel
        One for all contexts, which is laid out now; or a `Contextual`, of which kernels of rank one are expected, and
        whose prior, if it is one for all, is laid out when it is first seen.
    device
        Where they run.
    implementation
        ``"kernel"`` or ``"naive"``.
    """

    def __init__(self, kernel: Kernel | Contextual, device: torch.device, implementation: Any) -> None:
        self.device, self.implementation = device, implementation
        self._rows = prepare_rows(kernel, device) if isinstance(kernel, Kernel) else None
        self._shared: tuple[Any, Rows] | None = None

    def draft(
        self, logits: torch.Tensor, kernel: Kernel, law: TargetLaw, streams: Streams
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Columns]:
        """Logits ``(n, K)`` as they are kept, a token for each text, its probability, and the columns of the kernel."""
        z, rows = narrow(logits), self._rows_of(kernel, logits.shape[0])
        if law.greedy:
            # The likeliest token of the proposal, which may be a cold one.
            proposal = naive.proposals(wide_softmax(z, law.draft_temperature), rows.columns)
            token = proposal.argmax(dim=-1)
            return z, token, proposal.gather(-1, token[:, None])[:, 0], rows.columns
        first, second = uniforms(streams.draft, (2, z.shape[0]), self.device)
        drawn = propose(z, rows, first, second, law.draft_temperature, implementation=self.implementation)
        return z, drawn.token, drawn.probability.double(), rows.columns

    def together(self, columns: Sequence[Columns], *, contextual: bool) -> Columns:
        """The columns of the steps of chains as one, with weights, and priors, for each text and step."""
        if not contextual:
            return columns[0]
        weight = torch.stack([each.weight for each in columns], dim=1)
        if columns[0].prior.ndim == 1:
            return replace(columns[0], weight=weight)
        return replace(columns[0], weight=weight, prior=torch.stack([each.prior for each in columns], dim=1))

    def verify(
        self, method: Verification, scores: Scores, chain: Chain | None, streams: Streams
    ) -> tuple[list[list[int]], list[int]]:
        """Emitted tokens of each text, and how many were drafted; one from the target where there is no chain."""
        rows = scores.logits.shape[0]
        bonus = uniforms(streams.bonus, (rows,), self.device)
        if chain is None:
            logits = narrow(cut(scores)[:, 0])
            drawn = softmax_sample(logits, bonus, scores.temperature, implementation=self.implementation)
            return [[token] for token in drawn.place.tolist()], [0] * rows
        accept = uniforms(streams.accept, tuple(chain.tokens.shape), self.device)
        propose_uniforms = keep_uniforms = None
        if method == "lazy" and not chain.certain:
            propose_uniforms, keep_uniforms = uniforms(streams.residual, (2, rows, TRIES), self.device)
        out = fused_verify(
            narrow(scores.logits),
            chain.drafts,
            chain.kernel,
            chain.tokens,
            accept,
            bonus,
            propose_uniforms=propose_uniforms,
            keep_uniforms=keep_uniforms,
            temperature=scores.temperature,
            draft_temperature=chain.temperature,
            certain=chain.certain,
            top_k=scores.top_k,
            top_p=scores.top_p,
            method="block" if method == "block" else "token",
            implementation=self.implementation,
        )
        accepted = out.accepted.tolist()
        tokens = zip(chain.tokens.tolist(), accepted, out.token.tolist(), strict=True)
        return [[*drafted[:n], last] for drafted, n, last in tokens], accepted

    def _rows_of(self, kernel: Kernel, count: int) -> Rows:
        """The kernel of the next token of each text, laid out."""
        if self._rows is not None:
            return self._rows
        if not isinstance(kernel, BY_CONTEXT):
            raise ValueError(
                f"kernel of type {type(kernel).__name__} that depends on the context needs the implementation "
                "'reference': the fused operations know such kernels of rank one, and gated priors"
            )
        own = stored(kernel)
        assert isinstance(own, RankOne)
        kernel = own
        if kernel.prior.ndim > 1:
            return prepare_rows(kernel, self.device)
        if self._shared is None or self._shared[0] is not kernel.prior:
            self._shared = kernel.prior, prepare_rows(RankOne(kernel.vocab, 0.0, kernel.prior), self.device)
        return self._shared[1].at(torch.as_tensor(kernel.weight, dtype=torch.float64).expand(count))


def narrow(logits: torch.Tensor) -> torch.Tensor:
    """Logits in a width that the operations read."""
    return logits if logits.dtype in NARROW else logits.float()
