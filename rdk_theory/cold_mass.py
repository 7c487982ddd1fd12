"""How much mass the cold tokens of a pruned head have, without their logits: from the mean and spread of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, constant, convert, double, index_like, is_exact, namespace
from rdk_theory._rows import block_length
from rdk_theory._types import Real
from rdk_theory.vocabulary import Vocabulary

SMALL = 1 / 128
"""Range below which the closed forms lose their digits, and the first terms of their series are exact."""
BLOCK = 1 << 22
"""Entries of a head that are centred at a time."""


def jensen_gap(spread: Real[Array, "*batch"]) -> Real[Array, "*batch"]:
    r"""Largest :math:`\log \mathrm E\, e^Z - \mathrm E Z` of a :math:`Z` whose range is `spread`.

    .. math:: J(s) = \log \varphi + \frac1\varphi - 1, \quad \varphi = \frac{e^s - 1}{s}

    Parameters
    ----------
    spread
        :math:`s \ge 0`, largest minus smallest value, floats.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, or the numbers are rationals.

    Notes
    -----
    At most :math:`s^2/8`, Hoeffding's bound, and at most :math:`s`. Reached where :math:`Z` has two values, the upper
    with probability :math:`1/s - 1/(e^s - 1)` (claim ``jensen-cold-mass``).
    """
    s = _spread(spread)
    xp = namespace(s)
    safe = xp.where(s > SMALL, s, xp.ones_like(s))
    ratio = -xp.expm1(-safe) / safe
    square = s * s
    series = square / 8 - square**2 / 576 + square**3 / 25920
    return xp.where(s > SMALL, safe + xp.log(ratio) - 1 + xp.exp(-safe) / ratio, series)


def cumulant_error(spread: Real[Array, "*batch"]) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"]]:
    r"""How far :math:`\log \mathrm E\, e^Z` can be from :math:`\mathrm E Z + \tfrac12 \mathrm{Var} Z`, below and above.

    .. math:: D(p, s) = \log(1 - p + p e^s) - ps - p(1-p)\frac{s^2}{2}, \quad
              -L(s) = D(p_+, s), \quad U(s) = D(p_-, s)

    where :math:`p_\pm` are the roots of
    :math:`A s^2 p^2 - [A(s + \tfrac{s^2}{2}) - s^2] p + A - s - \tfrac{s^2}{2}`, :math:`A = e^s - 1`.

    Parameters
    ----------
    spread
        :math:`s \ge 0`, largest minus smallest value of :math:`Z`, floats.

    Returns
    -------
    :math:`L` and :math:`U`, both at least 0: the worst cases, reached where :math:`Z` has two values.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, or the numbers are rationals.

    Notes
    -----
    Both are below :math:`s^3/(36\sqrt3)` for :math:`s > 0`, close to it for small :math:`s`, and at most
    :math:`s^2/8` (claim ``cumulant-cold-mass``).
    """
    s = _spread(spread)
    xp = namespace(s)
    safe = xp.where(s > SMALL, s, xp.ones_like(s))
    # The quadratic over A s, so that no exponential overflows.
    inverse = -xp.exp(-safe) / xp.expm1(-safe)
    linear = 1 + safe / 2 - safe * inverse
    constants = (1 - (safe + safe**2 / 2) * inverse) / safe
    root = xp.sqrt(linear**2 - 4 * safe * constants)
    series = s**3 / (36 * 3**0.5) * (1 - 3 * s**2 / 160)
    above = _two_values(2 * constants / (linear + root), safe)
    below = -_two_values((linear + root) / (2 * safe), safe)
    return xp.where(s > SMALL, below, series), xp.where(s > SMALL, above, series)


def jensen_log_mass(
    size: int, mean: Real[Array, "*batch"], spread: Real[Array, "*batch"]
) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"]]:
    r"""Bounds on :math:`\mathrm{LSE}(z)`: :math:`\log n + \bar z` and :math:`\log n + \bar z + J(s)`.

    Parameters
    ----------
    size
        :math:`n`, the number of logits.
    mean, spread
        :math:`\bar z` and :math:`s = \max z - \min z`, float arrays of one shape.

    Raises
    ------
    ValueError
        If `size` is no positive integer, an entry is not finite, `spread` is negative, or the shapes differ.

    Notes
    -----
    The lower is reached by equal logits; the upper cannot be lowered for all :math:`n` (claim ``jensen-cold-mass``).
    """
    lower = _log_size(size, mean)
    gap = jensen_gap(spread)
    validation.same_shape("spread", spread, tuple(mean.shape))
    validation.same_library("mean and spread", mean, spread)
    return lower, lower + gap


def cumulant_log_mass(size: int, mean: Real[Array, "*batch"], variance: Real[Array, "*batch"]) -> Real[Array, "*batch"]:
    r"""The estimate :math:`\log n + \bar z + \tfrac12 \mathrm{var}(z)` of :math:`\mathrm{LSE}(z)`.

    Parameters
    ----------
    size
        :math:`n`, the number of logits.
    mean, variance
        :math:`\bar z` and :math:`\frac1n \sum_j (z_j - \bar z)^2`, float arrays of one shape.

    Raises
    ------
    ValueError
        If `size` is no positive integer, an entry is not finite, `variance` is negative, or the shapes differ.

    Notes
    -----
    Exact for Gaussian logits; else within `cumulant_error` of the range (claim ``cumulant-cold-mass``).
    """
    lower = _log_size(size, mean)
    validation.non_negative("variance", variance)
    validation.same_shape("variance", variance, tuple(mean.shape))
    validation.same_library("mean and variance", mean, variance)
    return lower + double(variance) / 2


@dataclass(frozen=True, eq=False)
class ColdHead:
    r"""What a pruned head keeps of its cold rows: their number, their mean and their covariance.

    For a hidden state :math:`h` the cold logits :math:`z = W_C h` have mean :math:`\bar w \cdot h` and variance
    :math:`h^\top \Sigma h`, whatever their number: :math:`O(d^2)` work, or :math:`O(dR)` for a covariance
    :math:`F F^\top` of rank :math:`R`. A bias is one more column of the head, and one more entry, 1, of every state.
    """

    size: int
    """:math:`n = |C|`."""
    mean: Real[Array, "d"]
    r""":math:`\bar w`."""
    covariance: Real[Array, "d R"]
    r""":math:`\Sigma`, ``(d, d)``; or :math:`F`, ``(d, R)``, if `factored`."""
    factored: bool = False
    left_out: float = 0.0
    r"""Largest eigenvalue that :math:`F F^\top` lacks: times :math:`\|h\|^2`, what a variance lacks at most."""

    @classmethod
    def from_head(cls, head: Real[Array, "N d"], vocab: Vocabulary, rank: int | None = None) -> ColdHead:
        r"""The statistics of the rows of `head`, ``(N, d)``, that `vocab` does not keep.

        Parameters
        ----------
        head
            A row for each target token; the cold ones are `vocab.cold`.
        vocab
            The target vocabulary and its kept tokens, at least one token cold.
        rank
            Number of eigenvectors of the covariance that are kept; all of it without one. Needs floats.

        Raises
        ------
        ValueError
            If `head` is not finite or not of one row a token, no token is cold, or `rank` is not in ``[1, d]``.
        """
        validation.finite("head", head)
        if head.ndim != 2 or head.shape[0] != vocab.size or head.shape[1] == 0:
            raise ValueError(f"head has shape {tuple(head.shape)}, expected ({vocab.size}, d) with d at least 1")
        if vocab.cold.size == 0:
            raise ValueError(f"vocab keeps all of its {vocab.size} tokens: none is cold")
        size, width = int(vocab.cold.size), int(head.shape[1])
        cold = index_like(vocab.cold, head)
        step = block_length(width, BLOCK)
        blocks = [cold[start : start + step] for start in range(0, size, step)]
        mean = sum(namespace(head).sum(double(head[ids]), axis=0) for ids in blocks) / size
        covariance = sum(_square(double(head[ids]) - mean) for ids in blocks) / size
        whole = cls(size, mean, covariance)
        return whole if rank is None else whole._truncated(rank)

    def _truncated(self, rank: int) -> ColdHead:
        width = self.mean.shape[0]
        if isinstance(rank, bool) or not isinstance(rank, int | np.integer) or not 1 <= rank <= width:
            raise ValueError(f"rank must be an integer in [1, {width}], not {rank!r}")
        if is_exact(self.covariance):
            raise ValueError("head is rational, and eigenvectors are not: use floats, or no rank")
        xp = namespace(self.covariance)
        values, vectors = xp.linalg.eigh(self.covariance)
        values = xp.where(values > 0, values, xp.zeros_like(values))
        factor = vectors[:, width - rank :] * xp.sqrt(values[width - rank :])
        left = float(values[width - rank - 1]) if rank < width else 0.0
        return ColdHead(self.size, self.mean, factor, factored=True, left_out=left)

    def moments(self, hidden: Real[Array, "*batch d"]) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"]]:
        r"""Mean :math:`\bar w \cdot h` and variance :math:`h^\top\Sigma h` of the cold logits of `hidden`."""
        validation.finite("hidden", hidden)
        validation.vocabulary_axis("hidden", hidden, int(self.mean.shape[0]), "the hidden state")
        hidden = double(hidden)
        xp = namespace(hidden)
        mean, covariance = convert(self.mean, hidden), convert(self.covariance, hidden)
        product = hidden @ covariance
        return xp.sum(hidden * mean, axis=-1), xp.sum(product * (product if self.factored else hidden), axis=-1)

    def log_mass(self, hidden: Real[Array, "*batch d"]) -> Real[Array, "*batch"]:
        """`cumulant_log_mass` of the cold logits of `hidden`, ``(…, d)``, floats."""
        mean, variance = self.moments(hidden)
        # A variance of 0 may come out of its rounding below 0.
        return cumulant_log_mass(self.size, mean, namespace(variance).clip(variance, min=0))


def _spread(spread: Any) -> Array:
    validation.non_negative("spread", spread)
    if is_exact(spread):
        raise ValueError("spread is rational, and a logarithm is not: use floats")
    return double(spread)


def _log_size(size: int, mean: Any) -> Array:
    """``log n + mean``."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"size must be a positive integer, not {size!r}")
    validation.finite("mean", mean)
    if is_exact(mean):
        raise ValueError("mean is rational, and a logarithm is not: use floats")
    mean = double(mean)
    return mean + namespace(mean).log(constant(float(size), mean))


def _two_values(p: Array, s: Array) -> Array:
    """``D(p, s)``; of ``log(1 − p + p e^s) − ps`` the smaller exponent is taken out."""
    xp = namespace(s)
    return xp.log1p((1 - p) * xp.expm1(-s)) + (1 - p) * s - p * (1 - p) * s**2 / 2


def _square(rows: Array) -> Array:
    return rows.T @ rows
