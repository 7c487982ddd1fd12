"""The embedding ``E_I``: kept tokens stay where they are. Its proposal is TLI."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, gather_last, index_like, look_up, namespace
from rdk_theory._types import Ids, Real
from rdk_theory.distributions import embed
from rdk_theory.kernels.base import Kernel, Operations
from rdk_theory.vocabulary import Vocabulary


class Embedding(Kernel):
    r"""TLI as a kernel: :math:`M_{ij} = 1` where `j` is the target id of kept token `i`, else 0.

    Parameters
    ----------
    vocab
        The target vocabulary and its kept tokens.
    """

    def __init__(self, vocab: Vocabulary) -> None:
        self.vocab = vocab

    def redistribute(self, draft: Real[Array, "*batch K"]) -> Real[Array, "*batch N"]:
        """The restricted draft law, zero on cold tokens."""
        self.check_draft(draft)
        return embed(draft, self.vocab)

    def column(self, token: Any) -> Real[Array, "*batch K"]:
        """The indicator of the place of `token` in ``vocab.kept``; all zero for a cold token."""
        token = self._index("token", token, self.vocab.size)
        xp = namespace(token)
        return xp.astype(token[..., None] == index_like(self.vocab.kept, token), xp.float64)

    def row(self, draft_id: Any) -> Real[Array, "*batch N"]:
        """The indicator of the target id of `draft_id`."""
        draft_id = self._index("draft_id", draft_id, self.vocab.kept_size)
        xp = namespace(draft_id)
        targets = index_like(np.arange(self.vocab.size), draft_id)
        return xp.astype(look_up(self.vocab.kept, draft_id)[..., None] == targets, xp.float64)

    def probability(self, draft: Real[Array, "*batch K"], token: Ids[Array, "*batch"]) -> Real[Array, "*batch"]:
        """``q'`` at the place of `token`, 0 for a cold token: one look-up."""
        self.check_draft(draft)
        validation.token_ids("token", token, self.vocab.size, tuple(draft.shape[:-1]))
        return self.point(draft, token)

    def point(self, draft: Array, token: Array) -> Array:
        """`probability`, unchecked."""
        xp = namespace(draft)
        place = look_up(self.vocab.position, token)
        value = double(gather_last(draft, xp.where(place < 0, place - place, place)))
        return xp.where(place < 0, value - value, value)

    def draw(self, draft_id: Ids[Array, "*batch"], uniform: Real[Array, "*batch"]) -> Ids[Array, "*batch"]:
        """The kept token itself, whatever the uniform."""
        validation.token_ids("draft_id", draft_id, self.vocab.kept_size)
        validation.uniform("uniform", uniform, tuple(draft_id.shape))
        return look_up(self.vocab.kept, draft_id)

    @property
    def context_free(self) -> bool:
        """True: there is one embedding."""
        return True

    @staticmethod
    def cost(N: Any, K: Any) -> Operations:
        """No arithmetic: `K` entries are read, `N` written."""
        return Operations(multiplications=0, additions=0, reads=K, writes=N)

    @property
    def operations(self) -> Operations:
        """Cost of `redistribute` for one row."""
        return self.cost(self.vocab.size, self.vocab.kept_size)
