"""A head that knows the cold tokens of a context, roughly: their law there and their mass, whoever is drafted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, cast_like, double, index_like, is_exact, namespace, to_numpy, zeros
from rdk_theory._rows import block_length
from rdk_theory._types import Ids, Real
from rdk_theory.fitting.cold_head_cost import HeadCost
from rdk_theory.fitting.cold_weight import cold_share
from rdk_theory.fitting.mass_weight import MassWeight, fit_mass_weight
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.vocabulary import Vocabulary

BLOCK = 1 << 22
"""Logits that are held at a time while a weight is fitted."""


class ContextualHead(ABC):
    r"""Approximate logits of the cold tokens, :math:`\hat z_C(h)`, from the hidden state alone.

    They give the law :math:`r(h) = \mathrm{softmax}(\hat z_C)` and, beside the kept logits, the mass
    :math:`\theta(h) = e^{\hat L} / (e^{\hat L} + \sum_I e^{z_i})`, :math:`\hat L = \mathrm{LSE}(\hat z_C)`. The
    proposal :math:`(1 - \theta) q' + \theta r` depends on the context and not on the drafted token: verification
    against it is lossless however wrong the logits are (claim ``lossless``).
    """

    vocab: Vocabulary

    @property
    @abstractmethod
    def width(self) -> int:
        """`d`: length of a hidden state."""

    @abstractmethod
    def _logits(self, hidden: Array) -> Array:
        """Cold logits of checked states, in float64."""

    @property
    @abstractmethod
    def cost(self) -> HeadCost:
        """Exact cost of one drafted token."""

    def logits(self, hidden: Real[Array, "*batch d"]) -> Real[Array, "*batch n"]:
        r""":math:`\hat z_C`, in the order of ``vocab.cold``, float64.

        Raises
        ------
        ValueError
            If `hidden` is not finite, rational, or not of width `d`.
        """
        validation.finite("hidden", hidden)
        if is_exact(hidden):
            raise ValueError("hidden is rational, and a softmax is not: use floats")
        validation.vocabulary_axis("hidden", hidden, self.width, "the hidden state")
        return self._logits(double(hidden))

    def log_mass(self, hidden: Real[Array, "*batch d"]) -> Real[Array, "*batch"]:
        r""":math:`\hat L`, the logarithm of the cold tokens' mass."""
        return _parts(self.logits(hidden))[1]

    def law(self, hidden: Real[Array, "*batch d"]) -> Real[Array, "*batch N"]:
        r""":math:`r(h)` over the target vocabulary, 0 at kept tokens, float64."""
        return self._spread(_parts(self.logits(hidden))[0])

    def at(self, hidden: Real[Array, "*batch d"], kept_logits: Real[Array, "*batch K"]) -> RankOne:
        r"""The kernels of some contexts, as one batched kernel, with the head's own mass as weight.

        Parameters
        ----------
        hidden
            :math:`h`, floats.
        kept_logits
            :math:`z_I`, in the order of ``vocab.kept``.
        """
        law, share = self.law_and_share(hidden, kept_logits)
        return RankOne(self.vocab, share, law)

    def law_and_share(
        self, hidden: Real[Array, "*batch d"], kept_logits: Real[Array, "*batch K"]
    ) -> tuple[Real[Array, "*batch N"], Real[Array, "*batch"]]:
        r""":math:`r(h)` and the mass :math:`\theta(h)`, from one pass over the cold tokens."""
        law, log_mass = _parts(self.logits(hidden))
        validation.vocabulary_axis("kept_logits", kept_logits, self.vocab.kept_size, "the kept set")
        return self._spread(law), cold_share(log_mass, kept_logits)

    def _spread(self, law: Array) -> Array:
        out = zeros((*law.shape[:-1], self.vocab.size), law)
        out[..., index_like(self.vocab.cold, out)] = law
        return out


