"""A fitted kernel where documents that took no part in the fit certify that it gains, and TLI where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, to_numpy
from rdk_theory._rows import block_length
from rdk_theory._types import Real
from rdk_theory.acceptance import acceptance_rate
from rdk_theory.distributions import embed
from rdk_theory.fitting.certificate import check_contexts
from rdk_theory.kernels.base import Kernel
from rdk_theory.kernels.embedding import Embedding
from rdk_theory.statistics import HoldoutBound, _checks, holdout_bound

ROUNDING = 1e-5
"""What float32 can add to a gain: the difference of two acceptance rates, each a sum over the vocabulary."""

_BLOCK = 1 << 22
"""Entries of a kernel that are read at a time."""


@dataclass(frozen=True)
class Safe:
    """Outcome of `safe`."""

    kernel: Kernel
    """The kernel that was asked about, if certified; else the embedding, whose proposal is TLI."""
    certified: bool
    """Whether the bound on its mean gain is above 0."""
    bound: HoldoutBound
    """The bound, with the estimate that it bounds."""


def safe(kernel: Kernel, gains: Real[np.ndarray, "contexts"], documents: Any, level: float = 0.95) -> Safe:
    r"""The kernel if its gain over TLI is certified on held-out documents, else the embedding.

    Parameters
    ----------
    kernel
        A context-free kernel, fitted on other documents.
    gains
        :math:`\alpha(p_c, q'_c M) - \alpha(p_c, q'_c)` in contexts of held-out documents, in float32 or float64.
    documents
        Integer ids, shape ``(contexts,)``: which document each context came from.
    level
        :math:`1 - \delta`: how sure it must be that the kernel gains.

    Returns
    -------
    Safe
        With probability at least `level` over the held-out documents its kernel has an expected gain
        :math:`\mu \ge 0`, where :math:`\mu` is that of a document's mean gain (see `holdout_bound`).

    Raises
    ------
    ValueError
        If the kernel depends on the context, a gain exceeds what the kernel can move (then it is another kernel's),
        there are fewer than two documents, or `level` is not strictly between 0 and 1.

    Notes
    -----
    The embedding gains exactly 0, so only a kernel with :math:`\mu < 0` that was certified does harm, and that is the
    event in which the bound fails. It holds for documents drawn as the held-out ones were: on those that the kernel was
    fitted on, or where text of another kind follows, it says nothing. It holds for one kernel: to choose among `m`
    on the same documents, ask at level :math:`1 - \delta/m`. No gain exceeds `reach` of the kernel either way
    (claim ``lipschitz``), which the bound makes use of.
    """
    _checks.level("level", level)
    bound = holdout_bound(gains, documents, 1 - level, min(1.0, reach(kernel) + ROUNDING))
    certified = bound.lower > 0
    return Safe(kernel if certified else Embedding(kernel.vocab), certified, bound)


class Certifiable:
    """A fit whose kernel can be asked whether held-out documents certify it."""

    kernel: Any
    """The kernel that was fitted."""

    def safe(
        self,
        targets: Real[Array, "contexts N"],
        drafts: Real[Array, "contexts K"],
        documents: Any,
        level: float = 0.95,
    ) -> Safe:
        r"""The fitted kernel if its gain over TLI is certified in these contexts, else the embedding.

        Parameters
        ----------
        targets
            :math:`p` in contexts of documents that took no part in the fit, nor in any choice about it.
        drafts
            :math:`q'` there, restricted to the kernel's kept tokens.
        documents
            Integer ids, shape ``(contexts,)``.
        level
            As in `safe`.

        Raises
        ------
        ValueError
            As `safe`; and if rows are no distributions or shapes differ.
        """
        vocab = self.kernel.vocab
        check_contexts(targets, drafts)
        validation.vocabulary_axis("targets", targets, vocab.size)
        validation.vocabulary_axis("drafts", drafts, vocab.kept_size, "the kept set")
        p, q = to_numpy(targets), to_numpy(drafts)
        gains = np.empty(p.shape[0])
        step = block_length(vocab.size, _BLOCK)
        for start in range(0, p.shape[0], step):
            part = slice(start, start + step)
            moved, tli = self.kernel.redistribute(q[part]), embed(q[part], vocab)
            gains[part] = np.asarray(acceptance_rate(p[part], moved), dtype=np.float64) - acceptance_rate(p[part], tli)
        return safe(self.kernel, gains, documents, level)


def reach(kernel: Kernel) -> float:
    r""":math:`\max_i (1 - M_{ii})`: by how much a context-free kernel can change acceptance over TLI in any context.

    Raises
    ------
    ValueError
        If the kernel depends on the context.
    """
    if not kernel.context_free:
        raise ValueError(f"kernel is a {type(kernel).__name__} with one matrix for each context")
    vocab = kernel.vocab
    step = block_length(vocab.size, _BLOCK)
    least = 1.0
    for start in range(0, vocab.kept_size, step):
        places = np.arange(start, min(start + step, vocab.kept_size))
        rows = to_numpy(kernel.row(places))
        least = min(least, float(rows[np.arange(places.size), vocab.kept[places]].min()))
    return max(0.0, 1 - least)


class Bounded(Certifiable):
    """A fit with a bound on what any context-free kernel accepts in its contexts (claim ``optimal-kernel``)."""

    acceptance: float
    upper_bound: float

    @property
    def gap(self) -> float:
        """``upper_bound − acceptance``; what a fit gives up in its contexts for the sake of others is part of it."""
        return self.upper_bound - self.acceptance
