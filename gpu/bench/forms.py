"""Dense redistribution against its first-order and its lazy form, for one position, at each size."""

from __future__ import annotations

from collections.abc import Sequence

from gpu.bench.rows import MEASURED
from rdk_theory.tables import Row


def forms(rows: Sequence[Row], device: str) -> list[Row]:
    """Seconds for one row of draft probabilities, at every size at which one of these was timed.

    ``dense`` and ``first_order`` write the proposal out, all of it. ``lazy`` is what a dense kernel adds to a
    verification by tokens without redistribution, for each position of its chains: there no proposal is written. On
    the CPU there is no lazy form to time, since the naive verification writes the proposal out, too.
    """
    name = "kernel" if device == "cuda" else "naive"
    own = [row for row in rows if row["implementation"] == name and row["status"] == MEASURED]
    found: list[Row] = []
    for size in sorted({int(row["size"] or 0) for row in own}):
        here = [row for row in own if row["size"] == size]
        dense, first = (_least(here, "redistribute", form) for form in ("dense half", "first order"))
        lazy = _added(here) if device == "cuda" else None
        if dense is None and first is None and lazy is None:
            continue
        found.append(
            {
                "size": size,
                "dense": dense,
                "first_order": first,
                "lazy": lazy,
                "dense_over_first_order": dense / first if dense is not None and first is not None else None,
            }
        )
    return found


def _least(rows: Sequence[Row], operation: str, form: str) -> float | None:
    """The least time of a row of a batch, over the batches that were timed."""
    times = [_each(row) for row in rows if row["operation"] == operation and row["form"] == form]
    return min(times, default=None)


def _added(rows: Sequence[Row]) -> float | None:
    """What a dense kernel adds to a position of a verification, where most positions share the launch."""
    settings = ("batch", "gamma", "dtype")
    token = [row for row in rows if row["operation"] == "verify token"]
    plain = {tuple(row[s] for s in settings): row for row in token if row["form"] == "none"}
    pairs = [
        (row, plain[tuple(row[s] for s in settings)])
        for row in token
        if row["form"] == "dense half" and tuple(row[s] for s in settings) in plain
    ]
    if not pairs:
        return None
    row, none = max(pairs, key=lambda pair: int(pair[0]["batch"] or 0) * int(pair[0]["gamma"] or 0))
    return _each(row) - _each(none)


def _each(row: Row) -> float:
    """Time over positions."""
    median, batch, gamma = (row[name] for name in ("median", "batch", "gamma"))
    assert isinstance(median, float)
    assert isinstance(batch, int)
    assert isinstance(gamma, int)
    return median / (batch * gamma)
