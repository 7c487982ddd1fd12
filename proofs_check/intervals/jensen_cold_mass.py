r"""R5 of ``jensen-cold-mass``: all from ``e^x ≥ 1 + x``, and one function of the range.

*lower*: :math:`\frac1n\sum e^{z_j - \bar z} \ge \frac1n\sum(1 + z_j - \bar z) = 1`.

*chord*: :math:`z = (1-\lambda) a + \lambda b` has :math:`(1-\lambda)e^a + \lambda e^b \ge e^z[1 + (1-\lambda)(a-z) +
\lambda(b-z)] = e^z`; so the mean exponential is at most that of two values with the same mean, on the extremes.

*upper*, *largest gap*: that is, over :math:`e^{\min z}`, :math:`y = 1 + p(e^s - 1)`. By :math:`\log(y/\varphi) \le
y/\varphi - 1` (the tangent again) and :math:`(e^s - 1)/\varphi = s`, :math:`\log y - ps \le \log\varphi + 1/\varphi -
1 = J(s)`, with equality at :math:`y = \varphi`, which is :math:`p = 1/s - 1/(e^s - 1)`, a share, for :math:`1 <
\varphi < e^s`.

*lower in weights*, *chord in weights*: those, exponentiated, at :math:`z = k \log b`. *Gaussian*: the square completed.

*Hoeffding*: enclosed up to 8; beyond, :math:`J(s) \le s \le s^2/8` since :math:`1 \le \varphi \le e^s`. *leading
constant*: enclosed up to 9; beyond, :math:`s^2/8 < s^4/576`, and :math:`J \ge 0` by
:math:`\log(1/\varphi) \le 1/\varphi - 1`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from proofs_check.intervals._facts import Fact, Tie, interval_proof
from proofs_check.intervals._functions import GAUSSIAN, NOT_TANGENT, TANGENT, hoeffding, jensen


def _leading(over: int) -> Fact:
    function = lambda x: jensen(x) - x * x / 8 + x**4 / over  # noqa: E731
    return Fact(f"J(s) > s^2/8 - s^4/{over}", function, 9, beyond="J(s) >= 0 > s^2/8 - s^4/576")


def _logits(s: float) -> dict[str, Any]:
    import numpy as np

    return {"z": np.array([s, 0.0, 0.0])}


WHOLE = (Fraction(1), Fraction(3))


def _powers(k: float) -> dict[str, Any]:
    return {"base": 2, "k": [int(k), 0, 0]}


def _normal(sigma: float) -> dict[str, Any]:
    return {"mu": 0.5, "sigma": sigma}


def _three() -> Any:
    from flint import arb

    return arb(3).log()


PROOF = interval_proof(
    "jensen-cold-mass",
    __name__,
    facts=(*TANGENT, hoeffding(8), _leading(576)),
    identities=(GAUSSIAN,),
    clauses=(
        "lower",
        "upper",
        "chord",
        "largest gap",
        "Hoeffding",
        "leading constant",
        "lower in weights",
        "chord in weights",
        "Gaussian",
    ),
    mutants=(NOT_TANGENT, hoeffding(9), _leading(1152)),
    ties=(
        Tie("largest gap", "stated", lambda s: {"spread": s}, jensen),
        Tie("largest gap", "measured", lambda s: {"spread": s}, jensen),
        Tie("Hoeffding", "measured", lambda s: {"spread": s}, jensen),
        Tie("Hoeffding", "stated", lambda s: {"spread": s}, lambda x: x * x / 8),
        Tie("leading constant", "measured", lambda s: {"spread": s}, jensen),
        Tie("leading constant", "stated", lambda s: {"spread": s}, lambda x: x * x / 8 - x**4 / 576),
        Tie("lower", "stated", _logits, lambda x: _three() + x / 3),
        Tie("lower", "measured", _logits, lambda x: (x.exp() + 2).log()),
        Tie("upper", "stated", _logits, lambda x: _three() + x / 3 + jensen(x)),
        Tie("upper", "measured", _logits, lambda x: (x.exp() + 2).log()),
        Tie("chord", "stated", _logits, lambda x: (x.exp() + 2).log()),
        Tie("chord", "measured", _logits, lambda x: (x.exp() + 2).log()),
        Tie("lower in weights", "stated", _powers, lambda x: 2**x, WHOLE),
        Tie("lower in weights", "measured", _powers, lambda x: ((2**x + 2) / 3) ** 3, WHOLE),
        Tie("chord in weights", "stated", _powers, lambda x: (2**x + 2) / 3, WHOLE),
        Tie("chord in weights", "measured", _powers, lambda x: (2**x + 2) / 3, WHOLE),
        *(
            tie
            for road in ("stated", "measured")
            for tie in (
                Tie("Gaussian", road, _normal, lambda x: x * x / 2),
                Tie("Gaussian", road, _normal, lambda x: (-x * x / 2).exp(), entry=1),
            )
        ),
    ),
    sizes="all n, every range s > 0",
    model="z = (1, 0, 0): n = 3, s = 1",
)
