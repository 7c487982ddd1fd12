"""Draw from the softmax of kept draft logits, and keep what `q'` at any place is later computed from."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gpu.ops._common import SINGLE, Implementation, check_logits, check_uniform, flat, temperatures, use_kernel
from gpu.ops.softmax_sample import naive

__all__ = ["Drafted", "softmax_sample"]


class Drafted(NamedTuple):
    r"""One drafted place for each row, and the normaliser of that row.

    For every place `i`, :math:`q'_i = \exp((z_i - \text{maximum})/T - \text{log\_sum})`, and
    :math:`\operatorname{LSE}(z/T) = \text{maximum}/T + \text{log\_sum}`. The two parts are kept apart because their sum
    in float32 would lose digits where the maximum is large.
    """

    place: Tensor
    """Drawn place among the kept tokens, int64, ``(...)``."""
    probability: Tensor
    """:math:`q'` at `place`, float32, ``(...)``."""
    maximum: Tensor
    """:math:`\\max_i z_i`, float32, ``(...)``."""
    log_sum: Tensor
    """:math:`\\log \\sum_i \\exp((z_i - \\text{maximum})/T)`, float32, ``(...)``."""


def softmax_sample(
    logits: Tensor,
    uniform: Tensor,
    temperature: Any = 1.0,
    *,
    implementation: Implementation = "auto",
    check: bool = True,
) -> Drafted:
    r"""Draw :math:`i \sim q'`, :math:`q'_i = e^{z_i/T} / \sum_k e^{z_k/T}`, by inverse CDF; `q'` is not formed.

    Parameters
    ----------
    logits
        :math:`z`, ``(..., K)``, float32, bfloat16 or float16; −inf is legal. Rows need not be adjacent in memory.
    uniform
        :math:`u \in [0, 1)`, ``(...)``, float32 or float64. In float32 it has 24 bits, and no draw can tell apart what
        differs by less than :math:`2^{-24}`.
    temperature
        :math:`T \ge 0`: a number, or a tensor ``(...)`` with one for each row. At 0 the greatest logit has all mass,
        the one at the first place among equals: it is drawn with probability 1, and `log_sum` is 0.
    implementation
        ``"auto"``, ``"kernel"`` or ``"naive"``.
    check
        Whether logits and uniforms are checked as well as shapes, which reads them once more and waits for the device.

    Returns
    -------
    Drafted
        The first place whose cumulative weight exceeds :math:`u` times the total, never one of weight 0.

    Raises
    ------
    ValueError
        For another dtype, NaN, +inf, a row without a finite logit, a temperature that is not finite and at least 0, or
        a uniform of another shape or outside [0, 1).

    Notes
    -----
    The kernel exponentiates in float32 and adds blocks in float64, the naive form does everything in float64: they draw
    the same place unless :math:`u` is within rounding, about :math:`10^{-7}`, of the boundary between two.
    """
    check_logits("logits", logits, values=check)
    batch = tuple(logits.shape[:-1])
    check_uniform("uniform", uniform, batch, values=check)
    heat = temperatures("temperature", temperature, batch, logits.device, zero=True)
    if use_kernel(implementation, logits, uniform, heat):
        from gpu.ops.softmax_sample.kernel import sample
    else:
        sample = naive.sample
    uniform = uniform.reshape(-1)
    if not isinstance(temperature, Tensor) and temperature != 0:
        return Drafted(*(x.reshape(batch) for x in sample(flat(logits), heat, uniform)))
    # The uniform 0 draws the first place with weight, and at so low a temperature no other than the greatest has any.
    certain = heat == 0
    place, probability, top, log_sum = sample(
        flat(logits), heat.clamp(min=SINGLE.tiny), torch.where(certain, 0.0, uniform)
    )
    drawn = (place, torch.where(certain, 1.0, probability), top, torch.where(certain, 0.0, log_sum))
    return Drafted(*(x.reshape(batch) for x in drawn))
