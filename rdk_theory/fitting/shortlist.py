"""A shortlist of cold tokens for each context: chosen by a cheap head, read in full, the rest left to the cheap one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, convert, floats_like, index_like, is_exact, namespace, to_numpy
from rdk_theory._types import Real
from rdk_theory.fitting.cold_head import ContextualHead, count_of, head_rows
from rdk_theory.fitting.cold_head_cost import HeadCost
from rdk_theory.fitting.cold_head_low_rank import LowRankHead
from rdk_theory.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class ShortlistHead(ContextualHead):
    r"""Exact logits on the `s` cold tokens that `scorer` ranks highest; on the rest its own, or a fixed law.

    With the `tail` :math:`\pi`, what is neither kept nor on the shortlist has the law :math:`\pi` there (restricted to
    those tokens), and the mass that the scorer gives it: the rank-one tail. Without it the scorer's logits stand. Both
    come from scores that are there anyway.

    `cost`: that of the scorer, and :math:`s d` multiply-adds and entries read; `n` scores are compared. A fixed tail
    takes one more entry of :math:`\pi` for each token off the list.
    """

    scorer: LowRankHead
    rows: Real[Array, "n d"]
    """The cold rows of the full head, in the order of ``vocab.cold``."""
    length: int
    """`s`."""
    tail: Real[Array, "N"] | None = None
    r""":math:`\pi`, positive on cold tokens."""

    def __post_init__(self) -> None:
        """Raise unless the parts meet."""
        validation.finite("rows", self.rows)
        if is_exact(self.rows):
            raise ValueError("rows are rational, and a softmax is not: use floats")
        validation.same_shape("rows", self.rows, (int(self.vocab.cold.size), self.width))
        count_of("length", self.length, 1, int(self.vocab.cold.size))
        if self.tail is not None:
            validation.distribution("tail", self.tail, self.vocab.size)
            if self.tail.ndim != 1:
                raise ValueError(f"tail has shape {tuple(self.tail.shape)}, expected ({self.vocab.size},)")
            if (empty := to_numpy(self.tail)[self.vocab.cold] <= 0).any():
                token = int(self.vocab.cold[empty.argmax()])
                raise ValueError(f"tail of shape {tuple(self.tail.shape)} gives cold token {token} nothing")

    @classmethod
    def from_head(
        cls,
        head: Real[Array, "N d"],
        vocab: Vocabulary,
        rank: int,
        length: int,
        states: Real[Array, "C d"] | None = None,
        tail: Real[Array, "N"] | None = None,
    ) -> ShortlistHead:
        """With the scorer of `LowRankHead.from_head`, which see for `head`, `rank` and `states`."""
        return cls(LowRankHead.from_head(head, vocab, rank, states), head_rows(head, vocab), length, tail)

    @classmethod
    def within(
        cls,
        share: float | Fraction,
        head: Real[Array, "N d"],
        vocab: Vocabulary,
        states: Real[Array, "C d"] | None = None,
    ) -> ShortlistHead:
        r"""About half of a cost for the scorer, and the longest list that the rest pays for.

        The rank is :math:`R = \lfloor d \cdot \mathrm{share} / 2 \rfloor`.

        Parameters
        ----------
        share
            The most that it may cost, in multiply-adds and in entries read, over the full head's :math:`Nd`.
        head, vocab, states
            As `from_head` takes them.

        Raises
        ------
        ValueError
            As `from_head` does; or if `share` is not in (0, 1], or pays for no direction and one row.
        """
        if not isinstance(share, float | Fraction) or not 0 < share <= 1:
            raise ValueError(f"share must be a float or a Fraction in (0, 1], not {share!r}")
        rows = head_rows(head, vocab)
        cold, width = int(rows.shape[0]), int(rows.shape[1])
        rank = int(share * width / 2)
        scorer = LowRankHead.from_head(head, vocab, max(rank, 1), states)
        length = (int(share * scorer.cost.full) - scorer.cost.multiply_adds) // width
        if rank < 1 or length < 1:
            raise ValueError(f"share {share} of a head of shape {tuple(head.shape)} pays for no scorer and one row")
        return cls(scorer, rows, min(length, cold))

    @property
    def vocab(self) -> Vocabulary:  # type: ignore[override]
        """That of the scorer."""
        return self.scorer.vocab

    @property
    def width(self) -> int:
        """`d`."""
        return self.scorer.width

    @property
    def cost(self) -> HeadCost:
        """Exact cost of one drafted token."""
        base, cold = self.scorer.cost, int(self.vocab.cold.size)
        exact = self.length * self.width
        return HeadCost(
            multiply_adds=base.multiply_adds + exact,
            reads=base.reads + exact + (0 if self.tail is None else cold - self.length),
            exponentials=cold + (0 if self.tail is None else self.length),
            compared=cold,
            full=base.full,
            kept=base.kept,
        )

    def _logits(self, hidden: Array) -> Array:
        xp = namespace(hidden)
        states = xp.reshape(hidden, (-1, self.width))
        scores = self.scorer._logits(states)
        listed = xp.argsort(scores, axis=-1, descending=True)[:, : self.length]
        contexts = index_like(np.arange(states.shape[0]), scores)[:, None]
        rows = convert(self.rows, hidden)
        exact = (rows[listed] @ states[..., None])[..., 0]
        out = scores if self.tail is None else self._tail_logits(scores, contexts, listed)
        out[contexts, listed] = exact
        return xp.reshape(out, (*hidden.shape[:-1], out.shape[-1]))

    def _tail_logits(self, scores: Array, contexts: Array, listed: Array) -> Array:
        """Logits of the tail's law, with the mass that the scores give to tokens off the list."""
        xp = namespace(scores)
        cold = floats_like(to_numpy(self.tail)[self.vocab.cold], scores)
        off = xp.ones_like(scores)
        off[contexts, listed] = 0
        top = xp.max(scores, axis=-1)[:, None]
        mass = xp.sum(off * xp.exp(scores - top), axis=-1)[:, None]
        held = xp.sum(off * cold, axis=-1)[:, None]
        # Off a list of all tokens there are none, and what stands there is not read.
        mass, held = (xp.where(x > 0, x, xp.ones_like(x)) for x in (mass, held))
        return xp.log(cold) + top + xp.log(mass / held)
