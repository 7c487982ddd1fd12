r"""R5 of ``flat-kernel-limit``: all from ``e^x >= 1 + x``, at the right points.

*entry*: :math:`\sum_k e^{x_k} \ge \sum_k (1 + x_k) = N` for deviations of sum 0, so that :math:`M_j = e^{x_j}/\sum_k
e^{x_k} \le e^{s'}/N`.

*sharp entry*: the others have mean :math:`m = -x_j/(N-1)`, and :math:`\sum_{k \ne j} e^{x_k} \ge e^m \sum_{k \ne j}(1
+ x_k - m) = (N-1)e^m`; so :math:`1/M_j \ge 1 + (N-1)e^{-x_j N/(N-1)}`, which falls in :math:`x_j \le s'`. Equal
others are equality.

*sharper*: it says :math:`N \le e^{s'} + (N-1)e^{-s'/(N-1)}`, and the two tangents add up to :math:`1 + s' + (N-1) -
s'`.

*acceptance*: :math:`(q'M)_t` is a mean of entries, so at most :math:`e^{s'}/N`, and min rises. *acceptance from the
mean target*: besides, :math:`\min(\cdot, e^{s'}/N)` is concave, so that its mean over contexts is at most its value
at the mean.

*distance from uniform*: the tokens above :math:`1/N` are a share :math:`w`; with :math:`E = e^s` their weights are at
most :math:`E`, the others' at least :math:`1/E`, so that TV is at most :math:`w(1-w)(E^2 - 1)/(wE^2 + 1 - w)`. That is
at most :math:`(E-1)/(E+1) = \tanh(s/2)`: their difference times the denominators is :math:`(E-1)(w(E+1) - 1)^2` (the
identity).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from proofs_check.intervals._facts import Identity, Tie, interval_proof
from proofs_check.intervals._functions import NOT_TANGENT, TANGENT, tanh_half
from rdk_theory.theorems._polynomials import Polynomial


def _distance(power: int = 1) -> bool:
    """``(E−1)(wE² + 1 − w) − (E+1) w(1−w)(E²−1) = (E−1)(w(E+1) − 1)²``."""
    w, e = Polynomial.variables(2)
    one = w * 0 + 1
    root = w * (e + power) - one
    gap = (e - one) * (w * e * e + one - w) - (e + one) * w * (one - w) * (e * e - one)
    return not (gap - (e - one) * root * root).terms


def _row(s: float) -> dict[str, Any]:
    """A covariance whose first row is (2, −1, −1): deviations of a third of `s` at most, times 3/2."""
    import numpy as np

    covariance = np.array([[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]])
    return {"covariance": covariance * s / 2, "kept": np.array([1]), "temperature": 1.0}


def _context(s: float) -> dict[str, Any]:
    """That kernel, its kept token drafted and wanted."""
    import numpy as np

    return {**_row(s), "p": np.array([[0.0, 1.0, 0.0]]), "draft": np.array([[1.0]])}


def _pair(s: float) -> dict[str, Any]:
    import numpy as np

    return {"x": np.array([s, -s])}


PROOF = interval_proof(
    "flat-kernel-limit",
    __name__,
    facts=TANGENT,
    identities=(
        Identity(
            "(E - 1)(w E^2 + 1 - w) - (E + 1) w (1 - w)(E^2 - 1) = (E - 1)(w (E + 1) - 1)^2",
            _distance,
            lambda: _distance(2),
        ),
    ),
    clauses=(
        "entry",
        "sharp entry",
        "sharper",
        "acceptance",
        "acceptance from the mean target",
        "distance from uniform",
    ),
    mutants=(NOT_TANGENT,),
    ties=(
        Tie("entry", "stated", _row, lambda x: x.exp() / 3),
        Tie("entry", "measured", _row, lambda x: 1 / (1 + 2 * (-3 * x / 2).exp())),
        Tie("sharp entry", "stated", _row, lambda x: 1 / (1 + 2 * (-3 * x / 2).exp())),
        Tie("sharp entry", "measured", _row, lambda x: 1 / (1 + 2 * (-3 * x / 2).exp())),
        Tie("sharper", "stated", _row, lambda x: x.exp() / 3),
        Tie("sharper", "measured", _row, lambda x: 1 / (1 + 2 * (-3 * x / 2).exp())),
        *(
            tie
            for clause in ("acceptance", "acceptance from the mean target")
            for tie in (
                Tie(clause, "stated", _context, lambda x: x.exp() / 3),
                Tie(clause, "measured", _context, lambda x: 1 / (1 + 2 * (-3 * x / 2).exp())),
            )
        ),
        Tie("distance from uniform", "stated", _pair, tanh_half),
        Tie(
            "distance from uniform",
            "measured",
            _pair,
            lambda x: tanh_half(2 * x) / 2,
            points=(Fraction(1, 16), Fraction(3)),
        ),
    ),
    sizes="all N >= 2, all deviations",
    model="x = (1, -1/2, -1/2): N = 3, s' = 1",
)
