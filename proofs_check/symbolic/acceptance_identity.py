"""R4 of ``acceptance-identity``, for any number of tokens."""

from __future__ import annotations

from proofs_check.symbolic._every import Entries, Every, Sign, entrywise, iff
from proofs_check.symbolic._statement import Part, Total, symbolic_proof, termwise
from proofs_check.symbolic._tokens import common, larger, trial

TRIAL = Total(trial)
MASSES = Total(lambda p, r: -(p + r) / 2, lambda: 1)
DRAFT = Total(lambda p, r: -r, lambda: 1)
REJECTED = Total(lambda p, r: r - TRIAL.token(p, r) + (p - r) / 2)
"""``Σ [r − accepted + (p − r)/2]``, which is the probability of rejection."""


PROOF = symbolic_proof(
    "acceptance-identity",
    __name__,
    Part(
        "overlap",
        termwise("p r"),
        Total(common),
        TRIAL,
        {"larger of the two": Total(larger)},
    ),
    Part(
        "total variation",
        termwise("p r", known=MASSES),
        Total(lambda p, r: -abs(p - r) / 2, lambda: 1),
        TRIAL,
        {"unhalved distance": Total(lambda p, r: -abs(p - r), lambda: 1)},
        known=MASSES,
    ),
    Part(
        "over-coverage",
        termwise("p r", known=DRAFT),
        Total(lambda p, r: -max(r - p, 0), lambda: 1),
        TRIAL,
        {"both sides of the difference": Total(lambda p, r: -abs(r - p), lambda: 1)},
        known=DRAFT,
    ),
    Part(
        "extremes",
        entrywise(iff("p r"), iff("p r")),
        Entries((Every(lambda p, r: p == r), Every(lambda p, r: p * r == 0))),
        Entries((Sign(REJECTED), Sign(TRIAL))),
        {"same support": Entries((Every(lambda p, r: (p > 0) == (r > 0)), Every(lambda p, r: p * r == 0)))},
    ),
    sizes="any N",
)
