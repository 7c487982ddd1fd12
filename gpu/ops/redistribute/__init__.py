r"""The whole proposal :math:`\tilde p = q' M`, for those who need it as a vector."""

from __future__ import annotations

from torch import Tensor

from gpu.ops._common import Implementation, check_distribution, flat, use_kernel
from gpu.ops.redistribute import naive
from gpu.ops.redistribute.factors import Factors, prepare_first_order
from gpu.ops.verify.columns import Columns

__all__ = ["Factors", "prepare_first_order", "redistribute"]

KINDS = ("embedding", "rank one", "low rank", "dense")


def redistribute(
    draft: Tensor, kernel: Columns | Factors, *, implementation: Implementation = "auto", check: bool = True
) -> Tensor:
    r"""The proposal :math:`\tilde p = q' M`.

    Parameters
    ----------
    draft
        :math:`q'`, ``(..., K)`` in the order of ``vocab.kept``, float32, bfloat16 or float16.
    kernel
        An embedding, or a kernel of rank one, low rank or dense form, laid out by `gpu.ops.verify.columns.prepare`, or
        a `FirstOrderSoftmax`, laid out by `prepare_first_order`; on the device of `draft`. One that depends on the
        context has a weight for each row, ``(...)``.
    implementation
        ``"auto"``, ``"kernel"`` or ``"naive"``.
    check
        Whether rows are checked to be distributions, which reads them once more and waits for the device.

    Returns
    -------
    Tensor
        ``(..., N)``, float32. A draft row in 16 bits, whose sum is 1 only within rounding, is taken as it is.

    Raises
    ------
    ValueError
        For a kernel that was not prepared or is sparse, a wrong shape, dtype or device, or a row that is no
        distribution within the tolerance of its dtype.
    """
    if not isinstance(kernel, Columns | Factors) or (isinstance(kernel, Columns) and kernel.kind not in KINDS):
        kind = kernel.kind if isinstance(kernel, Columns) else type(kernel).__name__
        raise ValueError(f"kernel must be prepared, and one of {', '.join(KINDS)} or first order, not {kind}")
    if isinstance(kernel, Columns):
        kernel.check_batch(tuple(draft.shape[:-1]))
    check_distribution("draft", draft, kernel.vocab.kept_size, "the kept set", values=check)
    on_device = kernel.left if isinstance(kernel, Factors) else kernel.position
    if use_kernel(implementation, draft, on_device):
        from gpu.ops.redistribute.kernel import proposal
    else:
        proposal = naive.proposal
    return proposal(flat(draft), kernel).reshape(*draft.shape[:-1], kernel.vocab.size)
