"""A mixing weight for each context: an estimate of the cold mass, calibrated for acceptance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, floats_like, is_exact, to_numpy
from rdk_theory._rows import block_length
from rdk_theory._types import Ids, Real
from rdk_theory.distributions import embed
from rdk_theory.fitting.prior import BLOCK, check_fit
from rdk_theory.fitting.weights import Block, best_weight
from rdk_theory.mixing import Mixing
from rdk_theory.vocabulary import Vocabulary

SHRINKAGES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of the way from the weight of a bin to the best fixed weight that validation documents choose from."""

HELD = 3
"""One document of so many is a validation document."""

Laws: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From the numbers of contexts and all targets: one law for all contexts, or a row for each of all of them."""


@dataclass(frozen=True, eq=False)
class MassWeight:
    r"""A weight :math:`\theta(m)` that rises with the estimated cold mass `m`, constant between edges.

    The context alone decides the estimate, and so the weight: the drafted token has no part in it. Within a context
    the proposal :math:`(1-\theta) q' + \theta r` is therefore one law, and verification against it loses nothing
    (claim ``lossless``), however wrong the estimate may be.
    """

    edges: Real[np.ndarray, "E"]
    """Ascending; a bin holds the estimates from its edge on, up to the next."""
    weights: Real[np.ndarray, "B"]
    """One for each bin, ascending; one more than there are edges."""
    acceptance: float
    """Mean acceptance in the contexts of the fit."""
    fixed: Mixing
    """The best weight for all contexts of the fit together, and TLI's acceptance."""
    shrinkage: float
    """Share of the way to the fixed weight that every bin's weight went."""

    def weight(self, estimate: Real[Array, "*batch"]) -> Real[Array, "*batch"]:
        r""":math:`\theta` of each context, in float64.

        Raises
        ------
        ValueError
            If an estimate leaves [0, 1], or is rational: edges are floats.
        """
        wide = _estimates("estimate", estimate)
        return floats_like(self.weights[np.searchsorted(self.edges, to_numpy(wide), side="right")], wide)


def fit_mass_weight(
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C K"],
    vocab: Vocabulary,
    laws: Real[Array, "C N"],
    estimates: Real[Array, "C"],
    *,
    bins: int = 16,
    documents: Ids[Array, "C"] | None = None,
) -> MassWeight:
    r"""The non-decreasing weight of an estimated cold mass that maximises mean acceptance in some contexts.

    Parameters
    ----------
    targets
        :math:`p`, one row a context.
    drafts
        :math:`q'`, restricted to ``vocab.kept``.
    vocab
        The target vocabulary and its kept tokens.
    laws
        :math:`r`, one row a context: what a `ContextualHead` says of the cold tokens, for instance.
    estimates
        :math:`m \in [0, 1]`, what is known of the cold mass in each context: of `cold_share`, or
        `exact_cold_mass_weight` with the whole head. It need not be right, or even near: its order is what counts.
    bins
        Number of quantile bins of the estimates, at most; equal estimates share a bin.
    documents
        The document of each context. With them the weights are shrunk to the best fixed weight, by that one of
        `SHRINKAGES` that accepts most on every `HELD`-th document after a fit to the others (ties: the largest);
        then all contexts are fitted. Without them nothing is shrunk.

    Returns
    -------
    MassWeight
        In the contexts of the fit at least as good as the best fixed weight with these laws, and so as TLI; on others
        it can be worse.

    Raises
    ------
    ValueError
        If rows are no distributions or rationals, shapes differ, `estimates` leave [0, 1], `bins` is no positive
        integer, or there is but one document.

    Notes
    -----
    With the mass itself as weight a mixture overshoots (claim ``overshoot``). Here in every bin mean acceptance is
    concave in the weight, so that pooling neighbours whose best weights fall, and finding the best weight of the pool
    anew, gives the best non-decreasing sequence. A constant is one of them, hence the bound. It survives shrinking: on
    the way from a point to a better one a concave function stays above the first.
    """
    validation.distribution("laws", laws, vocab.size)
    validation.same_shape("laws", laws, tuple(targets.shape))
    rows = to_numpy(laws)
    fit, reached, shrinkage = fitted(targets, drafts, vocab, lambda members, p: rows, estimates, bins, documents)
    return MassWeight(fit.edges, fit.shrunk(shrinkage), reached, fit.fixed, shrinkage)


