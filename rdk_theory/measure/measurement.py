"""One kept set measured: every sampler fitted on calibration contexts and judged on test contexts, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from rdk_theory.acceptance import union_acceptance
from rdk_theory.captures import CALIBRATION, TEST, Capture
from rdk_theory.fitting.optimal import OptimalFit, fit_optimal
from rdk_theory.measure.recovered import recovered_share
from rdk_theory.measure.samplers import GAP, MENDED, ROUNDING, Contexts, Fitted, Judge, Sampler
from rdk_theory.statistics import bootstrap_means, holdout_bound
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary

OPTIMUM = "context-free-optimum"
"""The row of what no context-free kernel exceeds in the test contexts."""

LEVEL = 0.95
RESAMPLES = 1000
BATCH_ENTRIES = 1 << 22
"""Entries of a batch of test rows: 16 MiB in float32, so that a pass over it stays near the cache."""


class Measurement:
    """A capture with its calibration rows in memory, and its test rows streamed.

    Parameters
    ----------
    capture
        What is measured.
    max_memory
        Bytes that the calibration rows may take. Where they need more, every k-th context is used.
    seed
        Of the bootstrap.
    fit_on
        A capture of the same vocabulary whose calibration contexts are used in place of this one's: another domain.
        What reads a drafter's head then applies only if both captures hold the same head.

    Raises
    ------
    ValueError
        For fewer than two documents on either side, or captures of different vocabularies.
    """

    def __init__(self, capture: Capture, max_memory: float, seed: int = 0, fit_on: Capture | None = None) -> None:
        self.capture = capture
        self.fit_on = capture if fit_on is None else fit_on
        self.seed = seed
        self._max_memory = max_memory
        _check_same_vocabulary(capture, self.fit_on)
        self.test = np.flatnonzero(capture.split == TEST)
        self._calibration = _thinned(
            np.flatnonzero(self.fit_on.split == CALIBRATION), self.fit_on.vocab_sizes, max_memory
        )
        for name, of, members in (("calibration", self.fit_on, self._calibration), ("test", capture, self.test)):
            if np.unique(of.documents[members]).size < 2:
                raise ValueError(f"{of.path} has fewer than two {name} documents: nothing can be said of others")

    @cached_property
    def calibration(self) -> tuple[np.ndarray, np.ndarray]:
        """Target and full draft rows of the calibration contexts."""
        return self.fit_on.rows(self._calibration)

    def calibration_contexts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows of `calibration`, and the document of each."""
        return *self.calibration, self.fit_on.documents[self._calibration]

    @cached_property
    def _head(self) -> np.ndarray | None:
        """The head of the drafter, with its bias as one more column, if it is known and one."""
        head = _head_of(self.capture)
        if self.fit_on is not self.capture and head is not None:
            other = _head_of(self.fit_on)
            return head if other is not None and np.array_equal(head, other) else None
        return head

    def _contexts(
        self, vocab: Vocabulary, numbers: np.ndarray, target: np.ndarray, draft: np.ndarray, of: Capture | None = None
    ) -> Contexts:
        """The contexts of these numbers, whose rows are `target` and `draft`."""
        capture = self.capture if of is None else of
        states = None if self._head is None else capture.hidden
        if states is not None:
            states = states[numbers]
            if capture.draft_bias is not None:
                states = np.column_stack([states, np.ones(len(states), states.dtype)])
        head = None if states is None else self._head
        return Contexts.of(vocab, capture.vocabulary, target, draft, capture.documents[numbers], states, head)

    def targets(self) -> np.ndarray:
        """Target rows of the calibration contexts."""
        return self.calibration[0]

    def measure(
        self, selection: str, vocab: Vocabulary, samplers: Sequence[Sampler], optimum: float = 0.0
    ) -> list[Row]:
        """Acceptance of each sampler that applies, with document-bootstrap intervals and gains over TLI: a row each.

        Parameters
        ----------
        selection
            How the kept tokens were chosen, for the rows.
        vocab
            The target vocabulary and its kept tokens.
        samplers
            What is compared; TLI is one of them.
        optimum
            Product of test contexts, kept tokens and tokens up to which a last row says what no context-free kernel
            exceeds in these very test contexts.
        """
        fitting = self._contexts(vocab, self._calibration, *self.calibration, of=self.fit_on)
        fitted = {sampler.name: sampler.fit(fitting) for sampler in samplers if sampler.applies(fitting)}
        judges = [each.judge for each in fitted.values()]
        shared = self.capture.vocabulary
        judges.append(lambda contexts: union_acceptance(contexts.targets, contexts.full_drafts, shared))
        rates, ceiling = self._judge(vocab, judges)
        names = [str(self.capture.header.get(side, side)) for side in ("target", "drafter")]
        common: Row = {"pair": " / ".join(names), "selection": selection, "kept": vocab.kept_size}
        rows = self._rows(common, fitted, rates, ceiling)
        best = self.optimum(vocab, optimum)
        return rows if best is None else [*rows, _bound_row(rows, best, float(rates[:, -1].mean()))]

    def optimum(self, vocab: Vocabulary, work: float) -> OptimalFit | None:
        """The best context-free kernel in the **test** contexts, with the bound that none exceeds there.

        An oracle: it saw the contexts in which it is judged. None where the product of test contexts, kept tokens and
        tokens is above `work`, or their rows need more than the memory that calibration rows may take.
        """
        size, draft_size = self.capture.vocab_sizes
        if self.test.size * vocab.kept_size * size > work:
            return None
        if 4 * self.test.size * (size + draft_size) > self._max_memory:
            return None
        contexts = self._contexts(vocab, self.test, *self.capture.rows(self.test))
        return fit_optimal(contexts.targets, contexts.drafts, vocab, tolerance=GAP)

    def _judge(self, vocab: Vocabulary, judges: Sequence[Judge]) -> tuple[np.ndarray, np.ndarray]:
        """Acceptance of every judge in every test context, and ``p(I)``."""
        rates, ceiling = np.empty((self.test.size, len(judges))), np.empty(self.test.size)
        at, step = 0, max(1, BATCH_ENTRIES // max(self.capture.vocab_sizes))
        for numbers, target, draft in self.capture.batches(self.test, step):
            batch = self._contexts(vocab, numbers, target, draft)
            here = slice(at, at + numbers.size)
            for column, judge in enumerate(judges):
                rates[here, column] = judge(batch)
            ceiling[here] = target[:, vocab.ascending].sum(axis=1, dtype=np.float64)
            at += numbers.size
        return rates, ceiling

    def _rows(self, common: Row, fitted: Mapping[str, Fitted], rates: np.ndarray, ceiling: np.ndarray) -> list[Row]:
        """A row for each sampler; the last column of `rates` is the unpruned drafter."""
        documents = self.capture.documents[self.test]
        tli = list(fitted).index("tli")
        # One bootstrap for all columns: a gain's interval is that of a paired difference, a share's of a paired ratio.
        means = bootstrap_means(rates, documents, RESAMPLES, np.random.default_rng(self.seed))
        gains, gain_means = rates - rates[:, [tli]], means - means[:, [tli]]
        tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
        ends = {"rate": np.quantile(means, tails, axis=0), "gain": np.quantile(gain_means, tails, axis=0)}
        mean_gains = gains.mean(axis=0)
        share = recovered_share(mean_gains, float(mean_gains[-1]), gain_means, gain_means[:, -1], LEVEL)
        repair = _repair(fitted, rates, means)
        rows: list[Row] = []
        for k, (name, each) in enumerate(fitted.items()):
            bound = holdout_bound(gains[:, k], documents, 1 - LEVEL, each.largest)
            restored = None if repair is None or name != "optimal" else gain_means[:, k] - repair[1]
            rows.append(
                {
                    **common,
                    "sampler": name,
                    "acceptance": float(rates[:, k].mean()),
                    "low": float(ends["rate"][0, k]),
                    "high": float(ends["rate"][1, k]),
                    "gain": float(mean_gains[k]),
                    "gain_low": float(ends["gain"][0, k]),
                    "gain_high": float(ends["gain"][1, k]),
                    "recovered": None if share is None else float(share.estimate[k]),
                    "recovered_low": None if share is None else float(share.low[k]),
                    "recovered_high": None if share is None else float(share.high[k]),
                    "repair": None if repair is None or restored is None else repair[0],
                    "restoration": None if repair is None or restored is None else float(mean_gains[k] - repair[0]),
                    "restoration_low": None if restored is None else float(np.quantile(restored, tails[0])),
                    "restoration_high": None if restored is None else float(np.quantile(restored, tails[1])),
                    "dominance_bound": bound.lower,
                    "certified": bool(bound.lower > 0),
                    "worse": float((gains[:, k] < -ROUNDING).mean()),
                    "weight": each.weight,
                    "fitted": each.fitted,
                    "upper_bound": each.upper_bound,
                    "ceiling": float(ceiling.mean()),
                    "contexts": int(self.test.size),
                    "documents": bound.documents,
                    "calibration_contexts": int(self._calibration.size),
                }
            )
        return rows


def _repair(fitted: Mapping[str, Fitted], rates: np.ndarray, means: np.ndarray) -> tuple[float, np.ndarray] | None:
    """What the fit gains where nothing was pruned, over the unpruned drafter; also in each resample of documents."""
    if MENDED not in fitted:
        return None
    k = list(fitted).index(MENDED)
    return float(rates[:, k].mean() - rates[:, -1].mean()), means[:, k] - means[:, -1]


def _bound_row(rows: Sequence[Row], best: OptimalFit, unpruned: float) -> Row:
    """What no context-free kernel exceeds in these contexts; it says nothing of others, and has no interval."""
    tli = next(row for row in rows if row["sampler"] == "tli")
    base = float(str(tli["acceptance"]))
    same = ("pair", "selection", "kept", "ceiling", "contexts", "documents", "calibration_contexts")
    known: Row = {
        "sampler": OPTIMUM,
        "acceptance": best.upper_bound,
        "gain": best.upper_bound - base,
        "recovered": None if tli["recovered"] is None else (best.upper_bound - base) / (unpruned - base),
        "certified": False,
        "fitted": best.acceptance,
        "upper_bound": best.upper_bound,
    }
    return {column: known.get(column, tli[column] if column in same else None) for column in tli}


def _head_of(capture: Capture) -> np.ndarray | None:
    """The head that reads the drafter's states, its bias as the last column; None if either is unknown."""
    head, bias = capture.draft_head, capture.draft_bias
    if capture.hidden is None or head is None:
        return None
    return head if bias is None else np.column_stack([head, bias])


def _check_same_vocabulary(capture: Capture, other: Capture) -> None:
    """Raise unless a kernel of `other` is one of `capture`: the same tokens by number, shared in the same way."""
    if other.vocab_sizes != capture.vocab_sizes:
        raise ValueError(
            f"{other.path} has vocabularies of {other.vocab_sizes[0]} and {other.vocab_sizes[1]} tokens, "
            f"{capture.path} of {capture.vocab_sizes[0]} and {capture.vocab_sizes[1]}: no kernel fits both"
        )
    one, two = capture.vocabulary, other.vocabulary
    if not (np.array_equal(one.kept, two.kept) and np.array_equal(one.draft_ids, two.draft_ids)):
        raise ValueError(f"{other.path} and {capture.path} share other tokens with their drafters: no kernel fits both")


def _thinned(members: np.ndarray, sizes: tuple[int, int], max_memory: float) -> np.ndarray:
    """Every k-th of `members`, with the smallest k for which their float32 rows fit."""
    most = int(max_memory // (4 * sum(sizes)))
    if most < 1:
        raise ValueError(f"max_memory of {max_memory:g} bytes does not hold one row of {sum(sizes)} numbers")
    return members[:: -(-members.size // most)] if members.size else members
