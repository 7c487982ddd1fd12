"""Rung R1: every rational instance of the grids in the registry, as `rdk verify` runs them."""

from __future__ import annotations

from functools import partial

from proofs_check._proof import Proof, Rung, Verdict
from rdk_theory.theorems._check import check_exhaustive, describe
from rdk_theory.theorems._claim import Claim
from rdk_theory.theorems._source import exhaust
from rdk_theory.theorems.registry import claims


def grid_proof(claim: Claim) -> Proof:
    """The proof of a claim by exhaustion of its grids."""
    return Proof(claim.id, Rung.GRID, partial(_run, claim.id), module=__name__)


def _run(name: str) -> Verdict:
    claim = claims()[name]
    outcome = check_exhaustive(claim)
    exact = [c for c in claim.clauses if c.exact]
    first = next(exhaust(exact[0].build, exact[0].grid_size, exact[0].grid_denominator))
    return Verdict(
        outcome.status,
        clauses=tuple(c.name for c in exact),
        sizes=f"{outcome.instances} instances",
        reason=outcome.reason,
        model=f"{exact[0].name}: {describe(exact[0], first)}",
        refuted=tuple(f"{c.name}: {control.name}" for c in exact for control in c.controls),
    )
