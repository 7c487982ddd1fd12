"""The rank-one kernel whose weight follows an estimate of the drafter's cold mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, namespace
from rdk_theory._types import Ids, Real
from rdk_theory.fitting.mass_weight import MassWeight, fitted
from rdk_theory.fitting.prior import cold_prior
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.vocabulary import Vocabulary


def cold_share(log_mass: Real[Array, "*batch"], kept_logits: Real[Array, "*batch K"]) -> Real[Array, "*batch"]:
    r"""The share of the cold tokens, :math:`m = e^{L} / (e^{L} + \sum_{i \in I} e^{z_i})`, in float64.

    Parameters
    ----------
    log_mass
        :math:`L`, the logarithm of the cold tokens' mass or an estimate of it: that of
        `rdk_theory.cold_mass.ColdHead.log_mass`, for instance.
    kept_logits
        :math:`z_I`, which a pruned head computes anyway.

    Returns
    -------
    An estimate of :math:`q(C)`, equal to it if `log_mass` is exact.

    Raises
    ------
    ValueError
        If `log_mass` is not finite or rational, a row of `kept_logits` is none of logits, or the shapes do not match.
    """
    validation.finite("log_mass", log_mass)
    validation.logits("kept_logits", kept_logits)
    validation.same_library("log_mass and kept_logits", log_mass, kept_logits)
    validation.same_shape("log_mass", log_mass, tuple(kept_logits.shape[:-1]))
    z = double(kept_logits)
    xp = namespace(z)
    top = xp.max(z, axis=-1)
    odds = top + xp.log(xp.sum(xp.exp(z - top[..., None]), axis=-1)) - double(log_mass)
    return xp.exp(-xp.logaddexp(odds, xp.zeros_like(odds)))


@dataclass(frozen=True, eq=False)
class ColdWeight(MassWeight):
    r"""The weight of an estimated cold mass for one prior: the proposal is :math:`(1-\theta(m)) q' + \theta(m) \pi`."""

    vocab: Vocabulary
    prior: Real[np.ndarray, "N"]
    r""":math:`\pi`, the law of `cold_prior`."""

    def at(self, estimate: Real[Array, "*batch"]) -> RankOne:
        """The kernels of the contexts with these estimates, as one batched kernel."""
        return RankOne(self.vocab, self.weight(estimate), self.prior)


def fit_cold_weight(
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C K"],
    vocab: Vocabulary,
    estimates: Real[Array, "C"],
    *,
    bins: int = 16,
    documents: Ids[Array, "C"] | None = None,
) -> ColdWeight:
    r"""The weight of `fit_mass_weight` for the law of `cold_prior` in every context.

    Parameters
    ----------
    targets, drafts, vocab, estimates, bins, documents
        As `fit_mass_weight` takes them.

    Returns
    -------
    ColdWeight
        In the contexts of the fit at least as good as the best fixed weight, and so as TLI; on others it can be worse.

    Raises
    ------
    ValueError
        As `fit_mass_weight` does; and if no token is cold, or the target gives none of them any mass.

    Notes
    -----
    While the shrinkage is chosen the prior too is that of the other documents alone.
    """

    def prior_of(members: np.ndarray, p: np.ndarray) -> np.ndarray:
        # Contexts that are all in use are not copied.
        return cold_prior(p if members.size == p.shape[0] else p[members], vocab)

    fit, reached, shrinkage = fitted(targets, drafts, vocab, prior_of, estimates, bins, documents)
    return ColdWeight(fit.edges, fit.shrunk(shrinkage), reached, fit.fixed, shrinkage, vocab, fit.laws)
