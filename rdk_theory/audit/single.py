"""Experiments on a sampler that drafts from a pruned head and verifies: one token in one context."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rdk_theory.audit.adapters import Adapter, Sampled
from rdk_theory.audit.cases import TOKENS, TokenCase
from rdk_theory.audit.experiments import BrokenContract, Draws, Experiment, Law, integers, label, pair_of_rows, paired

REPORTED = 1e-3
"""Two reported rows of one context, and a row's sum and 1, may differ by so much: binary16 and its normalisation."""


def sampler_experiments(adapter: Adapter) -> Iterator[Experiment]:
    """Every case in every width."""
    for dtype in adapter.dtypes:
        for case in TOKENS:
            yield _experiment(adapter, case, dtype)


def sample(adapter: Adapter, case: TokenCase, rows: int, dtype: str, rng: np.random.Generator) -> Sampled:
    """Call the sampler on equal contexts, and check what it returns."""
    target, draft = (logits(law, rows, dtype) for law in (case.target, case.draft))
    given = adapter.function(target, draft, case.kept.copy(), rng)
    out = given if isinstance(given, Sampled) else Sampled(given)
    size = case.target.size
    tokens = integers("tokens", out.tokens, (rows,), 0, size)
    drafted = None if out.drafted is None else integers("drafted", out.drafted, (rows,), 0, size)
    reported = None if out.reported is None else np.asarray(out.reported, dtype=np.float64)
    if reported is not None:
        if drafted is None:
            raise BrokenContract("reported laws need the drafted tokens beside them")
        if reported.shape != (rows, size):
            raise BrokenContract(f"reported has shape {reported.shape}, expected {(rows, size)}")
        off = np.flatnonzero(~(np.abs(reported.sum(axis=1) - 1) <= REPORTED) | (reported < 0).any(axis=1))
        if off.size:
            raise BrokenContract(f"reported of shape {reported.shape} is no law in row {off[0]}")
    return Sampled(tokens, drafted, reported)


def logits(law: np.ndarray, rows: int, dtype: str) -> np.ndarray:
    """Logits of a law, −inf where it is 0, for so many rows."""
    with np.errstate(divide="ignore"):
        return np.repeat(np.log(law)[None], rows, axis=0).astype(dtype)


def _experiment(adapter: Adapter, case: TokenCase, dtype: str) -> Experiment:
    n = case.target.size
    laws = [
        Law("token", case.target, label),
        *pair_of_rows(case.target, adapter.batch),
    ]
    reported = _reported(adapter, case, dtype)
    if reported is not None:
        laws.append(Law("drafted token, by the reported law", reported, label))

    def draw(count: int, rng: np.random.Generator) -> Draws:
        out = sample(adapter, case, min(count, adapter.batch), dtype, rng)
        cells = {"token": out.tokens, "two rows of one call": paired(out.tokens, n)}
        if reported is not None and out.drafted is not None:
            cells["drafted token, by the reported law"] = out.drafted
        return cells

    return Experiment(f"{case.name}, {dtype}", tuple(laws), draw)


def _reported(adapter: Adapter, case: TokenCase, dtype: str) -> np.ndarray | None:
    """The law that the sampler reports in this context, where it reports any."""
    reported = sample(adapter, case, 2, dtype, np.random.default_rng(0)).reported
    if reported is None:
        return None
    if np.abs(reported[0] - reported[1]).max() > REPORTED:
        raise BrokenContract("two rows of one context report laws that differ: the law depends on the draw")
    row = reported[0]
    return np.asarray(row / row.sum())
