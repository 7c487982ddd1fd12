"""Every tolerance of the package, in one table, with its reason.

`unit_sum[dtype]` bounds ``|Σ p − 1|`` for what may be called a distribution. Each must admit a softmax
that was computed in that dtype over 262,144 tokens and must not admit a vector that lost a token of
visible mass.
"""

from __future__ import annotations

from typing import Final

UNIT_SUM: Final[dict[str, float]] = {
    "object": 0.0,  # rationals: a distribution sums to 1 exactly
    "float64": 1e-9,  # 262,144 roundings of 1e-16 stay below 1e-10
    "float32": 1e-4,  # softmax with pairwise sums: 1e-6; with running sums up to 3e-3, which is refused
    "bfloat16": 2e-2,  # 8 bits: each entry is off by up to 0.4 %, and always to the same side in the worst case
    "float16": 2e-2,  # entries below 6e-8 vanish: 262,144 of them can hold 1.5 % of the mass
}
"""Largest ``|Σ p − 1|`` of a distribution, by dtype."""

EXACT: Final = 1e-12
"""Two float64 roads to one number: sums of at most 10⁴ terms of size at most 1."""

SAME_DTYPE: Final[dict[str, float]] = {
    "float64": 1e-12,  # see EXACT
    "float32": 2e-6,  # 16 units in the last place of 1
    "float16": 2e-3,  # results are rounded once, to 11 bits
    "bfloat16": 1.6e-2,  # results are rounded once, to 8 bits
}
"""Largest distance between the same function in this dtype and in float64 on the same inputs."""
