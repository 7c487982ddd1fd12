"""From logits to distributions, and from a full draft row to the kept tokens."""

from __future__ import annotations

import numpy as np

from rdk_theory import _rows, validation
from rdk_theory._array import Array, cast_like, index_like, is_exact, is_numpy, namespace, widen, zeros
from rdk_theory._types import Real
from rdk_theory.vocabulary import Vocabulary


def softmax(logits: Real[Array, "*batch N"], temperature: float = 1.0) -> Real[Array, "*batch N"]:
    r"""Softmax over the last axis: :math:`p_t = e^{z_t/T} / \sum_k e^{z_k/T}`.

    Parameters
    ----------
    logits
        :math:`z`; −inf is legal and gives probability 0. 16-bit floats are exponentiated in float32.
    temperature
        :math:`T > 0`.

    Raises
    ------
    ValueError
        For NaN, +inf, a row without a finite logit, or a temperature that is not positive and finite.
    """
    validation.logits("logits", logits)
    positive_temperature(temperature)
    xp = namespace(logits)
    z = widen(logits)
    z = (z - xp.max(z, axis=-1, keepdims=True)) / temperature
    weights = xp.exp(z)
    return cast_like(weights / xp.sum(weights, axis=-1, keepdims=True), logits)


def positive_temperature(temperature: float) -> None:
    """Raise unless `temperature` is a positive finite number."""
    if (
        isinstance(temperature, bool)
        or not isinstance(temperature, int | float | np.floating)
        or not 0 < temperature < float("inf")
    ):
        raise ValueError(f"temperature must be positive and finite, not {temperature!r}")


def kept_mass(full_draft: Real[Array, "*batch D"], vocab: Vocabulary) -> Real[Array, "*batch"]:
    """``q(I)``: the probability that the unpruned drafter gives to tokens that the target shares."""
    validation.distribution("full_draft", full_draft, vocab.draft_size, "the drafter's vocabulary")
    return namespace(full_draft).sum(widen(_kept(full_draft, vocab)), axis=-1)


def restrict(full_draft: Real[Array, "*batch D"], vocab: Vocabulary) -> Real[Array, "*batch K"]:
    r"""TLI: the draft law conditioned on kept tokens, :math:`q'(i) = q(i)/q(I)`.

    Parameters
    ----------
    full_draft
        Rows over the drafter's own vocabulary, in the order of its ids.
    vocab
        Says which draft ids are kept and in what order.

    Returns
    -------
    Rows over ``vocab.kept``, in that order.

    Raises
    ------
    ValueError
        If a row is no distribution, or has no mass on kept tokens (conditioning is then undefined).

    Notes
    -----
    Softmax over the kept logits gives the same row; see the claim ``restriction-is-renormalisation``.
    """
    validation.distribution("full_draft", full_draft, vocab.draft_size, "the drafter's vocabulary")
    xp = namespace(full_draft)
    kept = widen(_kept(full_draft, vocab))
    mass = xp.sum(kept, axis=-1, keepdims=True)
    if bool(xp.any(mass <= 0)):
        raise validation.row_offence("full_draft", full_draft, mass[..., 0] <= 0, "has no mass on kept tokens")
    return cast_like(kept / mass, full_draft)


def embed(draft: Real[Array, "*batch K"], vocab: Vocabulary) -> Real[Array, "*batch N"]:
    """Rows over kept tokens as rows over the target vocabulary: zero on cold tokens."""
    validation.vocabulary_axis("draft", draft, vocab.kept_size, "the kept set")
    if is_numpy(draft) and not is_exact(draft):
        return _rows.spread(draft, vocab.place, np.zeros(vocab.cold.size, dtype=draft.dtype))
    out = zeros((*draft.shape[:-1], vocab.size), draft)
    out[..., index_like(vocab.kept, draft)] = draft
    return out


def _kept(full_draft: Array, vocab: Vocabulary) -> Array:
    return namespace(full_draft).take(full_draft, index_like(vocab.draft_ids, full_draft), axis=-1)
