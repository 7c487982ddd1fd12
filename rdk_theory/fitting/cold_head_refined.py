"""A head of low rank moved on from the decomposition by gradient steps that make acceptance itself large."""

from __future__ import annotations

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, double, is_exact, to_numpy
from rdk_theory._types import Real
from rdk_theory.fitting._adam import Ascent, batches, number_of_batches
from rdk_theory.fitting.cold_head import count_of
from rdk_theory.fitting.cold_head_low_rank import LowRankHead
from rdk_theory.fitting.prior import check_fit

BATCH = 256
"""Contexts of a step."""

RATE = 0.02
"""First rate of the steps, where every direction of the states has second moment 1."""


def refine_head(
    head: LowRankHead,
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C K"],
    hidden: Real[Array, "C d"],
    kept_logits: Real[Array, "C K"],
    rng: np.random.Generator,
    *,
    epochs: int = 10,
) -> LowRankHead:
    r"""Steps on :math:`U`, :math:`V` and :math:`\bar w` that raise the mean acceptance of the head's own proposal.

    Parameters
    ----------
    head
        Where to begin: that of `LowRankHead.from_head`, for instance.
    targets, drafts
        :math:`p` and the restricted :math:`q'`, one row a context, floats.
    hidden, kept_logits
        What the head reads in these contexts.
    rng
        Of the order of contexts.
    epochs
        Passes over the contexts.

    Returns
    -------
    LowRankHead
        Of the same rank and cost, numpy's. Its logits are no longer the nearest to the full head's. In other contexts,
        and with few contexts, it can be worse: compare on documents held out.

    Raises
    ------
    ValueError
        If rows are no distributions or rationals, shapes differ, or `epochs` is no positive integer.

    Notes
    -----
    With :math:`s_t = 1` where :math:`\tilde p_t < p_t` and 0 elsewhere, the slope of acceptance along the logit of cold
    token `t` is :math:`\tilde p_t (s_t - \sum_u \tilde p_u s_u)`. Steps are taken in float32.
    """
    check_fit(targets, drafts, head.vocab)
    if is_exact(targets):
        raise ValueError("targets must be floats, not rationals: a softmax is not rational")
    contexts = int(targets.shape[0])
    validation.finite("hidden", hidden)
    validation.same_shape("hidden", hidden, (contexts, head.width))
    validation.logits("kept_logits", kept_logits)
    validation.same_shape("kept_logits", kept_logits, (contexts, head.vocab.kept_size))
    count_of("epochs", epochs, 1, 1 << 20)
    steps = _Steps(head, to_numpy(targets), to_numpy(drafts), to_numpy(double(hidden)), to_numpy(double(kept_logits)))
    ascent = Ascent(steps.parameters, RATE, epochs * number_of_batches(contexts, BATCH))
    for members in batches(contexts, BATCH, epochs, rng):
        ascent.step(steps.gradient(members))
    return steps.result()


class _Steps:
    """The parameters in scaled states, and the gradient of the mean acceptance of some contexts."""

    def __init__(self, head: LowRankHead, p: np.ndarray, q: np.ndarray, h: np.ndarray, z: np.ndarray) -> None:
        self._vocab, self._p, self._q = head.vocab, p, q
        scale = np.sqrt((h * h).mean(axis=0))
        self._scale = np.where(scale > 0, scale, 1.0)
        self._states = (h / self._scale).astype(np.float32)
        top = z.max(axis=-1)
        self._masses = (top + np.log(np.exp(z - top[:, None]).sum(axis=-1))).astype(np.float32)
        left, right = to_numpy(double(head.left)), to_numpy(double(head.right)) * self._scale[:, None]
        # Factors of one size, so that one rate suits both.
        size = np.sqrt((right * right).sum(axis=0))
        size = np.where(size > 0, size, 1.0)
        mean = to_numpy(double(head.mean)) * self._scale
        self.parameters = tuple(x.astype(np.float32) for x in (left * size, right / size, mean))

    def gradient(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of all three."""
        left, right, mean = self.parameters
        h, p, q = self._states[members], self._p[members], self._q[members]
        folded = h @ right
        scores = np.empty((members.size, left.shape[0] + 1), dtype=np.float32)
        scores[:, 0] = self._masses[members]
        np.matmul(folded, left.T, out=scores[:, 1:])
        scores[:, 1:] += (h @ mean)[:, None]
        scores -= scores.max(axis=1, keepdims=True)
        law = np.exp(scores, out=scores)
        law /= law.sum(axis=1, keepdims=True)
        stays, cold = law[:, :1], law[:, 1:]
        slopes = cold * (cold < p[:, self._vocab.cold])
        gain = slopes.sum(axis=1) + (stays * q * (stays * q < p[:, self._vocab.kept])).sum(axis=1)
        slopes -= cold * gain[:, None]
        slopes /= members.size
        return slopes.T @ folded, h.T @ (slopes @ left), h.T @ slopes.sum(axis=1)

    def result(self) -> LowRankHead:
        """The head, for states as they came."""
        left, right, mean = (x.astype(np.float64) for x in self.parameters)
        return LowRankHead(self._vocab, left, right / self._scale[:, None], mean / self._scale)
