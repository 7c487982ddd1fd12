"""R3 of ``block-verification``: two tokens, chains of up to two drafts.

The law is played out by its formula, which equals the real verifier on the registry's grid; the verifier itself runs
in rationals (R1). That no lossless verifier accepts more is a linear programme, and no claim on one instance.
"""

from __future__ import annotations

from proofs_check.smt._case import Case, smt_proof
from proofs_check.smt._source import FreeSource
from rdk_theory.theorems import _sequences
from rdk_theory.theorems._claim import Instance
from rdk_theory.theorems.block_verification import _mutant, _right_left, _right_pass

MUTANTS = 3


def _chain(source: FreeSource) -> Instance:
    """A chain of as many drafts as the case says, of two tokens; for mutants, of two drafts of three tokens.

    Laws may depend on the prefix. On fewer than three tokens no residual shows that a weight was left out of it.
    """
    tokens, gamma = (2, source.largest) if source.largest < MUTANTS else (3, 2)
    return {name: _sequences.laws(source, tokens, n) for name, n in (("targets", gamma + 1), ("proposals", gamma))}


CASES = (
    Case(
        "law and length",
        1,
        _chain,
        measured=_mutant(_right_pass, _right_left),
        splits=True,
        controls=("prefixes pass with their weight", "residual without the weight"),
        control_size=MUTANTS,
        sizes="N = 2, chains of 1",
    ),
    Case("at least token by token", 2, splits=True, sizes="N = 2, chains of 2"),
    Case("strictness", 2, splits=True, sizes="N = 2, chains of 2"),
)

PROOF = smt_proof(
    "block-verification",
    __name__,
    *CASES,
    notes=("the mutant 'length of token by token' runs the real verifier, which takes no unknowns: refuted at R1",),
)
