"""Interpolated Kneser–Ney bigram and trigram models with exact rows over the whole vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rdk_theory import _tensors, validation
from rdk_theory._types import Ids, Real
from rdk_theory.counts.ngrams import MAX_SIZE, NGramTable

_PARTS = ("contexts", "starts", "tokens", "counts")


class KneserNey:
    r"""Interpolated Kneser–Ney model with one absolute discount an order (Kneser and Ney 1995).

    For the trigram model, with raw counts :math:`c(uvw)` and continuation counts
    :math:`N(vw) = |\{u : c(uvw) > 0\}|`, :math:`N(w) = |\{v : c(vw) > 0\}|`,

    .. math::
        p(w \mid uv) &= \frac{(c(uvw) - d_3)_+}{c(uv\cdot)} + \frac{d_3\,T(uv)}{c(uv\cdot)}\, p(w \mid v), \\
        p(w \mid v) &= \frac{(N(vw) - d_2)_+}{N(v\cdot)} + \frac{d_2\,T(v)}{N(v\cdot)}\, p(w), \\
        p(w) &= \frac{(N(w) - d_1)_+}{N(\cdot)} + \frac{d_1\,T}{N(\cdot)} \cdot \frac1N,

    where a dot is a sum over :math:`w`, :math:`T(h)` the number of distinct tokens counted after
    :math:`h` and :math:`N` the vocabulary size. A context that was never seen gives the next line
    alone. The bigram model is the last two lines with raw counts :math:`c(vw)` for :math:`N(vw)`. Every
    token has positive probability and every row sums to 1.

    Parameters
    ----------
    size
        :math:`N`.
    tables
        Counts by order, the unigram table (of one context, 0) first: two tables make a bigram model,
        three a trigram model. `fit` makes them from text.
    """

    def __init__(self, size: int, tables: tuple[NGramTable, ...]) -> None:
        self.size = size
        self.tables = tables
        unigram = tables[0]
        base = np.full(size, unigram.discount * unigram.types[0] / size)
        base[unigram.tokens] += np.maximum(unigram.counts - unigram.discount, 0)
        self.unigram = base / unigram.totals[0]

    @property
    def order(self) -> int:
        """2 for a bigram model, 3 for a trigram model."""
        return len(self.tables)

    @classmethod
    def fit(cls, tokens: Ids[np.ndarray, "n"], documents: Ids[np.ndarray, "n"], size: int, order: int) -> KneserNey:
        """Count the n-grams of a text.

        Parameters
        ----------
        tokens
            Token ids of all documents, one after the other.
        documents
            For each token the document that it is in, ascending; no n-gram spans two documents.
        size
            Vocabulary size ``N``.
        order
            2 or 3.

        Raises
        ------
        ValueError
            For ids outside ``range(size)``, or a text with no n-gram of this order.
        """
        if order not in (2, 3):
            raise ValueError(f"order must be 2 or 3, not {order!r}")
        if not 1 <= size <= MAX_SIZE:
            raise ValueError(f"size must be in 1..{MAX_SIZE}, not {size}")
        validation.token_ids("tokens", tokens, size)
        validation.same_shape("documents", documents, tokens.shape)
        ids = tokens.astype(np.int64)
        within = documents[1:] == documents[:-1]
        pairs = (ids[:-1] * size + ids[1:])[within]
        bigrams = NGramTable.from_keys(pairs, size)
        if order == 2:
            tables = [bigrams]
        else:
            inside = within[1:] & within[:-1]
            trigrams = NGramTable.count((ids[:-2] * size + ids[1:-1])[inside], ids[2:][inside], size)
            tables = [NGramTable.from_keys(trigrams.keys(size) % (size * size), size), trigrams]
        if not tables[-1].counts.size:
            raise ValueError(f"tokens of shape {tokens.shape} hold no {order} tokens in a row of one document")
        unigram = NGramTable.from_keys(bigrams.tokens.astype(np.int64), size)
        return cls(size, (unigram, *tables))

    def rows(self, contexts: Ids[np.ndarray, "batch two"]) -> Real[np.ndarray, "batch N"]:
        """Full rows ``p(· | uv)``, or ``p(· | v)`` for a bigram model.

        Parameters
        ----------
        contexts
            The last two tokens ``u, v`` before each position.

        Returns
        -------
        float32 rows; each is within 1e-6 of sum 1.

        Notes
        -----
        Costs one write of the block and one addition for each token counted after a context.
        """
        validation.token_ids("contexts", contexts, self.size)
        if contexts.ndim != 2 or contexts.shape[1] != 2:
            raise ValueError(f"contexts has shape {contexts.shape}, expected (batch, 2)")
        uv = contexts.astype(np.int64)
        keys = [uv[:, 1], uv[:, 0] * self.size + uv[:, 1]]
        scale = np.ones(len(uv))
        sparse = []
        # From the longest context down: what each order leaves is the weight of the next.
        for table, key in zip(self.tables[:0:-1], keys[self.order - 2 :: -1], strict=True):
            row, seen = table.find(key)
            owner, place = table.entries(row, seen)
            weight = scale / np.where(seen, table.totals[row], 1)
            sparse.append(
                (owner * self.size + table.tokens[place], weight[owner], table.counts[place] - table.discount)
            )
            scale = np.where(seen, weight * table.discount * table.types[row], scale)
        out = scale.astype(np.float32)[:, None] * self.unigram.astype(np.float32)
        flat = out.reshape(-1)
        for place, weight, excess in sparse:
            flat[place] += (weight * np.maximum(excess, 0)).astype(np.float32)
        return out

    def save(self, path: str | Path) -> None:
        """Write the counts to a safetensors file."""
        arrays: dict[str, Any] = {"size": np.array([self.size], dtype=np.int64)}
        for n, table in enumerate(self.tables, start=1):
            arrays |= {f"order{n}.{part}": getattr(table, part) for part in _PARTS}
        _tensors.write(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> KneserNey:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            Naming the file, if it is missing, damaged or holds anything else.
        """
        file = _tensors.TensorFile(path)
        size = int(file.integers("size", (1,))[0])
        if not 1 <= size <= MAX_SIZE:
            raise ValueError(f"{path}: size must be in 1..{MAX_SIZE}, not {size}")
        orders = 3 if "order3.contexts" in file.names else 2
        return cls(size, tuple(_load_table(file, n, size) for n in range(1, orders + 1)))


def _load_table(file: _tensors.TensorFile, order: int, size: int) -> NGramTable:
    contexts, starts, tokens, counts = (file.integers(f"order{order}.{part}", (None,)) for part in _PARTS)
    whole = (
        contexts.size > 0
        and starts.size == contexts.size + 1
        and starts[0] == 0
        and starts[-1] == tokens.size == counts.size
        and bool((np.diff(starts) > 0).all())
        and bool((np.diff(contexts) > 0).all())
        and contexts[0] >= 0
        and contexts[-1] < size ** (order - 1)
        and bool(((tokens >= 0) & (tokens < size)).all())
        and bool((np.diff(np.repeat(contexts, np.diff(starts)) * size + tokens) > 0).all())
        and bool((counts > 0).all())
    )
    if not whole:
        raise ValueError(f"{file.path}: the counts of order {order} are not a table of n-grams over {size} tokens")
    return NGramTable(contexts, starts, tokens.astype(np.int32), counts.astype(np.int32))
