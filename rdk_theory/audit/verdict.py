"""The audit of one implementation, and its verdict."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rdk_theory.audit.adapters import Adapter
from rdk_theory.audit.chains import chain_experiments
from rdk_theory.audit.engine import Check, run
from rdk_theory.audit.experiments import Experiment
from rdk_theory.audit.facts import facts
from rdk_theory.audit.generation import generation_experiments
from rdk_theory.audit.single import sampler_experiments

Verdict = Literal["lossless", "lossy", "inconclusive"]

SMALLEST, QUICK_SMALLEST = 0.02, 0.05
"""Least total variation that an audit looks for."""


@dataclass(frozen=True)
class Audit:
    """What an audit found."""

    target: str
    kind: str
    seed: int
    verdict: Verdict
    checks: tuple[Check, ...]
    seconds: float

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that say lossy."""
        return tuple(check for check in self.checks if check.status == "failed")

    @property
    def notes(self) -> tuple[Check, ...]:
        """What is unusual, and yet no fault."""
        return tuple(check for check in self.checks if check.status == "noted")


def audit(
    adapter: Adapter, *, seed: int = 0, smallest: float | None = None, quick: bool = False, seconds: float | None = None
) -> Audit:
    """Judge whether an implementation emits the target's law.

    Parameters
    ----------
    adapter
        The implementation; `rdk_theory.audit.adapters.resolve` makes one of a name.
    seed
        Of all randomness: the audit's, and the generators that the implementation is handed.
    smallest
        Least total variation looked for; default `SMALLEST`, or `QUICK_SMALLEST`, or the adapter's own if larger.
    quick
        Whether a first answer is enough.
    seconds
        Time after which what is not judged is left unfinished; default none.

    Returns
    -------
    Audit
        ``"lossy"`` if a law of emitted tokens was refuted, each at a false-fail rate of `engine.FALSE_FAIL`;
        ``"inconclusive"`` if none was, but one is unfinished or the implementation broke its contract; else
        ``"lossless"``: whatever differs by less than `smallest` in these cases is not seen.
    """
    began = time.monotonic()
    least = max(smallest or (QUICK_SMALLEST if quick else SMALLEST), adapter.smallest or 0.0)
    checks = [*facts(adapter, seed)]
    if not any(check.status == "broken" for check in checks):
        deadline = None if seconds is None else began + seconds
        checks += run(experiments_of(adapter), least, np.random.default_rng(seed), deadline=deadline)
    return Audit(adapter.name, adapter.kind, seed, judge(checks), tuple(checks), time.monotonic() - began)


def judge(checks: list[Check]) -> Verdict:
    """The verdict that checks amount to."""
    if any(check.status == "failed" for check in checks):
        return "lossy"
    if any(check.status in ("broken", "unfinished") and check.decides for check in checks):
        return "inconclusive"
    return "lossless"


def experiments_of(adapter: Adapter) -> Iterator[Experiment]:
    """What an implementation of its kind is put through."""
    if adapter.kind == "experiments":
        return iter(adapter.function())
    if adapter.kind == "generate":
        return generation_experiments(adapter)
    if adapter.kind == "sampler":
        return sampler_experiments(adapter)
    return chain_experiments(adapter)
