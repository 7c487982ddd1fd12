r"""Acceptance rates :math:`\alpha = \sum_t \min(p_t, \tilde p_t)`, from logits or from probabilities."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpu.ops._common import (
    Implementation,
    check_distribution,
    check_logits,
    flat,
    temperatures,
    use_kernel,
)
from gpu.ops.acceptance import naive
from gpu.ops.verify.columns import Columns
from rdk_theory import validation

__all__ = ["acceptance", "acceptance_rate"]


def acceptance(
    target_logits: Tensor,
    draft_logits: Tensor,
    kernel: Columns,
    temperature: Any = 1.0,
    draft_temperature: Any = None,
    *,
    implementation: Implementation = "auto",
    check: bool = True,
) -> Tensor:
    r"""Acceptance rate of :math:`\tilde p = (1-\theta) q' + \theta \pi` by the target; neither law is formed.

    Parameters
    ----------
    target_logits
        ``(..., N)``, float32, bfloat16 or float16; −inf is legal.
    draft_logits
        Kept logits of the drafter, ``(..., K)`` in the order of ``vocab.kept``, in one of these widths.
    kernel
        An `Embedding` or a `RankOne`, laid out by `gpu.ops.verify.columns.prepare` on the device of the logits; one
        that depends on the context has a weight for each row, ``(...)``.
    temperature, draft_temperature
        Positive: a number, or a tensor ``(...)`` with one for each row. The drafter's default is the target's.
    implementation
        ``"auto"``, ``"kernel"`` or ``"naive"``.
    check
        Whether logits are checked as well as shapes, which reads them once more and waits for the device.

    Returns
    -------
    Tensor
        ``(...)``, float32, in [0, 1].

    Raises
    ------
    ValueError
        For another kind of kernel, a wrong shape, dtype or device, NaN, +inf, a row without a finite logit, or a
        temperature that is not positive and finite.
    """
    if not isinstance(kernel, Columns) or kernel.kind not in ("embedding", "rank one"):
        kind = kernel.kind if isinstance(kernel, Columns) else type(kernel).__name__
        raise ValueError(f"kernel must be an embedding or rank one, prepared on a device, not {kind}")
    vocab = kernel.vocab
    check_logits("target_logits", target_logits, vocab.size, values=check)
    check_logits("draft_logits", draft_logits, vocab.kept_size, "the kept set", values=check)
    batch, device = tuple(target_logits.shape[:-1]), target_logits.device
    validation.same_shape("draft_logits", draft_logits, (*batch, vocab.kept_size))
    kernel.check_batch(batch)
    heat = temperatures("temperature", temperature, batch, device)
    draft_heat = (
        heat if draft_temperature is None else temperatures("draft_temperature", draft_temperature, batch, device)
    )
    if use_kernel(implementation, target_logits, draft_logits, kernel.position, heat, draft_heat):
        from gpu.ops.acceptance.kernel import from_logits
    else:
        from_logits = naive.from_logits
    return from_logits(flat(target_logits), flat(draft_logits), kernel, heat, draft_heat).reshape(batch)


def acceptance_rate(
    target: Tensor, proposal: Tensor, *, implementation: Implementation = "auto", check: bool = True
) -> Tensor:
    r"""Acceptance rate :math:`\sum_t \min(p_t, r_t)` of two tensors of probabilities.

    Parameters
    ----------
    target, proposal
        :math:`p` and :math:`r`, both ``(..., N)``, each in float32, bfloat16 or float16.
    implementation
        ``"auto"``, ``"kernel"`` or ``"naive"``.
    check
        Whether rows are checked to be distributions, which reads them once more and waits for the device.

    Returns
    -------
    Tensor
        ``(...)``, float32, in [0, 1].

    Raises
    ------
    ValueError
        For a wrong shape, dtype or device, or a row that is no distribution within the tolerance of its dtype.
    """
    check_distribution("target", target, values=check)
    check_distribution("proposal", proposal, values=check)
    validation.same_shape("proposal", proposal, tuple(target.shape))
    if use_kernel(implementation, target, proposal):
        from gpu.ops.acceptance.kernel import from_probabilities
    else:
        from_probabilities = naive.from_probabilities
    return from_probabilities(flat(target), flat(proposal)).reshape(tuple(target.shape[:-1]))
