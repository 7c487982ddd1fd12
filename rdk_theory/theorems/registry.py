"""The only list of claims: every module of this folder that defines `CLAIM`. Adding a claim is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import rdk_theory.theorems as _package
from rdk_theory.theorems._claim import Claim


@cache
def claims() -> dict[str, Claim]:
    """Every claim by id, ordered by section and id."""
    found = []
    for module in pkgutil.iter_modules(_package.__path__):
        claim = getattr(importlib.import_module(f"{_package.__name__}.{module.name}"), "CLAIM", None)
        if isinstance(claim, Claim):
            if module.name != claim.id.replace("-", "_"):
                raise RuntimeError(
                    f"claim {claim.id} must stand in {claim.id.replace('-', '_')}.py, not {module.name}.py"
                )
            found.append(claim)
    return {claim.id: claim for claim in sorted(found, key=lambda c: (c.section, c.id))}


def select(ids: list[str]) -> list[Claim]:
    """The claims of these ids, all where none is named; `ValueError` for one that does not exist."""
    known = claims()
    for name in ids:
        if name not in known:
            raise ValueError(f"no claim {name!r}; there are {', '.join(known)}")
    return [known[name] for name in ids] if ids else list(known.values())
