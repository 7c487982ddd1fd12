"""Exact transport: the largest flow from sets of drafted tokens to emitted tokens, in rationals."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from rdk_theory.theorems._roads import Row

Arcs = dict[Hashable, dict[Hashable, Any]]


def drafted_sets(r: Row, drafts: int) -> dict[frozenset[int], Any]:
    """Law of the set of tokens among `drafts` independent draws, by going through all tuples."""
    law: dict[frozenset[int], Any] = {}
    for tokens in product(range(len(r)), repeat=drafts):
        chance = prod(r[t] for t in tokens)
        if chance > 0:
            law[frozenset(tokens)] = law.get(frozenset(tokens), 0) + chance
    return law


def best_of_drafts(p: Row, r: Row, drafts: int) -> Any:
    r"""Largest ``P[Y ∈ {X_1, …, X_n}]``, by sending the mass of each drafted set to tokens in it.

    What a set cannot place goes to tokens that have room left, so every flow is a lossless verifier.
    """
    arcs: Arcs = {"source": {}, "sink": {}}
    for tokens, chance in drafted_sets(r, drafts).items():
        arcs["source"][tokens] = chance
        arcs[tokens] = dict.fromkeys(tokens, chance)
    for token, chance in enumerate(p):
        arcs.setdefault(token, {})["sink"] = chance
    return max_flow(arcs)


def max_flow(arcs: Arcs) -> Any:
    """Largest flow from "source" to "sink" along shortest augmenting paths; capacities are rationals."""
    room: Arcs = {node: dict(out) for node, out in arcs.items()}
    for node, out in arcs.items():
        for other in out:
            room.setdefault(other, {}).setdefault(node, Fraction(0))
    total: Any = Fraction(0)
    while path := _path(room):
        amount = min(room[a][b] for a, b in path)
        for a, b in path:
            room[a][b] -= amount
            room[b][a] += amount
        total += amount
    return total


def _path(room: Arcs) -> list[tuple[Hashable, Hashable]]:
    """Arcs of a shortest path with room, or none."""
    before: dict[Hashable, Hashable] = {"source": "source"}
    queue: deque[Hashable] = deque(["source"])
    while queue and "sink" not in before:
        here = queue.popleft()
        for other, capacity in room[here].items():
            if capacity > 0 and other not in before:
                before[other] = here
                queue.append(other)
    if "sink" not in before:
        return []
    path: list[tuple[Hashable, Hashable]] = []
    node: Hashable = "sink"
    while node != "source":
        path.append((before[node], node))
        node = before[node]
    return path[::-1]
