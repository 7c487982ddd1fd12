"""Equivalences: a sum of terms that are at least 0 vanishes iff every term does, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both
from proofs_check.symbolic._statement import NOTHING, Build, Formula, Road, Rows, Total, terms, vectors
from rdk_theory.theorems._claim import Kind


@dataclass(frozen=True)
class Every:
    """Whether a condition holds at every token; `some`: at one at least."""

    token: Formula
    some: bool = False
    rows: Rows = vectors

    def __call__(self, **instance: Any) -> bool:
        tokens, shared = self.rows(**instance)
        found = [bool(self.token(**{**shared, **token})) for token in tokens]
        return any(found) if self.some else all(found)


@dataclass(frozen=True)
class Sign:
    """Whether a sum is 0; `positive`: whether it is above 0."""

    total: Total
    positive: bool = False

    def __call__(self, **instance: Any) -> bool:
        value = self.total(**instance)
        return bool(value > 0) if self.positive else bool(value == 0)


@dataclass(frozen=True)
class Entries:
    """Several numbers, or truth values, side by side."""

    formulas: tuple[Formula, ...]

    def __call__(self, **instance: Any) -> Any:
        return np.array([formula(**instance) for formula in self.formulas])


def iff(*builds: Build | str, shared: Build | str = NOTHING, known: Total | None = None) -> Road:
    """`Sign` of a sum against `Every`: terms are at least 0 once `known` is added, and 0 exactly where they should be.

    The constant must vanish.
    """
    extra = known or Total(lambda **numbers: 0)

    def road(kind: Kind, stated: Every, measured: Sign) -> Finding:
        if kind is not Kind.IDENTITY or stated.some != measured.positive:
            raise AssertionError("an equivalence of another form")

        def token(**x: Any) -> bool:
            value = measured.total.token(**x) + extra.token(**x)
            if value < 0:
                return False
            return bool(value > 0 if measured.positive else value == 0) == bool(stated.token(**x))

        def constant(**x: Any) -> bool:
            return bool(measured.total.constant(**x) + extra.constant(**x) == 0)

        found = terms(token, builds)
        return both(found, terms(constant, [shared])) if found.proved else found

    return road


def entrywise(*roads: Road) -> Road:
    """One road for each entry."""

    def road(kind: Kind, stated: Entries, measured: Entries) -> Finding:
        triples = zip(roads, stated.formulas, measured.formulas, strict=True)
        return both(*(one(kind, left, right) for one, left, right in triples))

    return road


def pointwise(*builds: Build | str) -> Road:
    """Two conditions on every token, equivalent at each."""

    def road(kind: Kind, stated: Every, measured: Every) -> Finding:
        return terms(lambda **x: bool(stated.token(**x)) == bool(measured.token(**x)), builds)

    return road


@dataclass(frozen=True)
class Row:
    """One number for each token."""

    token: Formula
    rows: Rows = vectors

    def __call__(self, **instance: Any) -> Any:
        tokens, shared = self.rows(**instance)
        return np.array([self.token(**{**shared, **token}) for token in tokens])


def rowwise(*builds: Build | str) -> Road:
    """Two rows, equal at every token."""

    def road(kind: Kind, stated: Row, measured: Row) -> Finding:
        return terms(lambda **x: bool(stated.token(**x) == measured.token(**x)), builds)

    return road