@dataclass(frozen=True, eq=False)
class CalibratedHead:
    r"""A contextual head whose mass is turned into the weight that accepts most, :math:`\theta(m(h))`."""

    head: ContextualHead
    weight: MassWeight

    @property
    def vocab(self) -> Vocabulary:
        """That of the head."""
        return self.head.vocab

    @property
    def cost(self) -> HeadCost:
        """That of the head: a look-up among the edges of the weight is left out."""
        return self.head.cost

    def at(self, hidden: Real[Array, "*batch d"], kept_logits: Real[Array, "*batch K"]) -> RankOne:
        """The kernels of some contexts, as one batched kernel."""
        law, share = self.head.law_and_share(hidden, kept_logits)
        return RankOne(self.head.vocab, self.weight.weight(share), law)


def calibrate_head(
    head: ContextualHead,
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C K"],
    hidden: Real[Array, "C d"],
    kept_logits: Real[Array, "C K"],
    *,
    bins: int = 16,
    documents: Ids[Array, "C"] | None = None,
) -> CalibratedHead:
    r"""Fit the weight of a head's mass for acceptance, as `fit_mass_weight` does.

    Parameters
    ----------
    head
        Whose law and mass are used, as they are.
    targets, drafts
        :math:`p` and the restricted :math:`q'`, one row a context.
    hidden, kept_logits
        What the head reads in these contexts.
    bins, documents
        See `fit_mass_weight`.

    Raises
    ------
    ValueError
        As `fit_mass_weight`; or if `hidden` or `kept_logits` are none for these contexts.

    Notes
    -----
    Holds the laws of all contexts, as much memory as `targets` take.
    """
    validation.same_shape("hidden", hidden, (targets.shape[0], head.width))
    validation.same_shape("kept_logits", kept_logits, (targets.shape[0], head.vocab.kept_size))
    laws, shares = _evaluated(head, hidden, kept_logits, targets)
    weight = fit_mass_weight(targets, drafts, head.vocab, laws, shares, bins=bins, documents=documents)
    return CalibratedHead(head, weight)


def _evaluated(head: ContextualHead, hidden: Any, kept_logits: Any, like: Any) -> tuple[np.ndarray, np.ndarray]:
    """Laws in the width of `like`, and shares, block by block."""
    count = hidden.shape[0]
    laws, shares = np.empty((count, head.vocab.size), to_numpy(like[:1]).dtype), np.empty(count)
    step = block_length(head.vocab.size, BLOCK)
    for start in range(0, count, step):
        part = slice(start, start + step)
        law, share = head.law_and_share(hidden[part], kept_logits[part])
        laws[part], shares[part] = to_numpy(law), to_numpy(share)
    return laws, shares


def head_rows(head: Any, vocab: Vocabulary) -> Array:
    """The cold rows of a head ``(N, d)`` in the order of ``vocab.cold``, float64; raise unless it is one."""
    validation.finite("head", head)
    if head.ndim != 2 or head.shape[0] != vocab.size or head.shape[1] == 0:
        raise ValueError(f"head has shape {tuple(head.shape)}, expected ({vocab.size}, d) with d at least 1")
    if is_exact(head):
        raise ValueError(f"head of shape {tuple(head.shape)} is rational, and a softmax is not: use floats")
    if vocab.cold.size == 0:
        raise ValueError(f"vocab keeps all of its {vocab.size} tokens: none is cold")
    return double(head[index_like(vocab.cold, head)])


def count_of(name: str, value: Any, least: int, most: int) -> int:
    """`value` as an integer in ``[least, most]``; raise unless it is one."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise ValueError(f"{name} must be an integer in [{least}, {most}], not {value!r}")
    return int(value)


def _parts(logits: Array) -> tuple[Array, Array]:
    """Softmax and LSE over the last axis."""
    xp = namespace(logits)
    top = xp.max(logits, axis=-1)
    weights = xp.exp(logits - top[..., None])
    total = xp.sum(weights, axis=-1)
    return cast_like(weights / total[..., None], logits), top + xp.log(total)
