"""The kernel fitted for acceptance, its steps and its distance from TLI chosen on documents held out of the fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory._array import Array, to_numpy
from rdk_theory._rows import block_length
from rdk_theory._types import Flags, Ids, Real
from rdk_theory.distributions import embed
from rdk_theory.fitting.optimal import fit_optimal
from rdk_theory.fitting.prior import BLOCK, check_fit
from rdk_theory.fitting.safety import Bounded
from rdk_theory.fitting.weights import Block, best_weight
from rdk_theory.kernels.base import Kernel
from rdk_theory.kernels.dense import Dense
from rdk_theory.kernels.embedding import Embedding
from rdk_theory.statistics import _checks
from rdk_theory.vocabulary import Vocabulary

EVERY = 3
"""One document in so many is held out."""


@dataclass(frozen=True)
class ValidatedFit(Bounded):
    r"""A kernel :math:`(1-\lambda) E_I + \lambda M`, fitted on all contexts as documents held out at first advised."""

    kernel: Kernel
    """A `Dense` kernel; TLI's own where no kernel gained on the documents held out."""
    acceptance: float
    """Mean acceptance of the kernel in all contexts."""
    upper_bound: float
    """No context-free kernel accepts more in these contexts (claim ``optimal-kernel``)."""
    steps: int
    """Steps after which the kernel accepted most on the documents held out."""
    share: float
    r""":math:`\lambda`, the best weight of `M` there against TLI; 0 is TLI."""


def fit_validated(
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C K"],
    vocab: Vocabulary,
    documents: Any,
    *,
    steps: int = 60,
    tolerance: float = 0.0,
    certify: bool = True,
) -> ValidatedFit:
    r"""`fit_optimal`, stopped and shrunk to the embedding by its acceptance on other documents.

    Parameters
    ----------
    targets
        :math:`p`, one row a context.
    drafts
        :math:`q'`, restricted to ``vocab.kept``.
    vocab
        The target vocabulary and its kept tokens.
    documents
        Integer ids, shape ``(C,)``: the document of each context. The second, fifth, eighth… in ascending order are
        held out.
    steps, tolerance
        Of `fit_optimal`, for the fit on the documents that are not held out.
    certify
        Whether a fit to all contexts goes on to `steps` or `tolerance` for the sake of the upper bound alone, which is
        loose after as few steps as other documents often advise.

    Returns
    -------
    ValidatedFit
        Of the kernels seen on the way the one that accepts most on the documents held out gives the number of steps;
        with it the weight :math:`\lambda` that maximises :math:`\mathrm E\,\alpha(p, (1-\lambda) q' + \lambda\,q'M)`
        there is found exactly; then the fit is repeated on all contexts with that many steps and that weight.

    Raises
    ------
    ValueError
        As `fit_optimal`; and if ids do not match the contexts or there are fewer than two documents.
    """
    check_fit(targets, drafts, vocab)
    _checks.by_document(documents, targets.shape[0])
    p, q = to_numpy(targets), to_numpy(drafts)
    held = held_out(documents)
    first = fit_optimal(p[~held], q[~held], vocab, steps=steps, tolerance=tolerance, validation=(p[held], q[held]))
    share = shrunk_share(p[held], q[held], first.kernel) if first.steps else 0.0
    again = fit_optimal(p, q, vocab, steps=max(1, first.steps))
    bound = again.upper_bound
    if certify:
        bound = min(bound, fit_optimal(p, q, vocab, steps=steps, tolerance=tolerance).upper_bound)
    if share == 0:
        tli = Embedding(vocab)
        return ValidatedFit(tli, _acceptance(p, q, tli), bound, 0, 0.0)
    matrix = share * np.asarray(again.kernel.matrix)
    matrix[np.arange(vocab.kept_size), vocab.kept] += 1 - share
    kernel = Dense(vocab, matrix)
    return ValidatedFit(kernel, _acceptance(p, q, kernel), bound, first.steps, share)


def held_out(documents: Ids[np.ndarray, "C"]) -> Flags[np.ndarray, "C"]:
    """Which contexts are of documents held out: the second, fifth, eighth… in ascending order."""
    place, sizes = _checks.by_document(documents, documents.shape[0])
    return np.asarray(np.arange(sizes.size)[place] % EVERY == 1)


def shrunk_share(targets: Real[np.ndarray, "C N"], drafts: Real[np.ndarray, "C K"], kernel: Kernel) -> float:
    r""":math:`\arg\max_\lambda \mathrm E\,\alpha(p, (1-\lambda) q' + \lambda\,q'M)`, exactly."""

    def blocks() -> Iterator[Block]:
        step = block_length(kernel.vocab.size, BLOCK)
        for start in range(0, targets.shape[0], step):
            p, q = targets[start : start + step], drafts[start : start + step]
            yield p, embed(q, kernel.vocab), kernel.redistribute(q)

    return float(best_weight(blocks).weight)


def _acceptance(p: np.ndarray, q: np.ndarray, kernel: Kernel) -> float:
    """Mean acceptance, a block of contexts at a time."""
    step, total = block_length(kernel.vocab.size, BLOCK), 0.0
    for start in range(0, p.shape[0], step):
        part = slice(start, start + step)
        total += float(np.minimum(p[part], kernel.redistribute(q[part])).sum(dtype=np.float64))
    return total / p.shape[0]
