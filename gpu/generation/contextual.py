r"""Kernels that depend on the context: a matrix :math:`M(h)` for each drafted token, made when it is drafted.

**Why any such kernel is lossless.** Verification compares a token with the law that it was drawn from,
:math:`\tilde p_i = q'_i M_i`. Where :math:`M_i` is a function of what was known before the token was drawn, the context
alone here, :math:`\tilde p_i` is the law of that token given the context, and that is all that verification asks (claim
``lossless``). It does not matter how :math:`M_i` was fitted, or whether it is right. A kernel that looked at the drawn
token would be of another kind, and change the law. So each kernel is made once, kept with its token, and used for
both: made anew for a whole chain it could be rounded otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

from rdk_theory import validation
from rdk_theory.cold_mass import ColdHead
from rdk_theory.fitting import ColdWeight, cold_share
from rdk_theory.kernels import RankOne
from rdk_theory.kernels.base import Kernel, Operations
from rdk_theory.vocabulary import Vocabulary


@runtime_checkable
class Contextual(Protocol):
    """What gives a kernel for each context."""

    @property
    def vocab(self) -> Vocabulary:
        """The vocabulary and the kept tokens of all its kernels."""
        ...

    def at(self, hidden: Any, kept_logits: Any) -> Kernel:
        """The kernels of some contexts, one batched kernel.

        Parameters
        ----------
        hidden
            What the drafter's head reads after each context, ``(n, d)`` float64.
        kept_logits
            What the pruned head gives, ``(n, K)`` float64, before any temperature.
        """
        ...


@dataclass(frozen=True, eq=False)
class FromColdMass:
    r"""The rank-one kernel :math:`(1-\theta(m)) E_I + \theta(m) \pi` of the cold mass :math:`m(h)` that a head implies.

    Parameters
    ----------
    fit
        The weight of a cold mass, from `rdk_theory.fitting.fit_cold_weight`.
    head
        What is kept of the drafter's cold rows; biases, if any, are columns of it and no part of `hidden`: leave them.
    """

    fit: ColdWeight
    head: ColdHead

    @property
    def vocab(self) -> Vocabulary:
        """That of the fit."""
        return self.fit.vocab

    def at(self, hidden: Any, kept_logits: Any) -> RankOne:
        """As `Contextual.at`."""
        return self.fit.at(cold_share(self.head.log_mass(hidden), kept_logits))


def kernel_at(kernel: Kernel | Contextual, hidden: torch.Tensor | None, logits: torch.Tensor) -> Kernel:
    """The kernel of the next token of each text: of a kernel that serves all contexts, itself.

    Raises
    ------
    ValueError
        If what `kernel` gives is no kernel, or is over another vocabulary.
    """
    if isinstance(kernel, Kernel):
        return kernel
    assert hidden is not None
    found = kernel.at(hidden.double(), logits.double())
    if not isinstance(found, Kernel):
        raise ValueError(f"kernel of type {type(kernel).__name__} gave a {type(found).__name__}, which is no Kernel")
    if found.vocab is not kernel.vocab and not same_tokens(found.vocab, kernel.vocab):
        raise ValueError(
            f"kernel of type {type(kernel).__name__} is over {kernel.vocab}, but gave one over {found.vocab}"
        )
    return found


def same_tokens(one: Vocabulary, other: Vocabulary) -> bool:
    """Whether two vocabularies have the same tokens and kept tokens, in one order."""
    return one.size == other.size and one.kept.shape == other.kept.shape and bool((one.kept == other.kept).all())


class Steps(Kernel):
    """The kernels of the steps of chains as one kernel, for drafts ``(n, γ, K)``."""

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        self.kernels, self.vocab = kernels, kernels[0].vocab

    def redistribute(self, draft: torch.Tensor) -> torch.Tensor:
        """The proposals ``(n, γ, N)``."""
        return torch.stack([kernel.redistribute(draft[:, i]) for i, kernel in enumerate(self.kernels)], dim=1)

    def probability(self, draft: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
        """The proposals at one token of each step, ``(n, γ)``."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        parts = [kernel.probability(draft[:, i], token[:, i]) for i, kernel in enumerate(self.kernels)]
        return torch.stack(parts, dim=1)

    def column(self, token: Any) -> torch.Tensor:
        """One column of each step's kernel, ``(n, γ, K)``."""
        return torch.stack([torch.as_tensor(k.column(token[:, i])) for i, k in enumerate(self.kernels)], dim=1)

    def row(self, draft_id: Any) -> torch.Tensor:
        """One row of each step's kernel, ``(n, γ, N)``."""
        return torch.stack([torch.as_tensor(k.row(draft_id[:, i])) for i, k in enumerate(self.kernels)], dim=1)

    @property
    def operations(self) -> Operations:
        """Cost of the first step's kernel."""
        return self.kernels[0].operations
