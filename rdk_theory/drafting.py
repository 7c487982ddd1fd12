"""Draw the token to be verified, in two stages, without forming the proposal."""

from __future__ import annotations

from rdk_theory import validation
from rdk_theory._array import Array, double
from rdk_theory._types import Ids, Real
from rdk_theory.kernels.base import Kernel
from rdk_theory.sampling import search


def draft_token(
    draft: Real[Array, "*batch K"],
    kernel: Kernel,
    first_uniform: Real[Array, "*batch"],
    second_uniform: Real[Array, "*batch"],
) -> tuple[Ids[Array, "*batch"], Ids[Array, "*batch"]]:
    r"""Draw :math:`i \sim q'`, then :math:`x \sim M_i`: together a draw from :math:`\tilde p = q' M`.

    Parameters
    ----------
    draft
        :math:`q'` over the kept tokens.
    kernel
        :math:`M`; only one row of it is read for each row of `draft`.
    first_uniform, second_uniform
        Independent uniforms in [0, 1), one for each stage.

    Returns
    -------
    draft_id, token
        The place of :math:`i` in ``vocab.kept``, and the target id of :math:`x`.

    Raises
    ------
    ValueError
        If `draft` is no distribution over the kept tokens, or a uniform has another shape or lies outside [0, 1).
    """
    kernel.check_draft(draft)
    batch = tuple(draft.shape[:-1])
    for name, uniform in (("first_uniform", first_uniform), ("second_uniform", second_uniform)):
        validation.uniform(name, uniform, batch)
        validation.same_library(f"draft and {name}", draft, uniform)
    draft_id = search(double(draft), double(first_uniform))
    return draft_id, kernel.draw(draft_id, second_uniform)
