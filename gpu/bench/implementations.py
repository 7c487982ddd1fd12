"""Every way in which the operation of a point can be computed, as calls without arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from gpu.bench import plain
from gpu.bench.inputs import Inputs
from gpu.bench.others import Verifier
from gpu.ops.acceptance import acceptance
from gpu.ops.propose import propose
from gpu.ops.redistribute import redistribute
from gpu.ops.softmax_sample import softmax_sample
from gpu.ops.verify import Verified, verify

Call: TypeAlias = Callable[[], Any]


def fused(inputs: Inputs, implementation: str = "kernel") -> Call:
    """The operation of the point, unchecked, by its kernel or by its naive form.

    The naive form of a verification has the whole residual at hand: it is given no tries.
    """
    operation, kernel = inputs.point.operation, inputs.kernel
    options: dict[str, Any] = {"implementation": implementation, "check": False}
    draft, uniforms = inputs.draft[:, 0], inputs.uniforms
    if operation == "softmax_sample":
        return lambda: softmax_sample(draft, uniforms["first"], **options)
    if operation == "propose":
        assert kernel.rows is not None
        rows = kernel.rows
        return lambda: propose(draft, rows, uniforms["first"], uniforms["second"], **options)
    if operation == "redistribute":
        law, form = draft.float().softmax(dim=-1), kernel.factors or kernel.columns
        return lambda: redistribute(law, form, **options)
    if operation == "acceptance":
        target = inputs.target[:, 0]
        return lambda: acceptance(target, draft, kernel.columns, **options)
    arguments = inputs.chains(tries=0 if implementation == "naive" else None)
    method = operation.removeprefix("verify ")
    return lambda: verify(kernel=kernel.columns, **arguments, method=method, **options)


def in_torch(inputs: Inputs) -> Call | None:
    """Verification token by token in a few operations of torch, in float32; `None` for other operations."""
    if inputs.point.operation != "verify token":
        return None
    arguments = {
        name: x for name, x in inputs.chains().items() if not name.startswith(("propose", "keep"))
    }  # what is drawn from the residual takes one uniform
    return lambda: plain.verify(kernel=inputs.kernel.columns, **arguments)


def by_package(inputs: Inputs, verifier: Verifier, *, given: bool = False) -> Call:
    """Verification by another package: from the same logits, or with both laws formed beforehand."""

    def laws() -> tuple[torch.Tensor, torch.Tensor]:
        target = inputs.target.float().softmax(dim=-1)
        return target, plain.proposals(inputs.draft.float().softmax(dim=-1), inputs.kernel.columns)

    if not given:
        return lambda: verifier(*laws(), inputs.drafted)
    target, proposal = laws()
    return lambda: verifier(target, proposal, inputs.drafted)


def as_outcome(accepted: torch.Tensor, token: torch.Tensor, gamma: int) -> Verified:
    """What another package says, as an outcome for which bytes can be counted: a residual after each rejection."""
    none = torch.zeros_like(accepted, dtype=torch.int32)
    return Verified(accepted, token, none[:, None].expand(-1, gamma), none, accepted < gamma)
