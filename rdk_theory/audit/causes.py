"""The likely cause of a departure: which mutants of the zoo give the same samples."""

from __future__ import annotations

import math

import numpy as np

from rdk_theory.audit.adapters import Adapter
from rdk_theory.audit.experiments import BrokenContract, Experiment, guarded
from rdk_theory.audit.verdict import experiments_of
from rdk_theory.audit.zoo import MUTANTS
from rdk_theory.audit.zoo.entries import Entry

MOST = 3
"""Experiments compared at most."""

SAMPLES = 4096
"""Of each implementation and experiment."""

LEVEL = 1e-3
"""Probability, for each law compared, that two samplers of one law are told apart."""


def likely_causes(adapter: Adapter, failed: set[str], seed: int) -> list[Entry]:
    r"""Mutants of the same kind that cannot be told from this implementation where it fails.

    Parameters
    ----------
    adapter
        A lossy implementation.
    failed
        Names of the experiments that it failed.
    seed
        Of the samples compared.

    Notes
    -----
    For every deciding law of these experiments the two empirical laws, of `n` samples each on `m` cells, must be
    within :math:`\sqrt{m/2n} + \sqrt{\ln(1/\text{LEVEL})/n}` in total variation: the distance of two samples of one
    law has a mean below the first term, by Jensen's inequality, and exceeds it by the second with probability at most
    `LEVEL`, by McDiarmid's.
    """
    theirs = _laws(adapter, failed, seed)
    if not theirs:
        return []
    failed = {name for name, _ in theirs}
    return [
        mutant
        for mutant in MUTANTS
        if mutant.adapter.kind == adapter.kind and _alike(theirs, _laws(mutant.adapter, failed, seed + 1))
    ]


def _laws(adapter: Adapter, names: set[str], seed: int) -> dict[tuple[str, str], np.ndarray]:
    """Counts of each deciding law of each experiment, from about `SAMPLES` rows."""
    rng = np.random.default_rng(seed)
    out: dict[tuple[str, str], np.ndarray] = {}
    for experiment in experiments_of(adapter):
        # Wide rows take long, and tell no more.
        if len({name for name, _ in out}) == MOST:
            break
        if experiment.name in names and experiment.smallest is None:
            try:
                counted = guarded(lambda experiment=experiment: _count(experiment, rng))  # type: ignore[misc]
            except BrokenContract:
                continue  # it was judged before; here it is only not compared
            out.update({(experiment.name, name): total for name, total in counted.items()})
    return out


def _count(experiment: Experiment, rng: np.random.Generator) -> dict[str, np.ndarray]:
    totals = {law.name: np.zeros(law.law.size, dtype=np.int64) for law in experiment.laws if law.decides}
    drawn = 0
    while drawn < SAMPLES:
        cells = experiment.draw(SAMPLES - drawn, rng.spawn(1)[0])
        drawn += max(len(each) for each in cells.values())
        for name, total in totals.items():
            total += np.bincount(cells[name][cells[name] >= 0], minlength=total.size)
    return totals


def _alike(mine: dict[tuple[str, str], np.ndarray], other: dict[tuple[str, str], np.ndarray]) -> bool:
    for key, counts in mine.items():
        if key not in other or not other[key].sum() or not counts.sum():
            return False
        n = min(int(counts.sum()), int(other[key].sum()))
        distance = float(np.abs(counts / counts.sum() - other[key] / other[key].sum()).sum()) / 2
        cells = int(((counts + other[key]) > 0).sum())
        if distance > math.sqrt(cells / (2 * n)) + math.sqrt(-math.log(LEVEL) / n):
            return False
    return True
