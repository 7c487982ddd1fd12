"""R4 of ``support-ceiling``: any number of tokens, and any number `n` of drafts."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._every import Entries, Every, Sign, entrywise, iff
from proofs_check.symbolic._identity import equal, symbols
from proofs_check.symbolic._statement import Part, Total, plain, symbolic_proof, termwise, tried
from proofs_check.symbolic._tokens import trial
from proofs_check.symbolic.expected_tokens import tangents
from rdk_theory.theorems._claim import Kind


def _covered(p: Any, r: Any) -> Any:
    return p if r > 0 else 0 * p


def _rows(p: Any, draft: Any, kept: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    places = {int(t): i for i, t in enumerate(kept)}
    return [
        {
            "p": x,
            "q": draft[places[t]] if t in places else 0 * x,
            "kept": t in places,
            "last": places.get(t) == len(kept) - 1,
        }
        for t, x in enumerate(p)
    ], {}


TOKENS = (
    plain("p q", kept=True, last=False),
    plain("p q", kept=True, last=True),
    plain("p q", lambda p, q, kept, last: q == 0, kept=False, last=False),
)


def _total(token: Any) -> Total:
    return Total(token, rows=_rows)


# Several drafts: 1 + min_H [p(H) − r(H)^n].


def _best(p: Any, r: Any, n: int) -> Any:
    """Over all sets."""
    sums = (
        [sum(x for x, inside in zip(row, flags, strict=True) if inside) for row in (p, r)]
        for flags in product((False, True), repeat=len(p))
    )
    return 1 + min(a - b**n for a, b in sums)


def _best_segment(p: Any, r: Any, n: int) -> Any:
    """Over initial segments in the order of ``p/r``."""
    order = sorted(range(len(p)), key=lambda t: p[t] / (p[t] + r[t]) if p[t] + r[t] else 0)
    a, b = np.cumsum(p[order]), np.cumsum(r[order])
    return 1 + min(0, *(a - b**n))


def _ceiling(p: Any, r: Any, n: int) -> Any:
    return sum(_covered(a, b) for a, b in zip(p, r, strict=True))


def _floor(p: Any, r: Any, n: int) -> Any:
    return min(_ceiling(p, r, n), 1 - (1 - min(b for b in r if b > 0)) ** n)


def _law(*sixths: int) -> np.ndarray:
    return np.array([Fraction(n, 6) for n in sixths], dtype=object)


LAWS = tuple(
    {"p": _law(*p), "r": _law(*r), "n": n}
    for p in ((1, 2, 3), (6, 0, 0), (3, 3, 0))
    for r in ((2, 4, 0), (1, 1, 4), (5, 1, 0))
    for n in (1, 2, 3)
)


def _at_support(kind: Kind, stated: Any, measured: Any) -> Finding:
    """The set of all tokens that can be drafted gives ``1 + p(supp r) − 1^n``: the minimum is at most that."""
    p, n = symbols("p n")
    return both(equal((1 + p - 1**n, p)), tried(kind, stated, measured, LAWS))


def _rises(kind: Kind, stated: Any, measured: Any) -> Finding:
    """For each set ``r(H)^{n+1} ≤ r(H)^n``: the difference is ``r(H)^n (1 − r(H))``."""
    r, n = symbols("r n")
    return both(equal((r**n - r ** (n + 1), r**n * (1 - r))), tried(kind, stated, measured, LAWS))


def _approached(kind: Kind, stated: Any, measured: Any) -> Finding:
    """A set with all of ``supp r`` has ``r(H) = 1`` and ``p(H) ≥ p(supp r)``; any other has ``r(H) ≤ 1 − r_min``.

    Then ``r(H)^n ≤ (1 − r_min)^n``, for powers rise: ``y^{n+1} − x^{n+1} = y (y^n − x^n) + x^n (y − x)``.
    """
    x, y, n, p = symbols("x y n p")
    return both(
        equal((y ** (n + 1) - x ** (n + 1), y * (y**n - x**n) + x**n * (y - x)), (1 + p - 1**n, p)),
        decide(lambda u: 1 + u["p"] - u["x"] >= 1 - (u["x"] + u["y"]), "p x y"),
        tried(kind, stated, measured, LAWS),
    )


def _one_sort(kind: Kind, stated: Any, measured: Any) -> Finding:
    """At a minimiser ``H``, ``λ = n r(H)^{n−1}``: the set ``{p < λr}``, an initial segment, is at least as good.

    ``x^n`` lies above its tangent at ``r(H)``, so the objective lies below ``p(·) − λ r(·) + const``, which that set
    minimises token by token, and with which it agrees at ``H``.
    """
    return both(
        tangents(),
        decide(lambda u: min(u["p"] - u["l"], 0) == (u["p"] - u["l"] if u["p"] < u["l"] else 0), "p l"),
        tried(kind, stated, measured, LAWS),
    )


def _target(p: Any, draft: Any, kept: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every row of the kernel is the target, and so is the proposal: ``Σ_i q'_i p_t = p_t``."""
    return [{"p": x} for x in p], {}


UNIT = Total(lambda p: -p, lambda: 1)


PROOF = symbolic_proof(
    "support-ceiling",
    __name__,
    Part("one draft", termwise("p r"), Total(_covered), Total(trial)),
    Part(
        "equality",
        iff("p r"),
        Every(lambda p, r: r >= p or r == 0),
        Sign(Total(lambda p, r: _covered(p, r) - trial(p, r))),
        {"everywhere": Every(lambda p, r: r >= p)},
    ),
    Part(
        "restricted draft",
        termwise(*TOKENS),
        _total(lambda p, q, kept, last: p if kept else 0 * p),
        _total(lambda p, q, kept, last: trial(p, q)),
        {"mass of all but the last kept": _total(lambda p, q, kept, last: p if kept and not last else 0 * p)},
    ),
    Part(
        "restricted equality",
        iff(*TOKENS),
        Every(lambda p, q, kept, last: not kept or q >= p, rows=_rows),
        Sign(_total(lambda p, q, kept, last: (p if kept else 0 * p) - trial(p, q))),
        {"on the support of the draft alone": Every(lambda p, q, kept, last: not kept or q >= p or q == 0, rows=_rows)},
    ),
    Part(
        "ceiling of several drafts",
        _at_support,
        _ceiling,
        _best,
        {"the ceiling of one draft": lambda p, r, n: sum(min(a, b) for a, b in zip(p, r, strict=True))},
        covers="for 1 + min_H [p(H) − r(H)^n]; that this is the largest flow is clause several drafts",
    ),
    Part(
        "more drafts never hurt",
        _rises,
        _best,
        lambda p, r, n: _best(p, r, n + 1),
        {"strictly": None},
    ),
    Part(
        "the ceiling is approached",
        _approached,
        _floor,
        _best,
        {"as if the ceiling were reached": _ceiling},
    ),
    Part(
        "one sort",
        _one_sort,
        _best_segment,
        _best,
        {"segments in the order of ids": lambda p, r, n: 1 + min(0, *(np.cumsum(p) - np.cumsum(r) ** n))},
    ),
    Part(
        "redistribution has none",
        entrywise(termwise("p", known=UNIT), termwise("p", known=UNIT)),
        Entries((Total(lambda p: 0 * p, lambda: 1, _target),) * 2),
        Entries((Total(lambda p: min(p, p), rows=_target),) * 2),
    ),
    sizes="any N, any number n of drafts",
)
