"""What an experiment is, and the only list of experiments: what the modules of this folder define as `EXPERIMENTS`.

A module of one experiment defines `EXPERIMENT` and has its name.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

import simulations as _package
from rdk_theory.tables import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Setting: TypeAlias = dict[str, Any]
"""What one part of an experiment depends on besides the seed; JSON values only."""


@dataclass(frozen=True)
class Options:
    """What a user may choose about the settings of an experiment."""

    quick: bool = False
    statistics: Path | None = None
    """A file with `mean` and `variance` over contexts of a real target's next-token law, one entry a token."""


@dataclass(frozen=True)
class Experiment:
    """Parameters to tidy table to figure."""

    id: str
    title: str
    claims: tuple[str, ...]
    """Ids of the claims that it illustrates."""
    shows: str
    """What the figure shows, in one line, without numbers: `caption` tells those."""
    parameters: Callable[[Options], list[Setting]]
    """The settings, in the order of the table."""
    run: Callable[[Setting, np.random.Generator], list[Row]]
    """The rows of one setting; all randomness comes from the generator."""
    check: Callable[[Sequence[Row]], list[str]]
    """What of the theory the table contradicts, one line each; nothing if all holds."""
    draw: Callable[[Sequence[Row]], Figure]
    """The figure, from the table alone; from the rows of some settings too, while others still run."""
    caption: Callable[[Sequence[Row]], str]
    """What the figure shows and under which hypotheses, from the table alone."""
    group: str = "experiments"
    """Names that may stand for several: ``experiments``, or ``claims`` for the figure of each claim."""
    timed: bool = False
    """Whether it measures time: it then runs alone, with one thread, and its numbers vary."""


def generator(experiment: Experiment, setting: Setting, seed: int) -> np.random.Generator:
    """The random numbers of one setting: the same whatever else runs, in whichever order and process."""
    name = json.dumps([experiment.id, setting], sort_keys=True).encode()
    words = np.frombuffer(hashlib.sha256(name).digest(), dtype=np.uint32)
    return np.random.default_rng(np.random.SeedSequence([seed, *words.tolist()]))


@cache
def experiments() -> dict[str, Experiment]:
    """Every experiment by id."""
    found = {}
    for module in pkgutil.iter_modules(_package.__path__):
        held = importlib.import_module(f"{_package.__name__}.{module.name}")
        experiment = getattr(held, "EXPERIMENT", None)
        if isinstance(experiment, Experiment):
            if module.name != experiment.id:
                raise RuntimeError(f"experiment {experiment.id} must stand in {experiment.id}.py, not {module.name}.py")
            found[experiment.id] = experiment
        found.update({each.id: each for each in getattr(held, "EXPERIMENTS", ())})
    return found


def select(names: Sequence[str]) -> list[Experiment]:
    """The experiments of these names or groups, each once; all for no name and for ``all``."""
    known = experiments()
    groups = dict.fromkeys(experiment.group for experiment in known.values())
    for name in names:
        if name != "all" and name not in known and name not in groups:
            raise ValueError(f"no experiment {name!r}; there are {', '.join([*known, *groups])}, and all")
    if not names or "all" in names:
        return list(known.values())
    members = {group: [n for n, e in known.items() if e.group == group] for group in groups}
    return [known[n] for n in dict.fromkeys(n for name in names for n in members.get(name, [name]))]
