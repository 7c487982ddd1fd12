"""A matrix with one entry a row, or the same with the mean of each row taken away: a diagonal covariance."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from rdk_theory._array import Array, add_axis, double, index_like, namespace
from rdk_theory.kernels._matrices import Extreme, Factored, Full, Matrix, number
from rdk_theory.kernels.base import Operations, add_kept, beside
from rdk_theory.vocabulary import Vocabulary


class Spikes(Matrix):
    """``X_ij = a_i ([j = kept_i] − share)``, where the share is 0, or ``1/N`` once rows are centred."""

    def __init__(self, values: Array, vocab: Vocabulary, *, is_centred: bool = False) -> None:
        self.values, self.vocab, self.is_centred = values, vocab, is_centred
        self.shape = (vocab.kept_size, vocab.size)

    def product(self, vector: Array) -> Array:
        """One product for each row of the matrix; a sum of them is shared by all tokens."""
        xp = namespace(vector)
        weighted = vector * beside(self.values, vector)
        shared = self._share(add_axis(xp.sum(weighted, axis=-1)))
        out = xp.asarray(xp.broadcast_to(shared, (*vector.shape[:-1], self.shape[1])), copy=True)
        add_kept(out, weighted, self.vocab)
        return out

    def column(self, token: Array) -> Array:
        """The value where `token` is the row's own, and the share everywhere."""
        own = index_like(token, self.values)[..., None] == index_like(self.vocab.kept, self.values)
        return self._share(self.values) + namespace(self.values).where(own, self.values, self.values * 0)

    def row(self, place: Array) -> Array:
        """The value at the row's own token, and the share everywhere."""
        place = index_like(place, self.values)
        value = add_axis(self.values[place])
        own = index_like(self.vocab.kept, self.values)[place][..., None] == index_like(
            np.arange(self.shape[1]), self.values
        )
        return self._share(value) + namespace(self.values).where(own, value, value * 0)

    def block(self, start: int, stop: int) -> Array:
        """Rows `start` to `stop`, formed."""
        return self.row(np.arange(start, stop))

    def centred(self, scale: Any) -> Spikes:
        """``(X − mean of each row) · scale``."""
        return Spikes(self.values * scale, self.vocab, is_centred=True)

    @cached_property
    def extremes(self) -> tuple[Extreme, Extreme]:
        """The lowest and the highest entry after centring; for values of at least 0, both in the row of the largest."""
        size = self.shape[1]
        place = int(namespace(self.values).argmax(self.values))
        value = number(double(self.values)[place])
        own = int(self.vocab.kept[place])
        other = own if size == 1 else int(own == 0)
        return (-value / size if size > 1 else value * 0, place, other), (value - value / size, place, own)

    @staticmethod
    def cost(N: Any, K: Any) -> Operations:
        """``K`` products, their sum, one share, and an addition for each kept token."""
        return Operations(multiplications=K + 1, additions=2 * K - 1, reads=2 * K, writes=N)

    def _share(self, values: Array) -> Array:
        return values / -self.shape[1] if self.is_centred else values * 0


Covariance: TypeAlias = Full | Factored | Spikes
"""The kept rows of a covariance: stored whole, as a product of factors, or by its diagonal."""
