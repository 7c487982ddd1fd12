"""R4 of ``exact-linear-time``: its loop for every number of tries, by induction; the count of residual proposals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from proofs_check.symbolic._cases import Finding, both, decide
from proofs_check.symbolic._identity import equal, induction, symbols
from proofs_check.symbolic._statement import Part, symbolic_proof
from rdk_theory.theorems._claim import Kind

Keep = Callable[[Any, Any], Any]


def alive(alpha: Any, m: Any) -> Any:
    """Probability that nothing is emitted yet after `m` tries: ``(1−α) α^m``."""
    return (1 - alpha) * alpha**m


def columns(alpha: Any, m: Any) -> Any:
    """Mean number of columns read: ``2 − α^m``."""
    return 2 - alpha**m


def _keep(p: Any, r: Any) -> Any:
    return max(0, 1 - r / p)


def _token(p: Any, r: Any, start: Any, end: Any, reached: Any, keep: Keep) -> Any:
    """Chance that a token is emitted: drafted and accepted, kept in a try, or drawn from the residual.

    `start` and `end` are the chances that nothing is emitted yet before the first and after the last try, and `reached`
    is the mean number of tries.
    """
    accepted = r * min(1, p / r) if r > 0 else 0 * p
    tried = p * keep(p, r) if p > 0 else 0 * p
    return accepted + reached * tried + end / start * max(p - r, 0)


def loop_law(p: Any, r: Any, tries: int, keep: Keep = _keep) -> Any:
    """Law of the loop: `_token` with the rates of the whole row."""
    start = 1 - sum(min(a, b) for a, b in zip(p, r, strict=True))
    if start == 0:
        return p
    rate = sum(a * keep(a, b) for a, b in zip(p, r, strict=True) if a > 0)
    reached = sum(start * (1 - rate) ** n for n in range(tries))
    end = start * (1 - rate) ** tries
    return np.array([_token(a, b, start, end, reached, keep) for a, b in zip(p, r, strict=True)])


class Law:
    """The law of the loop for one way of keeping proposals."""

    def __init__(self, keep: Keep) -> None:
        self.keep = keep

    def __call__(self, p: Any, r: Any, tries: int) -> Any:
        """It, token by token."""
        return loop_law(p, r, tries, self.keep)


def _law(kind: Kind, stated: Any, measured: Law) -> Finding:
    """A try keeps ``Σ p (1 − r/p)_+ = Σ (p − r)_+ = 1 − α``: `alive` falls by the factor α, and each token gets `p`.

    ``start`` and ``end`` cancel: what is kept in the tries and what the residual gives make up ``(p − r)_+``.
    """
    alpha, m = symbols("alpha m")

    def token(x: Any) -> bool:
        p, r = x["p"], x["r"]
        start, end = x["end"] + x["tried"], x["end"]
        x.assume(start > 0)
        # A try keeps something with chance `start`, so that the tries that are reached are (start − end)/start.
        return bool(_token(p, r, start, end, (start - end) / start, measured.keep) == stated(p, r, 0))

    return both(
        induction(lambda n: alive(alpha, n), (0, 1 - alpha), lambda left, n: left - left * (1 - alpha), m),
        decide(lambda x: x["p"] == 0 or x["p"] * measured.keep(x["p"], x["r"]) == max(x["p"] - x["r"], 0), "p r"),
        decide(token, "p r end tried"),
    )


def _means(alpha_of: Any, one_more: int = 0) -> Any:
    def road(p: Any, r: Any, tries: Any) -> Any:
        alpha = alpha_of(p, r)
        return np.array([alive(alpha, tries + one_more), columns(alpha, tries + one_more)], dtype=object)

    return road


def _overlap(p: Any, r: Any) -> Any:
    return p if r is None else sum(min(a, b) for a, b in zip(p, r, strict=True))


def _by_steps(p: Any, r: Any, tries: int) -> Any:
    """The recursions: a try reads a column where nothing is emitted yet, and keeps with probability 1 − α."""
    alpha = _overlap(p, r)
    left, read = 1 - alpha, 1 + 0 * alpha
    for _ in range(tries):
        left, read = left - left * (1 - alpha), read + left
    return np.array([left, read], dtype=object)


def _work(kind: Kind, stated: Any, measured: Any) -> Finding:
    """Both means by induction. With tries without end, one proposal is expected, and two columns are read."""
    import sympy

    alpha, m, u = symbols("alpha m u")

    def mean(entry: int) -> Any:
        return lambda n: stated(alpha, None, n)[entry]

    proposals = columns(1 / (1 + u), m) - 1  # an acceptance rate below 1 is 1/(1+u)
    return both(
        induction(mean(0), (0, 1 - alpha), lambda left, n: left - left * (1 - alpha), m),
        induction(mean(1), (0, 1), lambda read, n: read + alive(alpha, n), m),
        equal((sympy.limit(proposals, m, sympy.oo), 1), (2 - mean(1)(m), alpha**m)),
    )


class Behind:
    """A formula of target and proposal, for instances that give draft and kernel."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def __call__(self, p: Any, draft: Any, kept: Any, matrix: Any, tries: int) -> Any:
        """It, of the proposal of the kernel."""
        proposal = [sum(q * row[j] for q, row in zip(draft, matrix, strict=True)) for j in range(matrix.shape[1])]
        return self.of(p, np.array(proposal), tries)


def _behind(road: Any) -> Any:
    return lambda kind, stated, measured: road(kind, stated.of, measured.of)


def _two_columns(p: Any, r: Any, tries: Any) -> Any:
    return np.array([_means(_overlap)(p, r, tries)[0], 2], dtype=object)


CODE = "the loop that verify_lazy runs; its code on the grid of rung R1"
PROOF = symbolic_proof(
    "exact-linear-time",
    __name__,
    Part(
        "law of the loop",
        _law,
        lambda p, r, tries: p,
        Law(_keep),
        {
            "kept with the ratio itself": Law(lambda p, r: min(1, r / p)),
            "proposals always kept": Law(lambda p, r: 1),
        },
    ),
    Part(
        "fall-back and columns",
        _work,
        _means(_overlap),
        _by_steps,
        {"one try more": _means(_overlap, 1)},
    ),
    Part(
        "law of the verifier",
        _behind(_law),
        Behind(lambda p, r, tries: p),
        Behind(Law(_keep)),
        {"the law of the drafts": Behind(lambda p, r, tries: r)},
        covers=CODE,
    ),
    Part(
        "work of the verifier",
        _behind(_work),
        Behind(_means(_overlap)),
        Behind(_by_steps),
        {"two columns whatever m": Behind(_two_columns)},
        covers=CODE,
    ),
    sizes="any N, any number m of tries",
    notes=("without a limit on tries, one residual proposal is expected for each drafted token, and two columns",),
)