def fitted(
    targets: Any, drafts: Any, vocab: Vocabulary, laws: Laws, estimates: Any, bins: int, documents: Any
) -> tuple[Fit, float, float]:
    """The fit to all contexts, its acceptance there, and the shrinkage that held-out documents chose."""
    check_fit(targets, drafts, vocab)
    if is_exact(targets):
        raise ValueError("targets must be floats, not rationals: bins of estimates are floats")
    wide = to_numpy(_estimates("estimates", estimates))
    validation.same_shape("estimates", estimates, (targets.shape[0],))
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 1:
        raise ValueError(f"bins must be a positive integer, not {bins!r}")
    p, q = to_numpy(targets), to_numpy(drafts)
    every = np.arange(p.shape[0])
    shrinkage = 0.0
    if documents is not None:
        held = _held(documents, p.shape[0])
        trial = Fit(p, q, vocab, laws, wide, every[~held], bins)
        checked = every[held]
        scores = [trial.acceptance(checked, trial.weights(wide[checked], s)) for s in SHRINKAGES]
        shrinkage = SHRINKAGES[int(np.argmax(scores))]
    fit = Fit(p, q, vocab, laws, wide, every, bins)
    return fit, fit.acceptance(every, fit.weights(wide, shrinkage)), shrinkage


class Fit:
    """The best non-decreasing weights of some `members` of the contexts."""

    def __init__(
        self,
        p: np.ndarray,
        q: np.ndarray,
        vocab: Vocabulary,
        laws: Laws,
        estimates: np.ndarray,
        members: np.ndarray,
        bins: int,
    ) -> None:
        self._p, self._q, self._vocab = p, q, vocab
        self.laws = laws(members, p)
        self._rows = self.laws.astype(np.result_type(p, q), copy=False)
        self.fixed = best_weight(lambda: self._blocks(members))
        mine = estimates[members]
        # Edges are estimates that occur, so that no bin is empty.
        edges = np.unique(np.quantile(mine, np.arange(1, bins) / bins, method="higher"))
        self.edges = edges[edges > mine.min()]
        places = np.searchsorted(self.edges, mine, side="right")
        self._weights = self._rising([members[places == b] for b in range(self.edges.size + 1)])

    def shrunk(self, shrinkage: float) -> np.ndarray:
        """The weights, this share of the way towards the fixed one."""
        return (1 - shrinkage) * self._weights + shrinkage * self.fixed.weight

    def weights(self, estimates: np.ndarray, shrinkage: float) -> np.ndarray:
        """One for each estimate."""
        return self.shrunk(shrinkage)[np.searchsorted(self.edges, estimates, side="right")]

    def acceptance(self, members: np.ndarray, weights: np.ndarray) -> float:
        """Mean acceptance in some contexts with a weight for each."""
        total, at = 0.0, 0
        for p, q, r in self._blocks(members):
            w = weights[at : at + p.shape[0], None].astype(p.dtype)
            total += float(np.minimum(p, (1 - w) * q + w * r).sum(dtype=np.float64))
            at += p.shape[0]
        return total / members.size

    def _rising(self, groups: Sequence[np.ndarray]) -> np.ndarray:
        """Best weights of the groups that do not fall from one to the next: neighbours that would are pooled."""
        pools: list[tuple[np.ndarray, float, int]] = []
        for group in groups:
            pools.append((group, self._best(group), 1))
            while len(pools) > 1 and pools[-2][1] > pools[-1][1]:
                (left, _, before), (right, _, after) = pools[-2:]
                both = np.concatenate([left, right])
                pools[-2:] = [(both, self._best(both), before + after)]
        return np.repeat([weight for _, weight, _ in pools], [count for *_, count in pools])

    def _best(self, members: np.ndarray) -> float:
        return float(best_weight(lambda: self._blocks(members)).weight)

    def _blocks(self, members: np.ndarray) -> Iterator[Block]:
        step = block_length(self._vocab.size, BLOCK)
        for start in range(0, members.size, step):
            part = members[start : start + step]
            rows = self._rows if self._rows.ndim == 1 else self._rows[part]
            yield self._p[part], embed(self._q[part], self._vocab), rows


def _estimates(name: str, estimates: Any) -> Array:
    """Checked, in float64."""
    validation.real(name, estimates)
    if is_exact(estimates):
        raise ValueError(f"{name} must be floats, not rationals: edges are floats")
    validation.probability(name, estimates)
    return double(estimates)


def _held(documents: Any, contexts: int) -> np.ndarray:
    """Which contexts are of validation documents."""
    validation.token_ids("documents", documents, np.iinfo(np.int64).max, (contexts,))
    names, places = np.unique(to_numpy(documents), return_inverse=True)
    if names.size < 2:
        raise ValueError(f"documents of shape {(contexts,)} name one document: none is left to choose a shrinkage by")
    return np.asarray(places % HELD == 0)
