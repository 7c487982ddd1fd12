"""Checks that no statistics are needed for: same seed, same tokens; other seeds, other tokens; certain laws."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rdk_theory.audit import chains, generation, single
from rdk_theory.audit.adapters import Adapter
from rdk_theory.audit.cases import CHAINS, TOKENS
from rdk_theory.audit.engine import Check, Status, broken_contract
from rdk_theory.audit.experiments import BrokenContract, guarded

ROWS = 64
"""Two equal answers to different seeds of so many rows: probability below 1e-9 with any law of these cases."""


def facts(adapter: Adapter, seed: int) -> Iterator[Check]:
    """One check each."""
    try:
        draw = guarded(lambda: _drawer(adapter))
        first, again, other = guarded(lambda: [draw(each) for each in (seed, seed, seed + 1)])
    except BrokenContract as error:
        yield broken_contract("facts", str(error))
        return
    yield _fact("the same generator state gives the same tokens", bool((first == again).all()), "", decides=False)
    yield _fact(
        "another generator state gives other tokens",
        bool((first != other).any()),
        "the tokens do not depend on the generator: all calls share their randomness",
    )


def _drawer(adapter: Adapter) -> Callable[[int], np.ndarray]:
    rows = min(ROWS, adapter.batch)
    first = next(iter(adapter.function())) if adapter.kind == "experiments" else None

    def draw(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        if first is not None:
            return np.concatenate(list(first.draw(rows, rng).values()))
        if adapter.kind == "generate":
            target, drafter = generation.models("whole")
            return generation.generate(adapter, target, drafter, rows, rng)
        if adapter.kind == "sampler":
            return single.sample(adapter, TOKENS[0], rows, adapter.dtypes[0], rng).tokens
        # The drafts are the same for both seeds: what differs can only come from the verifier.
        drafts = np.random.default_rng(0)
        return chains.verify(adapter, CHAINS[0], chains.length(adapter), rows, adapter.dtypes[0], drafts, rng).tokens

    return draw


def _fact(name: str, held: bool, detail: str, *, decides: bool = True) -> Check:
    status: Status = "passed" if held else "failed" if decides else "noted"
    return Check("facts", name, status, decides, 0, 0, None, None, None, None, "" if held else detail)
