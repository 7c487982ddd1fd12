"""What a capture says of each kernel: acceptance in every test context, and the ratio at one token there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from rdk_theory import _tensors
from rdk_theory.captures import Capture
from rdk_theory.measure.measurement import BATCH_ENTRIES, Measurement
from rdk_theory.measure.samplers import Contexts, Fitted, Judge, Sampler, samplers
from rdk_theory.plan.chains import consecutive
from rdk_theory.sampling import inverse_cdf
from rdk_theory.vocabulary import Vocabulary

KERNELS = ("tli", "rank-one", "rank-one-cumulant", "cooccurrence", "optimal", "unpruned")
"""Samplers of `rdk measure` that a decoder can run with a pruned head, and the unpruned drafter."""

ENOUGH = 0.25
"""Share of the test contexts that must lie inside long runs of consecutive ones for those to be followed."""
DOCUMENTS = 20
"""Test documents in which they must lie."""


@dataclass(frozen=True)
class Observations:
    """One kept set: for every test context (rows) and kernel (columns) what a prediction needs."""

    kernels: tuple[str, ...]
    kept: int
    rates: np.ndarray
    """Acceptance rates, ``(C, kernels)``."""
    logs: np.ndarray
    """Logarithm of the proposal over the target at the token of each context, ``(C, kernels)``."""

    def write(self, path: Path) -> None:
        """Keep them in a file."""
        names = {"kernels": ",".join(self.kernels), "kept": str(self.kept)}
        _tensors.write(path, {"rates": self.rates, "logs": self.logs}, metadata=names)

    @classmethod
    def read(cls, path: Path) -> Observations:
        """From the file that `write` wrote."""
        file = _tensors.TensorFile(path)
        names = tuple(file.metadata["kernels"].split(","))
        arrays = (np.array(file.array(name, (None, len(names)))) for name in ("rates", "logs"))
        return cls(names, int(file.metadata["kept"]), *arrays)


class Observer:
    """Observes kernels on the test contexts of one capture, at one token of each.

    Parameters
    ----------
    measurement
        The capture, with its calibration contexts.
    longest
        The longest draft that will be asked about.

    Attributes
    ----------
    runs
        Runs of consecutive test contexts, empty unless enough of them are long enough; then the token of a context is
        the one that followed it in the text, and else it is drawn from the target's law.
    """

    def __init__(self, measurement: Measurement, longest: int) -> None:
        self.measurement = measurement
        capture, test = measurement.capture, measurement.test
        self.documents = capture.documents[test]
        runs = consecutive(self.documents, capture.positions[test], 2 * longest)
        counted = sum(run.size - 2 * longest + 1 for run in runs)
        inside = np.unique(self.documents[[run[0] for run in runs]]).size
        self.runs = runs if counted >= ENOUGH * test.size and inside >= DOCUMENTS else []

    @cached_property
    def tokens(self) -> np.ndarray:
        """The token of each test context."""
        measurement = self.measurement
        if self.runs:
            return np.asarray(measurement.capture.token_ids[measurement.test])
        return drawn_tokens(measurement.capture, measurement.test, np.random.default_rng([measurement.seed, 1]))

    def observe(self, selection: str, vocab: Vocabulary, compared: Sequence[Sampler]) -> Observations:
        """Fit each kernel that applies on calibration contexts, and observe it on test contexts."""
        recorded: dict[str, _Recorder] = {}

        def recording(sampler: Sampler) -> Sampler:
            def fit(contexts: Contexts) -> Fitted:
                fitted = sampler.fit(contexts)
                recorded[sampler.name] = _Recorder(fitted.judge, self.tokens)
                return replace(fitted, judge=recorded[sampler.name])

            return replace(sampler, fit=fit)

        self.measurement.measure(selection, vocab, [recording(sampler) for sampler in compared])
        rates, logs = (
            np.column_stack([np.concatenate(parts) for parts in columns]).astype(np.float64)
            for columns in ([r.rates for r in recorded.values()], [r.logs for r in recorded.values()])
        )
        return Observations(tuple(recorded), vocab.kept_size, rates, logs)


def planned(names: Sequence[str], work: float, seed: int, rank: int) -> tuple[Sampler, ...]:
    """The samplers of these names, some of `KERNELS`, and TLI."""
    for name in names:
        if name not in KERNELS:
            raise ValueError(f"no kernel {name!r}; there are {', '.join(KERNELS)}")
    return samplers(work, names, seed, rank)


def drawn_tokens(capture: Capture, contexts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A token from the target's law in each context."""
    uniforms = rng.random(contexts.size)
    parts, at = [], 0
    for numbers, target, _ in capture.batches(contexts, max(1, BATCH_ENTRIES // max(capture.vocab_sizes))):
        parts.append(inverse_cdf(target, uniforms[at : at + numbers.size]))
        at += numbers.size
    return np.concatenate(parts)


@dataclass
class _Recorder:
    """A judge that also notes what it was asked, and the ratio at one token a context, batch after batch."""

    judge: Judge
    tokens: np.ndarray
    rates: list[np.ndarray] = field(default_factory=list)
    logs: list[np.ndarray] = field(default_factory=list)

    def __call__(self, contexts: Contexts) -> np.ndarray:
        self.rates.append(np.asarray(self.judge(contexts)))
        at = sum(map(len, self.logs))
        token, each = self.tokens[at : at + len(contexts.targets)], np.arange(len(contexts.targets))
        # Σ min(p, r) is r at the token where p is 1 there: so any sampler tells its proposal without having one.
        certain = np.zeros_like(contexts.targets)
        certain[each, token] = 1
        proposed = np.asarray(self.judge(replace(contexts, targets=certain)), dtype=np.float64)
        law = np.maximum(contexts.targets[each, token].astype(np.float64), np.finfo(np.float32).tiny)
        with np.errstate(divide="ignore"):
            self.logs.append(np.log(proposed) - np.log(law))
        return self.rates[-1]
