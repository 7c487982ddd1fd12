r"""R5 of ``diffusion-first-order``: the heat kernel, for every weight.

:math:`e^{\theta(A-I)} = \sum_k \pi_k A^k` with Poisson weights :math:`\pi_k = e^{-\theta}\theta^k/k!`. Against
:math:`(1-\theta)I + \theta A` it has more of :math:`I`, by :math:`a = e^{-\theta} - 1 + \theta > 0` (the tangent at
:math:`-\theta`), less of :math:`A`, by :math:`b = \theta(1 - e^{-\theta})`, and all of :math:`C = \sum_{k \ge 2} \pi_k
A^k`. All rows have sum 1, so that :math:`aI + C` has row sums :math:`b`.

*heat*: :math:`\mathrm{TV} = \sum_j (b A_{ij} - a\delta_{ij} - C_{ij})_+ \le b`. Attained by the chain 0 → 1 → 2 → 2:
its row is :math:`(e^{-\theta}, \theta e^{-\theta}, \text{the rest})`.

*heat, equality*: it is :math:`b` iff :math:`aI + C` vanishes where :math:`A_{ij} > 0`; as :math:`\pi_k > 0`, iff no
such :math:`j` is reached in two steps or more. (:math:`j = i` would be, in two.)
"""

from __future__ import annotations

from typing import Any

from proofs_check.intervals._facts import Fact, Tie, interval_proof
from proofs_check.intervals._functions import FAR, TANGENT


def _heat(x: Any) -> Any:
    return x * (1 - (-x).exp())


def _chain(weight: float) -> dict[str, Any]:
    """0 moves to 1, 1 to 2, and 2 stays."""
    import numpy as np

    return {"affinity": np.eye(3)[[1, 2, 2]], "weight": weight}


def _square(numerator: int) -> Fact:
    says = f"theta (1 - e^-theta) < {numerator}/10 theta^2"
    return Fact(says, lambda x: x * x * numerator / 10 - _heat(x), FAR)


PROOF = interval_proof(
    "diffusion-first-order",
    __name__,
    facts=(
        *TANGENT,
        Fact("the rest of the chain's row: 1 - e^-theta - theta e^-theta > 0", lambda x: 1 - (1 + x) * (-x).exp(), FAR),
        _square(10),
        Fact("theta (1 - e^-theta) > theta^2 - theta^3/2", lambda x: _heat(x) - x * x + x**3 / 2, FAR),
    ),
    clauses=("heat", "heat, equality"),
    mutants=(
        Fact("a > 0 with half of theta: e^-theta > 1 - theta/2", lambda x: (-x).exp() - 1 + x / 2, FAR),
        _square(9),
        Fact("theta (1 - e^-theta) > theta^2 - theta^3/3", lambda x: _heat(x) - x * x + x**3 / 3, FAR),
        Fact("half of the square: theta^2/2 > theta (1 - e^-theta)", lambda x: x * x / 2 - _heat(x), 1),
    ),
    ties=(
        Tie("heat", "stated", _chain, _heat),
        Tie("heat", "measured", _chain, _heat),
    ),
    sizes="all N, every weight in (0, 1)",
    model="the chain 0 -> 1 -> 2 -> 2 with theta = 1/2",
    notes=("the bound lies between theta^2 - theta^3/2 and theta^2",),
)
