"""Experiments on a verifier of tokens or chains: the audit drafts, the implementation verifies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from rdk_theory.audit.adapters import Adapter
from rdk_theory.audit.cases import CHAINS, ChainCase, wide_chain
from rdk_theory.audit.experiments import (
    BrokenContract,
    Draws,
    Experiment,
    Law,
    draw_rows,
    integers,
    label,
    labels,
    pair_of_rows,
    paired,
)

GAMMA = 2
"""Drafted tokens of a chain."""

WIDE = 0.05
"""Least total variation looked for where rows are wide, and drawing is slow."""

WIDE_ENTRIES = 1 << 22
"""Entries of the rows of one call."""


class Outcome(NamedTuple):
    """One call of a verifier on chains that the audit drafted."""

    drafted: np.ndarray
    """``(B, γ)``."""
    tokens: np.ndarray
    """``(B, γ + 1)``, −1 beyond the emitted ones."""
    accepted: np.ndarray
    """``(B,)``."""
    whole: np.ndarray
    """The emitted tokens, and then the target's own continuation: ``(B, γ + 1)``."""


def chain_experiments(adapter: Adapter) -> Iterator[Experiment]:
    """Every case in every width over a narrow vocabulary; then a wide one."""
    gamma = length(adapter)
    for dtype in adapter.dtypes:
        for case in CHAINS:
            yield _narrow(adapter, case, gamma, dtype)
        yield _wide(adapter, gamma, dtype)


def length(adapter: Adapter) -> int:
    """``γ``: one for a verifier of single tokens."""
    return 1 if adapter.kind == "token" else GAMMA


def verify(
    adapter: Adapter,
    case: ChainCase,
    gamma: int,
    rows: int,
    dtype: str,
    rng: np.random.Generator,
    own: np.random.Generator,
) -> Outcome:
    """Draft chains with `rng`, let the adapter verify them with `own`, check what it returns, go on with the target."""
    drafts, rest = rng.spawn(2)
    drafted = np.empty((rows, gamma), dtype=np.int64)
    targets, proposals = ([np.broadcast_to(law, (rows, case.size))] for law in (case.first, case.draft_first))
    for step in range(gamma):
        drafted[:, step] = draw_rows(proposals[step], drafts)
        targets.append(case.after[drafted[:, step]])
        if step + 1 < gamma:
            proposals.append(case.draft_after[drafted[:, step]])
    p, r = (np.stack(x, axis=1).astype(dtype) for x in (targets, proposals))
    if adapter.kind == "token":
        given = adapter.function(p[:, 0], r[:, 0], drafted[:, 0].copy(), own)
        tokens, accepted = _token(given, drafted[:, 0], case.size)
    else:
        given = adapter.function(p, r, drafted.copy(), own)
        tokens, accepted = _chain(given, drafted, case.size)
    return Outcome(drafted, tokens, accepted, _complete(case, tokens, accepted, rest))


def _pair(given: object, what: str) -> tuple[object, object]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise BrokenContract(f"expected a pair ({what}, accepted), not {type(given).__name__}")
    return given[0], given[1]


