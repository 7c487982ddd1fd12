"""The only list of proofs: every module ``<folder>/<claim id with underscores>.py`` that defines `PROOF`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import proofs_check
from proofs_check._proof import Proof
from proofs_check.exact._grid import grid_proof
from rdk_theory.theorems.registry import claims

FOLDERS = ("exact", "smt", "symbolic", "intervals", "coq")


@cache
def proofs() -> tuple[Proof, ...]:
    """Every proof, by rung and claim. Importing a module of proofs loads no prover."""
    found = [grid_proof(claim) for claim in claims().values() if any(c.exact for c in claim.clauses)]
    for folder in FOLDERS:
        package = importlib.import_module(f"{proofs_check.__name__}.{folder}")
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.startswith("_"):
                continue
            proof = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "PROOF", None)
            if not isinstance(proof, Proof):
                continue
            if module.name != proof.claim.replace("-", "_"):
                raise RuntimeError(f"{folder}/{module.name}.py holds a proof of {proof.claim}")
            if proof.claim not in claims():
                raise RuntimeError(f"{folder}/{module.name}.py proves {proof.claim}, which is no claim")
            found.append(proof)
    return tuple(sorted(found, key=lambda p: (p.rung, p.claim)))
