"""Which tokens to keep for the sake of acceptance after redistribution: exchanges along the certificate's gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, is_exact, to_numpy
from rdk_theory._types import Ids, Real
from rdk_theory.distributions import restrict
from rdk_theory.fitting.certificate import check_contexts
from rdk_theory.fitting.kept_sets import highest
from rdk_theory.fitting.optimal import fit_optimal
from rdk_theory.statistics import _checks
from rdk_theory.vocabulary import Vocabulary

STEPS = 10
"""Of the fit by which a kept set is judged."""

ROUNDS = 8
"""Exchanges that are tried, at most."""

WORK = 4e9
"""Product of contexts, kept tokens and tokens up to which contexts are used; fewer contexts are taken if it is more."""

FEWEST = 64
"""Contexts that are used at least."""

SMOOTHING = 0.25
"""Of the duals: a token's worth falls from 1 to 0 as its proposal rises from 1 − δ to 1 + δ of the target."""

COLUMNS = 512
"""Targets off its own at which a token is thought of: those that lack most."""


@dataclass(frozen=True)
class _Judged:
    """A kept set with its kernel and what that accepts on documents held out."""

    vocab: Vocabulary
    matrix: np.ndarray
    value: float


def highest_acceptance(
    targets: Real[Array, "C N"],
    drafts: Real[Array, "C D"],
    shared: Vocabulary,
    count: int,
    documents: Any,
    orders: Sequence[Any] = (),
    *,
    rounds: int = ROUNDS,
    work: float = WORK,
) -> Ids[np.ndarray, "K"]:
    r"""`count` tokens for which acceptance after redistribution is high, ascending; greedy, not sure to be the best.

    Parameters
    ----------
    targets
        :math:`p`, one row a context.
    drafts
        :math:`q` of the unpruned drafter.
    shared
        The target vocabulary, and the tokens of it that the unpruned drafter can name: the candidates.
    count
        ``K``.
    documents
        Integer ids, shape ``(C,)``: the document of each context. Every third is held out of the fits.
    orders
        Scores, one number for each target token; the tokens highest by each are a set to start from. The overlap
        :math:`\mathrm E \min(p_i, q_i)` is always one.
    rounds
        Exchanges that are tried.
    work
        Product of contexts, `count` and ``N`` up to which contexts are used, but `FEWEST`.

    Returns
    -------
    The best set seen, where a set is worth what a kernel of `STEPS` steps, fitted on the other documents, accepts on
    the documents held out: never less than any set to start from.

    Raises
    ------
    ValueError
        If rows are no distributions, shapes differ, `count` is not in 1..K of `shared`, a score is not finite, or there
        are fewer than two documents.

    Notes
    -----
    Each round exchanges the kept tokens of least value for the others of most. With :math:`r = q'M` and the duals `s`
    of the certificate at `r`, adding a token `i` that is sent to `j` moves the proposal to
    :math:`(1-\varepsilon) r + \varepsilon e_j`, :math:`\varepsilon = q_i/(q(I) + q_i)`: to first order it adds
    :math:`\max_j \mathrm E[\varepsilon\,s_j] - \mathrm E[\varepsilon\,s \cdot r]`; at home
    (:math:`j = i`) what that token really gains,
    :math:`\mathrm E[\min(p_i, (1-\varepsilon) r_i + \varepsilon) - \min(p_i, r_i)]`, takes the place of its part.
    What is lost by dropping a token while the rows of the others stay is computed, in an eighth of the contexts.
    Half as many are exchanged after each round that brought nothing.
    """
    check_contexts(targets, drafts)
    validation.vocabulary_axis("targets", targets, shared.size)
    validation.vocabulary_axis("drafts", drafts, shared.draft_size, "the drafter's vocabulary")
    if is_exact(targets):
        raise ValueError("targets are rationals, on which an iteration has no end; convert them to float64")
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 0:
        raise ValueError(f"rounds must be an integer of at least 0, not {rounds!r}")
    if not work > 0:
        raise ValueError(f"work must be positive, not {work!r}")
    place, sizes = _checks.by_document(documents, targets.shape[0])
    p, full = to_numpy(targets), to_numpy(drafts)
    overlap = np.zeros(shared.size)
    overlap[shared.kept] = np.minimum(p[:, shared.kept], full[:, shared.draft_ids]).mean(axis=0, dtype=np.float64)
    starts = [highest(scores, count, shared.kept) for scores in (*orders, overlap)]
    held = np.arange(sizes.size)[place] % 3 == 1
    most = max(FEWEST, int(work // (count * shared.size)))
    search = _Search(p, full, shared, *(_spread(part, most) for part in (np.flatnonzero(~held), np.flatnonzero(held))))
    best = max((search.judge(kept) for kept in starts), key=lambda judged: judged.value)
    exchanged = max(1, count // 8)
    for _ in range(rounds):
        kept = search.exchange(best, exchanged)
        if kept is not None and (other := search.judge(kept)).value > best.value:
            best = other
        elif exchanged == 1:
            break
        else:
            exchanged //= 2
    return best.vocab.ascending


class _Search:
    """Contexts of the fits and those held out, with what is known of each set."""

    def __init__(self, p: np.ndarray, full: np.ndarray, shared: Vocabulary, fit: np.ndarray, held: np.ndarray) -> None:
        self._shared = shared
        self._fit, self._held = ((p[part], full[part]) for part in (fit, held))

    def judge(self, kept: np.ndarray) -> _Judged:
        """Fit a kernel for these tokens, and see what it accepts on the documents held out."""
        shared = self._shared
        vocab = Vocabulary(shared.size, kept, draft_size=shared.draft_size, draft_ids=shared.target_to_draft[kept])
        (p, full), (p_held, full_held) = self._fit, self._held
        held = p_held, restrict(full_held, vocab)
        kernel = fit_optimal(p, restrict(full, vocab), vocab, steps=STEPS).kernel
        value = np.minimum(held[0], kernel.redistribute(held[1])).sum(dtype=np.float64) / held[0].shape[0]
        return _Judged(vocab, np.asarray(kernel.matrix), float(value))

    def exchange(self, judged: _Judged, most: int) -> np.ndarray | None:
        """The kept set with at most so many tokens exchanged, all to advantage; None if no exchange promises any."""
        vocab = judged.vocab
        out = np.setdiff1d(self._shared.kept, vocab.kept)
        if not out.size:
            return None
        lost, gained = self._values(judged, out)
        least, best = np.argsort(lost, kind="stable")[:most], np.argsort(-gained, kind="stable")[:most]
        count = min(least.size, best.size)
        better = gained[best[:count]] > lost[least[:count]]
        if not better.any():
            return None
        stay = np.setdiff1d(np.arange(vocab.kept_size), least[:count][better])
        return np.sort(np.concatenate([vocab.kept[stay], out[best[:count][better]]]))

    def _values(self, judged: _Judged, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What dropping each kept token loses, and adding each of `out` gains, in the contexts of the fits."""
        (p, full), vocab, matrix = self._fit, judged.vocab, judged.matrix
        q = restrict(full, vocab)
        r = q @ matrix
        with np.errstate(divide="ignore", invalid="ignore"):
            duals = np.where(p > 0, np.clip((1 + SMOOTHING - r / p) / (2 * SMOOTHING), 0, 1), 0).astype(p.dtype)
        worth = (r * duals).sum(axis=1)
        lost = _dropped(p, q, r, matrix)
        mass = full[:, vocab.draft_ids].sum(axis=1, keepdims=True)
        wanting = np.argsort(-np.maximum(p - r, 0).sum(axis=0), kind="stable")[:COLUMNS]
        gained = np.empty(out.size)
        for start in range(0, out.size, COLUMNS):
            some = out[start : start + COLUMNS]
            drafted = full[:, self._shared.target_to_draft[some]]
            share = drafted / np.maximum(mass + drafted, np.finfo(drafted.dtype).tiny)
            own_p, own_r = p[:, some], r[:, some]
            cost = (share * worth[:, None]).mean(axis=0)
            own = np.minimum(own_p, (1 - share) * own_r + share) - np.minimum(own_p, own_r)
            stays = (own + share * own_r * duals[:, some]).mean(axis=0) - cost
            goes = (share.T @ duals[:, wanting]).max(axis=1) / p.shape[0] - cost
            gained[start : start + COLUMNS] = np.maximum(stays, goes)
        return lost, gained


def _dropped(p: np.ndarray, q: np.ndarray, r: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """What acceptance loses, for each kept token, if its row goes and the others share its mass; from some contexts."""
    some = _spread(np.arange(p.shape[0]), max(FEWEST // 4, p.shape[0] // 8))
    p, q, r = p[some], q[some], r[some]
    before = np.minimum(p, r).sum(dtype=np.float64)
    left = np.maximum(1 - q, np.finfo(q.dtype).eps)
    after = (
        np.minimum(p, (r - q[:, i, None] * matrix[i]) / left[:, i, None]).sum(dtype=np.float64)
        for i in range(matrix.shape[0])
    )
    return (before - np.fromiter(after, dtype=np.float64, count=matrix.shape[0])) / p.shape[0]


def _spread(members: np.ndarray, most: int) -> np.ndarray:
    """At most so many of `members`, evenly spread."""
    return members[:: -(-members.size // most)]
