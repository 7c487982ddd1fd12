"""R6 of ``overshoot``."""

from __future__ import annotations

from proofs_check.coq._theorems import coq_proof

PROOF = coq_proof(
    "overshoot",
    __name__,
    theorems={
        "gain": ("gain",),
        "target_on_kept_tokens": ("target on kept tokens",),
        "right_mass_wrong_token": ("right mass, wrong token",),
        "largest_loss": ("largest loss",),
        "largest_loss_attained": ("largest loss",),
        "covered": ("covered",),
        "not_wasted": ("not wasted",),
        "iff_beyond_safe_weight": ("iff beyond the safe weight",),
        "safe_weight_exists": ("iff beyond the safe weight",),
        "iff_for_some_prior": ("iff for some prior",),
    },
    mutants=(
        ("at_weight c - at_weight 0 = won - taken.", "at_weight c - at_weight 0 = won."),
        ("at_weight c = 1 - c /\\ at_weight 0 = 1 /\\", "at_weight c = 1 /\\ at_weight 0 = 1 /\\"),
        ("<= Rmin c missing - won.", "<= Rmin c missing / 2 - won."),
        ("cold t = false -> p t <= q t) ->", "cold t = false -> p t <= q t + c) ->"),
        ("cold t = true -> c * r t <= p t) ->", "cold t = true -> 0 <= p t) ->"),
        ("(at_weight c < at_weight 0 <-> y < c).", "(at_weight c < at_weight 0 <-> y <= c)."),
        ("/\\ Rmin (p t) c < taken n p q cold c).", "/\\ p t < taken n p q cold c)."),
        ("(point 3) last_two c c <", "(point 2) last_two c c <"),
    ),
)
