"""R6 of ``draft-modes``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "draft-modes",
    __name__,
    theorems={
        "exact_match": ("exact match",),
        "argmax_accepted": ("argmax",),
        "exact_match_below_ratio": ("match below ratio",),
        "match_bound_attained": ("match below ratio",),
        "match_is_ratio_iff": ("equality of match and ratio",),
        "argmax_from_above": ("argmax from above",),
        "argmax_from_below": ("argmax from below",),
        "argmax_bounds_attained": ("argmax from above", "argmax from below"),
        "argmax_can_win": ("argmax can win",),
        "argmax_can_lose": ("argmax can lose",),
    },
    mutants=(
        ("meeting n p r = sum n (fun t => p t * r t).", "meeting n p r = alpha n p r."),
        ("accepted n p (point k) = p k.", "accepted n p (point k) = 1."),
        ("meeting n p r <= m * alpha n p r.", "m * alpha n p r <= meeting n p r."),
        ("(exists t, (t < n)%nat /\\ p t = 1) \\/ (exists", "(exists"),
        ("p k - alpha n p r <= 1 - r k.", "p k - alpha n p r <= (1 - r k) / 2."),
        ("- (1 - r k) <= p k - alpha n p r.", "- (1 - r k) / 2 <= p k - alpha n p r."),
        ("r k < 1 ->\n  alpha n (point k) r <", "r k <= 1 ->\n  alpha n (point k) r <"),
        ("p k < 1 -> accepted n p (point k) <", "p k <= 1 -> accepted n p (point k) <"),
    ),
    notes=("m is any bound of both laws, k any token: the statements at the maxima are the special case",),
)
