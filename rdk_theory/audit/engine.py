"""Run experiments until every law is judged, or has been refuted, or the time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rdk_theory.audit.experiments import BrokenContract, Experiment, Law, guarded
from rdk_theory.statistics.sequential import SequentialLawTest

Status = Literal["passed", "failed", "unfinished", "broken", "noted"]

FALSE_FAIL = 1e-9
"""Of one law test of an audit: with a thousand of them a right sampler is flagged once in a million audits."""

FALSE_PASS = 1e-3
"""Of one law test, for a law that departs by the least total variation looked for."""

FIRST = 256
"""Rows of the first call; each further one has twice as many, so that what is plainly wrong is cheap to find."""

BARREN = 64
"""Calls in a row that bring a test no sample, after which it is given up."""


@dataclass(frozen=True)
class Check:
    """What came of one law test, or of one look at facts."""

    experiment: str
    name: str
    status: Status
    """``noted``: a law departs that tells how a sampler works, but not that its output is wrong."""
    decides: bool
    samples: int
    wanted: int
    distance: float | None
    """Empirical total variation."""
    smallest: float | None
    """Least total variation that would have been found out, but for `false_pass`."""
    false_fail: float | None
    false_pass: float | None
    detail: str


def run(
    experiments: Iterable[Experiment], smallest: float, rng: np.random.Generator, *, deadline: float | None = None
) -> list[Check]:
    """The checks of these experiments, in order.

    Parameters
    ----------
    experiments
        What is drawn.
    smallest
        Least total variation looked for.
    rng
        One stream is spawned for each call.
    deadline
        Of `time.monotonic`; tests that are not done by then are unfinished.
    """
    checks: list[Check] = []
    remaining = iter(experiments)
    while True:
        try:
            # To make an experiment, too, may call the implementation.
            experiment = guarded(lambda: next(remaining, None))
        except BrokenContract as error:
            return [*checks, broken_contract("experiments", str(error))]
        if experiment is None:
            return checks
        checks += _one(experiment, smallest, rng, deadline)


def broken_contract(experiment: str, detail: str) -> Check:
    """The check of an implementation that does not do what its kind says."""
    return Check(experiment, "contract", "broken", True, 0, 0, None, None, None, None, detail)


def _one(experiment: Experiment, smallest: float, rng: np.random.Generator, deadline: float | None) -> list[Check]:
    least = max(smallest, experiment.smallest or 0.0)
    tests = {law.name: SequentialLawTest(law.law, least, FALSE_FAIL, FALSE_PASS) for law in experiment.laws}
    barren = dict.fromkeys(tests, 0)
    rows, broken = FIRST, ""
    while not broken:
        going = [name for name, test in tests.items() if test.wanted and barren[name] < BARREN]
        # Once the emitted law is refuted, how the sampler works is not looked at any longer.
        if not going or any(law.decides and tests[law.name].failed for law in experiment.laws):
            break
        if deadline is not None and time.monotonic() > deadline:
            break
        try:
            stream = rng.spawn(1)[0]
            cells = guarded(lambda rows=rows, stream=stream: experiment.draw(rows, stream))  # type: ignore[misc]
        except BrokenContract as error:
            broken = str(error)
            break
        for name in going:
            seen = cells[name][cells[name] >= 0][: tests[name].wanted]
            barren[name] = 0 if seen.size else barren[name] + 1
            tests[name].update(np.bincount(seen, minlength=tests[name].counts.size))
        rows *= 2
    return [_check(experiment, law, tests[law.name], broken) for law in experiment.laws]


def _check(experiment: Experiment, law: Law, test: SequentialLawTest, broken: str) -> Check:
    status: Status
    if broken:
        status, detail = "broken", broken
    elif test.failed:
        status, detail = ("failed" if law.decides else "noted"), _worst(law, test)
    elif test.passed:
        status, detail = "passed", ""
    else:
        status, detail = "unfinished", f"{test.seen} of {test.plan.samples} samples"
    return Check(
        experiment.name,
        law.name,
        status,
        law.decides,
        test.seen,
        test.plan.samples,
        test.distance if test.seen else None,
        test.plan.smallest,
        test.false_fail,
        test.plan.false_pass,
        detail,
    )


def _worst(law: Law, test: SequentialLawTest) -> str:
    """Where the samples differ most from the law."""
    share = test.counts / test.seen
    apart = share - test.plan.law
    impossible = np.flatnonzero((test.plan.law == 0) & (test.counts > 0))
    at = int(impossible[0]) if impossible.size else int(np.argmax(np.abs(apart)))
    words = f"{law.cells(at)}: {share[at]:.4g} of {test.seen} samples, {test.plan.law[at]:.4g} expected"
    fitting = [suspect.about for suspect in law.suspects if _fits(test.counts, suspect.law)]
    return f"{words}; the samples are those of a known mistake: {' or '.join(fitting)}" if fitting else words


def _fits(counts: np.ndarray, law: np.ndarray) -> bool:
    """Whether samples of `law` would be so far from it more than once in a thousand times, as in `law_test_plan`."""
    seen = counts.sum()
    distance = float(np.abs(counts / seen - law).sum()) / 2
    spread = float(np.sqrt(law * np.maximum(1 - law, 0)).sum()) / 2 + math.sqrt(-math.log(FALSE_PASS) / 2)
    return distance <= spread / math.sqrt(seen)
