"""Which target tokens a drafter can name, and how its ids map to the target's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rdk_theory._array import is_array, to_numpy


def _ids(name: str, ids: Any, size: int) -> np.ndarray:
    """Unique ids in ``range(size)``, in the order given, as int64."""
    array = to_numpy(ids) if is_array(ids) else np.asarray(list(ids) if isinstance(ids, Iterable) else ids)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} of shape {array.shape} is empty: a drafter needs at least one token")
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} of shape {array.shape} must be integers, not {array.dtype}")
    outside = np.flatnonzero((array < 0) | (array >= size))
    if outside.size:
        at = int(outside[0])
        raise ValueError(f"{name} of shape {array.shape} has id {array[at]} outside range({size}) at index ({at},)")
    array = array.astype(np.int64)
    order = np.argsort(array, kind="stable")
    repeated = np.flatnonzero(np.diff(array[order]) == 0)
    if repeated.size:
        at = int(order[repeated + 1].min())
        raise ValueError(f"{name} of shape {array.shape} repeats id {array[at]} at index ({at},)")
    array.setflags(write=False)
    return array


class Vocabulary:
    """A target vocabulary ``T = {0,…,N−1}`` and the part ``I`` of it that the drafter can name.

    Parameters
    ----------
    size
        ``N``, the number of target tokens.
    kept
        The ``K`` target ids in ``I``, in any order; the order is that of the drafter's restricted rows.
    draft_size
        ``|D|``, the length of a full draft row. Default ``N``: the drafter is the pruned form of one
        that shares the target's vocabulary.
    draft_ids
        For each entry of `kept`, the drafter's own id of that token. Default `kept`.

    Raises
    ------
    ValueError
        If `kept` is empty, repeats an id or leaves ``range(size)``; likewise `draft_ids`.

    Notes
    -----
    A pruned head that emits ``K`` logits has ``draft_size=K, draft_ids=range(K)``: use `pruned_head`.
    Vocabularies of two tokenizers meet in `intersection`.
    """

    def __init__(self, size: int, kept: Any, *, draft_size: int | None = None, draft_ids: Any = None) -> None:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"size must be a positive integer, not {size!r}")
        self.size = int(size)
        self.kept = _ids("kept", kept, self.size)
        if draft_size is None:
            draft_size = self.size
        elif isinstance(draft_size, bool) or not isinstance(draft_size, int | np.integer) or draft_size < 1:
            raise ValueError(f"draft_size must be a positive integer, not {draft_size!r}")
        self.draft_size = int(draft_size)
        if draft_ids is None:
            if self.draft_size != self.size:
                raise ValueError(
                    f"draft_ids is needed where draft_size ({self.draft_size}) differs from size ({self.size})"
                )
            self.draft_ids = self.kept
        else:
            self.draft_ids = _ids("draft_ids", draft_ids, self.draft_size)
            if self.draft_ids.shape != self.kept.shape:
                raise ValueError(
                    f"draft_ids has shape {self.draft_ids.shape}, expected {self.kept.shape}, that of kept"
                )

    @classmethod
    def full(cls, size: int) -> Vocabulary:
        """Nothing pruned: every token kept, in order."""
        return cls(size, np.arange(size))

    @classmethod
    def pruned_head(cls, size: int, kept: Any) -> Vocabulary:
        """A drafter whose head has one row per kept token, in the order of `kept`."""
        array = _ids("kept", kept, size)
        return cls(size, array, draft_size=array.size, draft_ids=np.arange(array.size))

    @classmethod
    def intersection(
        cls, target: Sequence[str] | Sequence[bytes], draft: Sequence[str] | Sequence[bytes]
    ) -> Vocabulary:
        """Tokens that two tokenizers share, by their text; each sequence lists token texts in id order."""
        draft_id = {token: i for i, token in enumerate(draft)}
        shared = [(i, draft_id[token]) for i, token in enumerate(target) if token in draft_id]
        if not shared:
            raise ValueError(f"target ({len(target)} tokens) and draft ({len(draft)} tokens) share no token")
        kept, ids = zip(*shared, strict=True)
        return cls(len(target), np.asarray(kept), draft_size=len(draft), draft_ids=np.asarray(ids))

    @property
    def kept_size(self) -> int:
        """``K``."""
        return int(self.kept.size)

    @cached_property
    def position(self) -> np.ndarray:
        """For each target id its place in `kept`, or −1 for a cold token; shape ``(N,)``."""
        out = np.full(self.size, -1, dtype=np.int64)
        out[self.kept] = np.arange(self.kept_size)
        out.setflags(write=False)
        return out

    @cached_property
    def cold(self) -> np.ndarray:
        r"""``C = T \ I``: the target ids that cannot be drafted, ascending; shape ``(N − K,)``."""
        out = np.flatnonzero(self.position < 0)
        out.setflags(write=False)
        return out

    @cached_property
    def order(self) -> np.ndarray:
        """Places of the kept tokens by ascending target id: ``kept[order]`` is sorted."""
        out = np.argsort(self.kept)
        out.setflags(write=False)
        return out

    @cached_property
    def ascending(self) -> np.ndarray:
        """`kept`, sorted."""
        out = self.kept[self.order]
        out.setflags(write=False)
        return out

    @cached_property
    def place(self) -> np.ndarray:
        """For each target id its place among the kept tokens followed by the cold ones; shape ``(N,)``."""
        out = self.position.copy()
        out[self.cold] = np.arange(self.kept_size, self.size)
        out.setflags(write=False)
        return out

    @property
    def draft_to_target(self) -> np.ndarray:
        """The engines' ``d2t``: for each draft id the target id, −1 where the target lacks it; shape ``(|D|,)``."""
        out = np.full(self.draft_size, -1, dtype=np.int64)
        out[self.draft_ids] = self.kept
        return out

    @property
    def target_to_draft(self) -> np.ndarray:
        """The engines' ``t2d`` with ids: for each target id the draft id, −1 where cold; shape ``(N,)``."""
        out = np.full(self.size, -1, dtype=np.int64)
        out[self.kept] = self.draft_ids
        return out

    def __repr__(self) -> str:
        return f"Vocabulary(size={self.size}, kept={self.kept_size} ids, draft_size={self.draft_size})"
