"""Top-k and top-p of the target, as the least logit that stays."""

from __future__ import annotations

import torch

from gpu.ops._common import SINGLE


def check_cuts(top_k: int | None, top_p: float | None) -> None:
    """Raise unless `top_k` is at least 1 and `top_p` in (0, 1], where they are given."""
    if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1):
        raise ValueError(f"top_k must be an integer of at least 1, not {top_k!r}")
    if top_p is not None and (isinstance(top_p, bool) or not isinstance(top_p, int | float) or not 0 < top_p <= 1):
        raise ValueError(f"top_p must be in (0, 1], not {top_p!r}")


def least_kept(
    logits: torch.Tensor, temperature: torch.Tensor, top_k: int | None, top_p: float | None
) -> torch.Tensor | None:
    """The least logit of each row that is not cut off, float32; `None` where nothing is.

    Parameters
    ----------
    logits, temperature
        ``(B, γ + 1, N)`` and ``(B,)``.
    top_k
        Only the ``k`` largest logits stay.
    top_p
        Of these, only the most likely whose probabilities, renormalised and added up, just reach ``top_p`` stay.

    Notes
    -----
    A cut is by value: logits that equal the last one that stays, stay too. So what is cut does not depend on the order
    of a sort, and the law that is left is a function of the logits alone.
    """
    if top_p == 1:
        # Everything reaches 1 only within rounding.
        top_p = None
    if top_k is None and top_p is None:
        return None
    size = logits.shape[-1]
    ordered = logits.float().sort(dim=-1, descending=True).values
    if top_k is not None:
        kept = ordered[..., min(top_k, size) - 1, None]
        ordered = torch.where(ordered < kept, -torch.inf, ordered)
    if top_p is None:
        return ordered[..., min(top_k or size, size) - 1]
    # At temperature 0 one token has all mass, and the first of the order is one of the greatest.
    law = (ordered.double() / temperature.clamp(min=SINGLE.tiny)[:, None, None]).softmax(dim=-1)
    before = law.cumsum(dim=-1) - law
    # The first stays whatever the rounding; before it there is nothing.
    last = (before < top_p).sum(dim=-1, keepdim=True).clip(min=1) - 1
    return ordered.gather(-1, last)[..., 0]
