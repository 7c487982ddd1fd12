"""Draw the token to be verified in two stages, and say how probable it was, without forming the proposal."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from gpu.ops._common import Implementation, check_logits, check_uniform, flat, temperatures, use_kernel
from gpu.ops.propose import naive
from gpu.ops.propose.rows import Rows, prepare_rows
from gpu.ops.softmax_sample import Drafted, softmax_sample

__all__ = ["Proposed", "Rows", "prepare_rows", "propose"]


class Proposed(NamedTuple):
    r"""A draw from :math:`\tilde p = q' M` for each row."""

    token: Tensor
    """Target id :math:`x`, int64, ``(...)``."""
    probability: Tensor
    r""":math:`\tilde p_x`, float32, ``(...)``."""
    drafted: Drafted
    """The first stage: the kept token that was drafted, and the normaliser of the row."""


def propose(
    logits: Tensor,
    rows: Rows,
    first_uniform: Tensor,
    second_uniform: Tensor,
    temperature: Any = 1.0,
    *,
    implementation: Implementation = "auto",
    check: bool = True,
) -> Proposed:
    r"""Draw :math:`i \sim q'`, then :math:`x \sim M_i`: together a draw from :math:`\tilde p = q' M`.

    Parameters
    ----------
    logits
        Kept logits of the drafter, ``(..., K)`` in the order of ``vocab.kept``, float32, bfloat16 or float16.
    rows
        :math:`M` as `prepare_rows` lays it out on the device of the logits; one that depends on the context has a
        weight for each row, ``(...)``.
    first_uniform, second_uniform
        Independent uniforms in [0, 1), ``(...)``, float32 or float64, one for each stage.
    temperature
        :math:`T > 0` of the drafter: a number, or a tensor ``(...)`` with one for each row. What a greedy drafter wants
        is no draw but the likeliest token of the proposal.
    implementation
        ``"auto"``, ``"kernel"`` or ``"naive"``.
    check
        Whether logits and uniforms are checked as well as shapes, which reads them once more and waits for the device.

    Returns
    -------
    Proposed
        Token, its probability under the proposal, and the first stage. Both stages are by inverse CDF, tokens in
        ascending order, as in `rdk_theory.drafting.draft_token`.

    Raises
    ------
    ValueError
        If `rows` was not prepared, or as `softmax_sample`.
    """
    if not isinstance(rows, Rows):
        raise ValueError(f"rows must come from prepare_rows, not {type(rows).__name__}")
    check_logits("logits", logits, rows.columns.vocab.kept_size, "the kept set", values=check)
    batch = tuple(logits.shape[:-1])
    rows.columns.check_batch(batch)
    check_uniform("first_uniform", first_uniform, batch, values=check)
    check_uniform("second_uniform", second_uniform, batch, values=check)
    heat = temperatures("temperature", temperature, batch, logits.device)
    if use_kernel(implementation, logits, first_uniform, second_uniform, heat, rows.kept):
        from gpu.ops.propose.kernel import second_stage
    else:
        second_stage = naive.second_stage
    first = softmax_sample(flat(logits), first_uniform.reshape(-1), heat, implementation=implementation, check=False)
    token, probability = second_stage(flat(logits), heat, rows, first, second_uniform.reshape(-1))
    return Proposed(token.reshape(batch), probability.reshape(batch), Drafted(*(x.reshape(batch) for x in first)))
