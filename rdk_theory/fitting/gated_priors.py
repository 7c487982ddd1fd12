"""Priors on cold tokens with gates that read the hidden state, fitted for acceptance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, convert, double, is_exact, namespace, to_numpy
from rdk_theory._types import Real
from rdk_theory.fitting._adam import Ascent, batches, number_of_batches
from rdk_theory.fitting.cold_head import count_of
from rdk_theory.fitting.cold_head_cost import HeadCost
from rdk_theory.fitting.gated_start import Start, start
from rdk_theory.fitting.prior import check_fit
from rdk_theory.kernels.gated_priors import GatedPriors
from rdk_theory.vocabulary import Vocabulary

BATCH = 256
"""Contexts of a step."""

STEPS = 500
"""With fewer the decay has not yet drawn the priors together, however few the contexts are."""

RATE = 0.05
"""First rate of the steps: of logits, and of gates of standardised states."""

DECAY = 0.3
"""How strongly what is a prior's or a gate's own is drawn to what all share; few contexts speak for each of them."""


@dataclass(frozen=True, eq=False)
class Gated:
    r"""Priors :math:`\pi_k` on cold tokens, and a gate for each that reads the hidden state.

    .. math:: g(h) = \mathrm{softmax}(L_I, a_1 \cdot h + b_1, \dots, a_m \cdot h + b_m)

    :math:`L_I = \mathrm{LSE}(z_I)` is what the kept tokens hold. So each prior stands beside them as one more token
    would, with a row of the head of its own; drawn, it is replaced by a cold token of law :math:`\pi_k`. The gates
    depend on the context alone, and verification against :math:`g_0 q' + \sum_k g_k \pi_k` is lossless (claim
    ``lossless``).

    `cost`: :math:`m (d + 1)` multiply-adds for the gates, `m` for the probability of the drafted token, and
    :math:`m (1 + B)` to draw it by bisection, `B` the number of bits of `N`; as many entries are read. So beyond its
    logarithm `N` has no part in it. Whoever forms the proposal whole pays :math:`Nm` instead.
    """

    vocab: Vocabulary
    priors: Real[np.ndarray, "m N"]
    rows: Real[np.ndarray, "m d"]
    """:math:`a`."""
    biases: Real[np.ndarray, "m"]
    """`b`."""
    acceptance: float
    """Mean acceptance in the contexts of the fit."""

    @property
    def cost(self) -> HeadCost:
        """Exact cost of one token, drafted and verified; see the class."""
        gates, width = self.rows.shape
        work = gates * (width + 1) + gates * (2 + self.vocab.size.bit_length())
        return HeadCost(
            multiply_adds=work,
            reads=work,
            exponentials=gates,
            compared=0,
            full=self.vocab.size * width,
            kept=self.vocab.kept_size * width,
        )

    def gates(
        self, hidden: Real[Array, "*batch d"], kept_logits: Real[Array, "*batch K"]
    ) -> Real[Array, "*batch gates"]:
        """`g`, ``(…, m + 1)``, float64; the first is the weight of `q'`.

        Raises
        ------
        ValueError
            If `hidden` is not finite floats of width `d`, or a row of `kept_logits` is none of logits.
        """
        validation.finite("hidden", hidden)
        if is_exact(hidden):
            raise ValueError("hidden is rational, and a softmax is not: use floats")
        validation.vocabulary_axis("hidden", hidden, self.rows.shape[1], "the hidden state")
        validation.logits("kept_logits", kept_logits)
        validation.vocabulary_axis("kept_logits", kept_logits, self.vocab.kept_size, "the kept set")
        validation.same_shape("kept_logits", kept_logits, (*hidden.shape[:-1], self.vocab.kept_size))
        h, z = double(hidden), double(kept_logits)
        xp = namespace(h, z)
        scores = h @ convert(self.rows, h).T + convert(self.biases, h)
        return _softmax(xp, xp.concat([_log_sum(xp, z)[..., None], scores], axis=-1))

    def at(self, hidden: Real[Array, "*batch d"], kept_logits: Real[Array, "*batch K"]) -> GatedPriors:
        """The kernels of some contexts, as one batched kernel."""
        gates = self.gates(hidden, kept_logits)
        return GatedPriors(self.vocab, gates, convert(self.priors, gates))


def fit_gated_priors(
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C K"],
    vocab: Vocabulary,
    hidden: Real[Array, "C d"],
    kept_logits: Real[Array, "C K"],
    rng: np.random.Generator,
    *,
    priors: int = 64,
    steps: int = STEPS,
) -> Gated:
    r"""Priors and gates that make mean acceptance large in some contexts.

    Parameters
    ----------
    targets, drafts
        :math:`p` and the restricted :math:`q'`, one row a context, floats.
    vocab
        The target vocabulary and its kept tokens.
    hidden, kept_logits
        :math:`h` and :math:`z_I` of these contexts.
    rng
        Of the first clusters and the order of contexts.
    priors
        `m`, at most one a context.
    steps
        Number of steps, each with about `BATCH` contexts; 0 leaves the start.

    Returns
    -------
    Gated
        A local maximum at best: in the priors alone, or the gates alone, acceptance is concave, in both it is not.

    Raises
    ------
    ValueError
        If rows are no distributions or rationals, shapes differ, no token is cold or has any mass, or a number is out
        of range.

    Notes
    -----
    The start is a clustering of the states (`gated_start.start`): a prior is the mean target of its cluster on cold
    tokens. Then steps in float32 along the gradient of :math:`\sum_t \min(p_t, \tilde p_t)`, which is 1 where
    :math:`\tilde p_t < p_t` and 0 elsewhere. Logits of priors and rows of gates are each a part that all share and a
    part of their own; the latter decays (`DECAY`), without which many priors fit the contexts and little else.
    """
    check_fit(targets, drafts, vocab)
    if is_exact(targets):
        raise ValueError("targets must be floats, not rationals: gates are floats")
    contexts = int(targets.shape[0])
    count_of("priors", priors, 1, contexts)
    count_of("steps", steps, 0, 1 << 20)
    validation.finite("hidden", hidden)
    if hidden.ndim != 2 or hidden.shape[0] != contexts or not hidden.shape[1]:
        raise ValueError(f"hidden has shape {tuple(hidden.shape)}, expected ({contexts}, d) with d at least 1")
    validation.logits("kept_logits", kept_logits)
    validation.same_shape("kept_logits", kept_logits, (contexts, vocab.kept_size))
    p = to_numpy(targets)
    masses = _log_sum(np, to_numpy(double(kept_logits)))
    begun = start(p, vocab, to_numpy(double(hidden)), masses, priors, rng)
    moving = _Steps(p, to_numpy(drafts), vocab, begun, masses)
    ascent = Ascent(moving.parameters, RATE, steps, (0.0, DECAY, 0.0, DECAY))
    epochs = -(-steps // number_of_batches(contexts, BATCH))
    for members in islice(batches(contexts, BATCH, epochs, rng), steps):
        ascent.step(moving.gradient(members))
    return moving.result(begun)


class _Steps:
    """The parameters of a fit, and the gradient of the mean acceptance of some contexts."""

    def __init__(self, p: np.ndarray, q: np.ndarray, vocab: Vocabulary, begun: Start, masses: np.ndarray) -> None:
        self._p, self._q, self._vocab = p, q, vocab
        self._states = begun.states
        self._masses = masses.astype(np.float32)
        # Of gates and of priors: what all share, and what is their own.
        self.parameters = (np.zeros_like(begun.rows[0]), begun.rows, begun.shared, begun.logits)

    def gradient(self, members: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of each of the parameters."""
        (gates, priors), kept, cold = self._parts(members)
        q = self._q[members]
        short = (gates[:, 1:] @ priors < cold).astype(np.float32)
        of_gates = np.column_stack([((gates[:, :1] * q < kept) * q).sum(axis=1), short @ priors.T])
        slopes = gates * (of_gates - (gates * of_gates).sum(axis=1, keepdims=True))
        of_priors = gates[:, 1:].T @ short
        of_logits = priors * (of_priors - (priors * of_priors).sum(axis=1, keepdims=True))
        of_rows, of_logits = slopes[:, 1:].T @ self._states[members] / members.size, of_logits / members.size
        return of_rows.sum(axis=0), of_rows, of_logits.sum(axis=0), of_logits

    def result(self, begun: Start) -> Gated:
        """The fit, on states as they came."""
        rows, logits = (x.astype(np.float64) for x in self._sums())
        priors = np.zeros((rows.shape[0], self._vocab.size))
        priors[:, self._vocab.cold] = _softmax(np, logits)
        raw = rows[:, :-1] / begun.spread
        total = 0.0
        for members in np.array_split(np.arange(self._p.shape[0]), number_of_batches(self._p.shape[0], BATCH)):
            (gates, laws), kept, cold = self._parts(members)
            total += float(np.minimum(gates[:, 1:] @ laws, cold).sum(dtype=np.float64))
            total += float(np.minimum(gates[:, :1] * self._q[members], kept).sum(dtype=np.float64))
        return Gated(self._vocab, priors, raw, rows[:, -1] - raw @ begun.centre, total / self._p.shape[0])

    def _sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of gates and logits of priors."""
        shared_rows, rows, shared, logits = self.parameters
        return shared_rows + rows, shared + logits

    def _parts(self, members: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
        """Gates and priors, and the target on kept and on cold tokens."""
        rows, logits = self._sums()
        scores = np.column_stack([self._masses[members], self._states[members] @ rows.T])
        p = self._p[members]
        return (_softmax(np, scores), _softmax(np, logits)), p[:, self._vocab.kept], p[:, self._vocab.cold]


def _log_sum(xp: Any, z: Array) -> Array:
    top = xp.max(z, axis=-1)
    return top + xp.log(xp.sum(xp.exp(z - top[..., None]), axis=-1))


def _softmax(xp: Any, z: Array) -> Array:
    weights = xp.exp(z - xp.max(z, axis=-1)[..., None])
    return weights / xp.sum(weights, axis=-1)[..., None]
