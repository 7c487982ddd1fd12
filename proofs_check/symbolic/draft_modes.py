"""R4 of ``draft-modes``, for any number of tokens."""

from __future__ import annotations

from typing import Any

from proofs_check.symbolic._every import Every, Sign, iff
from proofs_check.symbolic._statement import Build, Part, Total, symbolic_proof, termwise
from proofs_check.symbolic._tokens import common

RATE = Total(common)
MATCH = Total(lambda p, r: p * r)


def _top_rows(p: Any, r: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Tokens, the first of those that the draft finds likeliest marked, and what the draft leaves to the others."""
    best = max(r)
    first = next(t for t, x in enumerate(r) if x == best)
    return [{"p": a, "r": b, "top": t == first} for t, (a, b) in enumerate(zip(p, r, strict=True))], {"doubt": 1 - best}


def _peak_rows(p: Any, r: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    peaks = max(p), max(r)
    return [{"p": a, "r": b, "peak": peaks[0], "other": peaks[1]} for a, b in zip(p, r, strict=True)], {
        "peak": peaks[0],
        "other": peaks[1],
    }


def _below_peaks(x: Any) -> dict[str, Any]:
    p, r = x["p"], x["r"]
    return {"p": p, "r": r, "peak": p + x["u"], "other": r + x["v"]}


def _at_most_one(top: bool) -> Build:
    """Two numbers in [0, 1]."""

    def make(x: Any) -> dict[str, Any]:
        unit = max(x["p"], x["r"]) + x["rest"]
        x.assume(unit > 0)
        return {"p": x["p"] / unit, "r": x["r"] / unit, "top": top, "doubt": 1 - x["r"] / unit}

    return Build("p r rest", make)


def _pair(x: Any) -> dict[str, Any]:
    both = _at_most_one(True).make(x)
    return {"p": both["p"], "r": both["r"]}


def _doubt(x: Any) -> dict[str, Any]:
    x.assume(x["u"] > 0)
    return {"doubt": x["u"] / (x["u"] + x["v"])}


def _total(token: Any, constant: Any = lambda doubt: 0) -> Total:
    return Total(token, constant, _top_rows)


def _certain(x: Any) -> dict[str, Any]:
    """The top token where the target is certain of it."""
    unit = x["r"] + x["rest"]
    x.assume(unit > 0)
    return {"p": unit / unit, "r": x["r"] / unit, "top": True, "doubt": x["rest"] / unit}


def _never(x: Any) -> dict[str, Any]:
    return {"p": 0 * x["r"], "r": x["r"], "top": False, "doubt": 0 * x["r"]}


def _equal(top: bool) -> Build:
    def make(x: Any) -> dict[str, Any]:
        unit = x["p"] + x["rest"]
        x.assume(unit > 0)
        return {"p": x["p"] / unit, "r": x["p"] / unit, "top": top, "doubt": x["rest"] / unit}

    return Build("p rest", make)


POSITIVE = Build("u v", _doubt)
ALL_TOKENS = (_at_most_one(True), _at_most_one(False))
ARGMAX = _total(lambda p, r, top, doubt: min(1, p) if top else 0 * p)
ARGMAX_GAP = _total(lambda p, r, top, doubt: (min(1, p) if top else 0 * p) - min(p, r))
ONE_TOP = _total(lambda p, r, top, doubt: -doubt if top else 0 * p, lambda doubt: doubt)
"""Exactly one token is the top, so that this vanishes."""
REST = _total(lambda p, r, top, doubt: 0 * p if top else p, lambda doubt: -doubt)
"""Where target and draft agree, the other tokens have the mass that the top one leaves."""
OTHERS = _total(lambda p, r, top, doubt: 0 * r if top else r, lambda doubt: -doubt)


PROOF = symbolic_proof(
    "draft-modes",
    __name__,
    Part("exact match", termwise(Build("p r rest", _pair)), MATCH, MATCH, {"overlap": RATE}),
    Part(
        "argmax",
        termwise(*ALL_TOKENS, shared=POSITIVE),
        _total(lambda p, r, top, doubt: p if top else 0 * p),
        ARGMAX,
    ),
    Part(
        "match below ratio",
        termwise(Build("p r u v", _below_peaks), shared=Build("unit", lambda x: {"peak": 0, "other": 0})),
        Total(lambda p, r, peak, other: max(peak, other) * min(p, r), lambda peak, other: 0, _peak_rows),
        Total(lambda p, r, peak, other: p * r, lambda peak, other: 0, _peak_rows),
        {
            "the smaller peak": Total(
                lambda p, r, peak, other: min(peak, other) * min(p, r), lambda peak, other: 0, _peak_rows
            ),
            "above instead": None,
        },
    ),
    Part(
        "equality of match and ratio",
        iff(Build("p r rest", _pair)),
        # A law with an entry of 1 has no other: then the common part of every other token is 0.
        Every(lambda p, r: min(p, r) == 0 or max(p, r) == 1),
        Sign(Total(lambda p, r: min(p, r) - p * r)),
        {"only disjoint": Every(lambda p, r: p * r == 0)},
    ),
    Part(
        "argmax from above",
        termwise(*ALL_TOKENS, shared=POSITIVE),
        _total(lambda p, r, top, doubt: doubt if top else 0 * p),
        ARGMAX_GAP,
        {"half of it": _total(lambda p, r, top, doubt: doubt / 2 if top else 0 * p)},
    ),
    Part(
        "argmax from below",
        termwise(*ALL_TOKENS, shared=POSITIVE, known=OTHERS),
        _total(lambda p, r, top, doubt: 0 * p, lambda doubt: -doubt),
        ARGMAX_GAP,
        {"half of it": _total(lambda p, r, top, doubt: 0 * p, lambda doubt: -doubt / 2)},
        known=OTHERS,
    ),
    Part(
        "argmax can win",
        termwise(Build("r rest", _certain), Build("r", _never), shared=POSITIVE, known=ONE_TOP),
        _total(lambda p, r, top, doubt: min(p, r)),
        ARGMAX,
        {"by more than the draft's doubt": _total(lambda p, r, top, doubt: min(p, r), lambda doubt: doubt)},
        known=ONE_TOP,
    ),
    Part(
        "argmax can lose",
        termwise(_equal(True), _equal(False), shared=POSITIVE, known=REST),
        _total(lambda p, r, top, doubt: min(p, r)),
        ARGMAX,
        {"by more than the draft's doubt": _total(lambda p, r, top, doubt: min(p, r), lambda doubt: -doubt)},
        known=REST,
    ),
    sizes="any N",
)
