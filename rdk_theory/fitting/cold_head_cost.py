"""What a contextual head adds to a pruned one, counted beside the head that pruning saved."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class HeadCost:
    r"""Exact cost of one drafted token, in multiply-adds and in parameter entries read.

    The cost of the kept rows, :math:`Kd`, which every pruned head has, is not in it: see `kept`. Nor are the hidden
    state, which is in cache, or entries written. A head whose bias is one more column counts it in `d`.
    """

    multiply_adds: int
    """Products, each with the addition that takes it in."""
    reads: int
    """Entries of stored parameters that are read."""
    exponentials: int
    """Of the softmax; the full head takes `N`."""
    compared: int
    """Scores among which a shortlist is chosen."""
    full: int
    """:math:`Nd`: multiply-adds of the full head, and entries that it reads."""
    kept: int
    """:math:`Kd`: what the pruned head costs in both, without redistribution."""

    @property
    def operations_share(self) -> Fraction:
        """Multiply-adds over those of the full head."""
        return Fraction(self.multiply_adds, self.full)

    @property
    def bytes_share(self) -> Fraction:
        """Bytes read over those of the full head, entries of both in one width."""
        return Fraction(self.reads, self.full)

    @property
    def kept_share(self) -> Fraction:
        """Cost of the kept rows over that of the full head, in both."""
        return Fraction(self.kept, self.full)

    def bytes(self, itemsize: int = 2) -> int:
        """Bytes of parameters read when an entry takes `itemsize`."""
        return self.reads * itemsize
