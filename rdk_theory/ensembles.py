"""Synthetic ensembles of contexts: what a target and an unpruned drafter say, drawn from a stated law.

Each function takes a numpy `Generator` and gives an `Ensemble`. A drafter's quality is one number, `agreement`:
1 is the target itself, 0 a drafter that knows the ensemble but not the context.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rdk_theory import validation
from rdk_theory._types import Real


class Ensemble(NamedTuple):
    """Target and full draft laws in ``C`` contexts over one vocabulary of ``N`` tokens, float64."""

    targets: Real[np.ndarray, "C N"]
    """One ``p`` a row."""
    drafts: Real[np.ndarray, "C N"]
    """One ``q`` a row, before pruning."""


def zipf(
    rng: np.random.Generator,
    contexts: int,
    size: int,
    *,
    exponent: float = 1.1,
    spread: float = 2.0,
    agreement: float = 0.8,
) -> Ensemble:
    r"""Zipf's law, tilted at random in each context.

    .. math:: p_t \propto (t+1)^{-a} e^{\sigma g_t}, \qquad q_t \propto (t+1)^{-a} e^{\sigma h_t}

    Parameters
    ----------
    rng
        Source of all randomness.
    contexts, size
        ``C`` and ``N``; token 0 is the most frequent.
    exponent
        :math:`a \ge 0`.
    spread
        :math:`\sigma \ge 0`: how far a context departs from the ensemble, in units of the logit.
    agreement
        :math:`\rho \in [0, 1]`: :math:`h = \rho g + \sqrt{1-\rho^2}\, g'`, with :math:`g, g'` independent standard
        normal, one for each context and token.

    Raises
    ------
    ValueError
        For sizes below 1, a negative exponent or spread, or an agreement outside [0, 1].
    """
    _check(contexts, size, agreement)
    _at_least_zero("exponent", exponent)
    _at_least_zero("spread", spread)
    base = -exponent * np.log(np.arange(1, size + 1))
    shared, own = rng.standard_normal((2, contexts, size))
    return Ensemble(_softmax(base + spread * shared), _softmax(base + spread * _correlated(shared, own, agreement)))


def dirichlet(
    rng: np.random.Generator,
    contexts: int,
    size: int,
    *,
    concentration: float = 0.1,
    agreement: float = 0.8,
) -> Ensemble:
    r"""Independent Dirichlet laws: no two tokens are related, and no token is rare by itself.

    Parameters
    ----------
    rng
        Source of all randomness.
    contexts, size
        ``C`` and ``N``.
    concentration
        :math:`a > 0`: :math:`p \sim \mathrm{Dir}(a, …, a)`; a small one gives peaked laws.
    agreement
        :math:`q = \rho p + (1 - \rho) p'` with :math:`p'` an independent draw of the same law.

    Raises
    ------
    ValueError
        For sizes below 1, a concentration that is not positive, or an agreement outside [0, 1].
    """
    _check(contexts, size, agreement)
    if not 0 < concentration < np.inf:
        raise ValueError(f"concentration must be positive and finite, not {concentration!r}")
    # Γ(a) = Γ(a+1) U^{1/a}: on the log scale no draw of a small concentration underflows to a row of zeros.
    gammas = np.log(rng.gamma(concentration + 1, size=(2, contexts, size)))
    targets, others = _softmax(gammas + np.log1p(-rng.random((2, contexts, size))) / concentration)
    return Ensemble(targets, agreement * targets + (1 - agreement) * others)


def low_rank_softmax(
    rng: np.random.Generator,
    contexts: int,
    size: int,
    *,
    rank: int = 16,
    clusters: int = 32,
    cohesion: float = 0.9,
    scale: float = 3.0,
    exponent: float = 1.0,
    agreement: float = 0.9,
) -> Ensemble:
    r"""A small language model's head: logits of low rank, in which tokens of one cluster rise and fall together.

    .. math:: p = \mathrm{softmax}(\sigma W h + b), \quad q = \mathrm{softmax}(\sigma W h' + b), \quad
        b_t = -a \ln(t+1), \quad w_t = \sqrt{\kappa}\, m_{t \bmod B} + \sqrt{1-\kappa}\, e_t

    Parameters
    ----------
    rng
        Source of all randomness.
    contexts, size
        ``C`` and ``N``; token 0 is the most frequent.
    rank
        :math:`R`: length of a hidden state :math:`h \sim \mathcal N(0, I)`.
    clusters
        :math:`B`: token `t` belongs to cluster ``t % B``, so that each has frequent tokens, which a pruned drafter
        keeps, and rare ones, which it lacks.
    cohesion
        :math:`\kappa \in [0, 1]`: squared share of a row of the head that its cluster has in common, by
        :math:`m_b, e_t \sim \mathcal N(0, I/R)`. At 0 tokens are unrelated.
    scale
        :math:`\sigma \ge 0`: standard deviation of a logit over contexts.
    exponent
        :math:`a \ge 0`: Zipf exponent of the bias.
    agreement
        :math:`\rho \in [0, 1]`: :math:`h' = \rho h + \sqrt{1-\rho^2}\, g`, with :math:`g` an independent hidden state.

    Raises
    ------
    ValueError
        For sizes below 1, a negative scale or exponent, or a cohesion or agreement outside [0, 1].
    """
    _check(contexts, size, agreement)
    validation.probability("cohesion", cohesion)
    for name, value in (("rank", rank), ("clusters", clusters)):
        _positive(name, value)
    _at_least_zero("scale", scale)
    _at_least_zero("exponent", exponent)
    centres = rng.standard_normal((clusters, rank))[np.arange(size) % clusters]
    head = np.sqrt(cohesion) * centres + np.sqrt(1 - cohesion) * rng.standard_normal((size, rank))
    head *= scale / np.sqrt(rank)
    bias = -exponent * np.log(np.arange(1, size + 1))
    hidden, other = rng.standard_normal((2, contexts, rank))
    return Ensemble(*(_softmax(h @ head.T + bias) for h in (hidden, _correlated(hidden, other, agreement))))


def adversarial(
    rng: np.random.Generator,
    contexts: int,
    size: int,
    kept_size: int,
    *,
    cold_mass: float = 0.1,
    error: float = 0.2,
) -> Ensemble:
    r"""Contexts in which mixing with the drafter's own cold mass loses, though that mass is the target's exactly.

    Tokens ``0 … kept_size − 1`` are kept. In each context the target puts :math:`\varepsilon = p(C)` on one cold
    token, drawn uniformly, and the rest on kept tokens by a law :math:`g \sim \mathrm{Dir}(1, …, 1)`. The drafter
    has :math:`q(C) = p(C)` on the same token and errs on kept tokens: a share `e` of their mass goes to token 0,
    :math:`q' = (1-e) g + e\,[t = 0]`.

    Parameters
    ----------
    rng
        Source of all randomness.
    contexts, size
        ``C`` and ``N``.
    kept_size
        ``K``, from 2 to ``size − 2``.
    cold_mass
        :math:`\varepsilon \in (0, 1)`, the same in every context.
    error
        :math:`e`, above :math:`\varepsilon` and at most 1.

    Raises
    ------
    ValueError
        For sizes below 1, a `kept_size` outside its range, or masses outside theirs.

    Notes
    -----
    Every kept token but token 0 is under-covered, :math:`(1-e) g < (1-\varepsilon) g`, and loses
    :math:`\theta (1-e) g` at weight :math:`\theta`; token 0 is over-covered and gains nothing. Whatever the prior on
    cold tokens, one of them drawn uniformly gains at most :math:`\theta/n` in expectation, :math:`n = N - K`. So the
    expected loss against TLI is at least :math:`\theta\,[(1-e)(1 - 1/K) - 1/n]`: at every weight, at
    :math:`\theta = q(C) = p(C)` too, wherever the bracket is positive.
    """
    _check(contexts, size)
    if not 2 <= kept_size <= size - 2:
        raise ValueError(f"kept_size must be in 2..{size - 2}, not {kept_size!r}")
    if not 0 < cold_mass < error <= 1:
        raise ValueError(f"cold_mass must be positive and below error ({error!r}), not {cold_mass!r}")
    kept = rng.dirichlet(np.ones(kept_size), size=contexts)
    wrong = (1 - error) * kept
    wrong[:, 0] += error
    place = np.arange(contexts), rng.integers(kept_size, size, size=contexts)
    laws = np.zeros((2, contexts, size))
    for law, part in zip(laws, (kept, wrong), strict=True):
        law[:, :kept_size] = (1 - cold_mass) * part
        law[place] = cold_mass
    return Ensemble(*laws)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _correlated(first: np.ndarray, second: np.ndarray, correlation: float) -> np.ndarray:
    """Standard normal with this correlation to `first`, from two independent ones."""
    return np.asarray(correlation * first + np.sqrt(1 - correlation**2) * second)


def _check(contexts: int, size: int, agreement: float = 1.0) -> None:
    _positive("contexts", contexts)
    _positive("size", size)
    validation.probability("agreement", agreement)


def _positive(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")


def _at_least_zero(name: str, value: float) -> None:
    if not 0 <= value < np.inf:
        raise ValueError(f"{name} must be finite and at least 0, not {value!r}")
