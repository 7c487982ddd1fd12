"""One kept set measured: every sampler fitted on calibration contexts and judged on test contexts, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from rdk_theory.captures import CALIBRATION, TEST, Capture
from rdk_theory.measure.samplers import ROUNDING, Contexts, Fitted, Judge, Sampler
from rdk_theory.statistics import bootstrap_interval, holdout_bound
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary

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
    """

    def __init__(self, capture: Capture, max_memory: float, seed: int = 0) -> None:
        self.capture = capture
        self.seed = seed
        self.test = np.flatnonzero(capture.split == TEST)
        self._calibration = _thinned(np.flatnonzero(capture.split == CALIBRATION), capture.vocab_sizes, max_memory)
        for name, members in (("calibration", self._calibration), ("test", self.test)):
            if np.unique(capture.documents[members]).size < 2:
                raise ValueError(f"{capture.path} has fewer than two {name} documents: nothing can be said of others")

    @cached_property
    def calibration(self) -> tuple[np.ndarray, np.ndarray]:
        """Target and full draft rows of the calibration contexts."""
        return self.capture.rows(self._calibration)

    @cached_property
    def _head(self) -> tuple[np.ndarray, np.ndarray] | None:
        """States of all contexts and the head that reads them, with its bias as one more column; if there is a head."""
        states, head, bias = self.capture.hidden, self.capture.draft_head, self.capture.draft_bias
        if states is None or head is None:
            return None
        if bias is None:
            return states, head
        return np.column_stack([states, np.ones(len(states), states.dtype)]), np.column_stack([head, bias])

    def _contexts(self, vocab: Vocabulary, numbers: np.ndarray, target: np.ndarray, draft: np.ndarray) -> Contexts:
        """The contexts of these numbers, whose rows are `target` and `draft`."""
        states, head = self._head or (None, None)
        return Contexts.of(
            vocab,
            self.capture.vocabulary,
            target,
            draft,
            self.capture.documents[numbers],
            None if states is None else states[numbers],
            head,
        )

    def targets(self) -> np.ndarray:
        """Target rows of the calibration contexts."""
        return self.calibration[0]

    def measure(self, selection: str, vocab: Vocabulary, samplers: Sequence[Sampler]) -> list[Row]:
        """Acceptance of each sampler that applies, with document-bootstrap intervals and gains over TLI: a row each."""
        fitting = self._contexts(vocab, self._calibration, *self.calibration)
        fitted = {sampler.name: sampler.fit(fitting) for sampler in samplers if sampler.applies(fitting)}
        rates, ceiling = self._judge(vocab, [each.judge for each in fitted.values()])
        names = [str(self.capture.header.get(side, side)) for side in ("target", "drafter")]
        common: Row = {"pair": " / ".join(names), "selection": selection, "kept": vocab.kept_size}
        return self._rows(common, fitted, rates, ceiling)

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
        documents = self.capture.documents[self.test]
        gains = rates - rates[:, [list(fitted).index("tli")]]
        # One bootstrap for all columns: a gain's interval is that of a paired difference.
        columns = np.concatenate([rates, gains], axis=1)
        interval = bootstrap_interval(columns, documents, LEVEL, RESAMPLES, np.random.default_rng(self.seed))
        rows: list[Row] = []
        for k, (name, each) in enumerate(fitted.items()):
            g = len(fitted) + k
            bound = holdout_bound(gains[:, k], documents, 1 - LEVEL, each.largest)
            rows.append(
                {
                    **common,
                    "sampler": name,
                    "acceptance": float(interval.estimate[k]),
                    "low": float(interval.low[k]),
                    "high": float(interval.high[k]),
                    "gain": float(interval.estimate[g]),
                    "gain_low": float(interval.low[g]),
                    "gain_high": float(interval.high[g]),
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


def _thinned(members: np.ndarray, sizes: tuple[int, int], max_memory: float) -> np.ndarray:
    """Every k-th of `members`, with the smallest k for which their float32 rows fit."""
    most = int(max_memory // (4 * sum(sizes)))
    if most < 1:
        raise ValueError(f"max_memory of {max_memory:g} bytes does not hold one row of {sum(sizes)} numbers")
    return members[:: -(-members.size // most)] if members.size else members