def _token(given: object, drafted: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    token, flags = _pair(given, "token")
    emitted = integers("token", token, drafted.shape, 0, size)
    accepted = integers("accepted", np.asarray(flags).astype(np.int64), drafted.shape, 0, 2)
    wrong = np.flatnonzero((accepted == 1) & (emitted != drafted))
    if wrong.size:
        raise BrokenContract(
            f"token {emitted[wrong[0]]} at index ({wrong[0]},) is said to be accepted, but not drafted"
        )
    return np.stack([emitted, np.full_like(emitted, -1)], axis=1), accepted


def _chain(given: object, drafted: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    rows, gamma = drafted.shape
    emitted, counts = _pair(given, "tokens")
    tokens = integers("tokens", emitted, (rows, gamma + 1), -1, size)
    accepted = integers("accepted", counts, (rows,), 0, gamma + 1)
    place = np.arange(gamma)
    taken = place < accepted[:, None]
    wrong = np.argwhere(taken & (tokens[:, :gamma] != drafted))
    if wrong.size:
        row, at = (int(i) for i in wrong[0])
        raise BrokenContract(
            f"tokens of shape {tokens.shape} differ from the drafted ones, though accepted, at index ({row}, {at})"
        )
    missing = np.flatnonzero((accepted < gamma) & (tokens[np.arange(rows), accepted] < 0))
    if missing.size:
        raise BrokenContract(f"tokens of shape {tokens.shape} has none after a rejection in row {missing[0]}")
    return tokens, accepted


def _complete(case: ChainCase, tokens: np.ndarray, accepted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Emitted tokens, then draws from the target's rows."""
    whole = tokens.copy()
    whole[np.arange(whole.shape[1]) > accepted[:, None]] = -1
    for step in range(1, whole.shape[1]):
        empty = np.flatnonzero(whole[:, step] < 0)
        whole[empty, step] = draw_rows(case.after[whole[empty, step - 1]], rng)
    return whole


def _narrow(adapter: Adapter, case: ChainCase, gamma: int, dtype: str) -> Experiment:
    n = case.size
    laws = [
        Law("first token", case.first, label),
        *pair_of_rows(case.first, adapter.batch),
    ]
    if gamma > 1:
        laws.append(Law("first two tokens", _joint(case, 2).ravel(), labels(n, 2)))
        laws.append(Law("all tokens together", _joint(case, gamma + 1).ravel(), labels(n, gamma + 1)))
    residual = np.maximum(case.first - case.draft_first, 0)
    if residual.sum() > 0:
        laws.append(Law("token after a rejection", residual / residual.sum(), label, decides=False))
    alpha = float(np.minimum(case.first, case.draft_first).sum())
    laws.append(Law("first token accepted", np.array([1 - alpha, alpha]), ("rejected", "accepted").__getitem__, False))

    def draw(count: int, rng: np.random.Generator) -> Draws:
        got = verify(adapter, case, gamma, min(count, adapter.batch), dtype, *rng.spawn(2))
        first = got.whole[:, 0]
        cells = {
            "first token": first,
            "two rows of one call": paired(first, n),
            "token after a rejection": np.where(got.accepted == 0, got.tokens[:, 0], -1),
            "first token accepted": (got.accepted > 0).astype(np.int64),
        }
        if gamma > 1:
            cells["first two tokens"] = first * n + got.whole[:, 1]
            cells["all tokens together"] = np.ravel_multi_index(tuple(got.whole.T), (n,) * (gamma + 1))
        return cells

    return Experiment(f"{case.name}, {dtype}", tuple(laws), draw)


def _joint(case: ChainCase, length: int) -> np.ndarray:
    """The target's law of so many tokens, one axis a token."""
    joint = case.first
    for _ in range(length - 1):
        joint = joint[..., None] * case.after
    return joint


@cache
def _wide_case() -> ChainCase:
    return wide_chain()


def _wide(adapter: Adapter, gamma: int, dtype: str) -> Experiment:
    """Events in place of tokens: where the proposal exceeds the target and where not, by size, and the two ends."""
    case = _wide_case()
    over = case.draft_first > case.first
    _, group = np.unique(np.stack([case.first, over]), axis=1, return_inverse=True)
    group = group.reshape(-1)
    group[0], group[-1] = group.max() + 1, group.max() + 2
    law = np.bincount(group, weights=case.first)
    names = _group_names(group, case.first, over)

    def draw(count: int, rng: np.random.Generator) -> Draws:
        rows = max(1, min(count, adapter.batch, WIDE_ENTRIES // (case.size * (gamma + 1))))
        return {"event of the first token": group[verify(adapter, case, gamma, rows, dtype, *rng.spawn(2)).whole[:, 0]]}

    return Experiment(f"{case.name}, {dtype}", (Law("event of the first token", law, names),), draw, smallest=WIDE)


def _group_names(group: np.ndarray, target: np.ndarray, over: np.ndarray) -> Callable[[int], str]:
    """Each event in words."""

    def name(cell: int) -> str:
        members = np.flatnonzero(group == cell)
        if members.size == 1:
            return f"token {members[0]}"
        side = "over-covered" if over[members[0]] else "not over-covered"
        return f"{members.size} {side} tokens of {target[members[0]]:.2g} each"

    return name
