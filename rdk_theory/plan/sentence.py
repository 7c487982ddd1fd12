"""The plan in words that a person can act on, written from its table alone."""

from __future__ import annotations

from collections.abc import Sequence

from rdk_theory.tables import Row

WITH = {
    "tli": "without redistribution (TLI)",
    "rank-one": "with the rank-one kernel",
    "rank-one-cumulant": "with the rank-one kernel whose weight follows the cold mass",
    "cooccurrence": "with the co-occurrence kernel",
    "optimal": "with the kernel fitted for acceptance",
}
"""How a sentence speaks of each kernel."""


def sentence(rows: Sequence[Row], size: int, level: float) -> str:
    """What to do, how fast it is predicted to be, and what comes next.

    Parameters
    ----------
    rows
        Of `Choice`, the fastest first.
    size
        ``|D|``, of which tokens are kept.
    level
        Of the intervals.
    """
    best, others = rows[0], list(rows[1:])
    gain = f"{_times(best)} as fast as plain decoding ({100 * level:g} % interval {_interval(best)})"
    if not best["best"]:
        return (
            f"Do not draft: of the settings tried none is predicted to beat plain decoding; the best of them, "
            f"{_setting(best, size)}, is {gain}."
        )
    if best["kernel"] == "unpruned":
        text = f"Do not prune: draft {_draft(best)} with the whole head: {gain}"
    else:
        text = f"Keep {best['kept']:,} of {size:,} tokens {_with(best)}, draft {_draft(best)}: {gain}"
    text += ", which may be no gain." if _number(best, "low") <= 1 else "."
    whole = next((row for row in others if row["kernel"] == "unpruned"), None)
    if whole is not None:
        text += f" Unpruned, drafting {_draft(whole)}: {_times(whole)}{_behind(whole)}."
    if others and others[0] is not whole:
        text += f" Runner-up: {_setting(others[0], size)}: {_times(others[0])}{_behind(others[0])}."
    elif whole is not None:
        text += " That is the runner-up."
    return text


def _setting(row: Row, size: int) -> str:
    if row["kernel"] == "unpruned":
        return f"unpruned, drafting {_draft(row)}"
    return f"{row['kept']:,} of {size:,} tokens {_with(row)}, drafting {_draft(row)}"


def _with(row: Row) -> str:
    return WITH.get(str(row["kernel"]), f"with {row['kernel']}")


def _draft(row: Row) -> str:
    how = "verified as a block" if row["verification"] == "block" else "verified one by one"
    return f"{row['draft']} a call, {how}"


def _times(row: Row) -> str:
    return f"{_number(row, 'speedup'):.3f} times"


def _interval(row: Row) -> str:
    return f"{_number(row, 'low'):.3f} to {_number(row, 'high'):.3f}"


def _behind(row: Row) -> str:
    apart = f", slower by {_number(row, 'behind'):.3f}"
    if row["behind_low"] is None:
        return f"{apart}; whether that is more than chance, acceptance rates alone do not tell"
    ends = f"{_number(row, 'behind_low'):.3f} to {_number(row, 'behind_high'):.3f}"
    return f"{apart} ({ends}), {'' if _number(row, 'behind_low') > 0 else 'not '}distinguishable from the best"


def _number(row: Row, key: str) -> float:
    return float(str(row[key]))
