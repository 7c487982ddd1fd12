"""Wrong parameters of gated priors: each a clear error that names what and where."""

from fractions import Fraction

import numpy as np
import pytest

from rdk_theory import Vocabulary
from rdk_theory.kernels import GatedPriors

VOCAB = Vocabulary(3, [2, 0])
GATES = np.array([0.5, 0.25, 0.25])
PRIORS = np.array([[0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])

WRONG = {
    "priors of one axis": ({"priors": PRIORS[0]}, r"priors has shape \(3,\), expected \(m, 3\)"),
    "no priors": ({"priors": PRIORS[:0]}, r"priors has shape \(0, 3\), expected \(m, 3\)"),
    "priors too short": ({"priors": PRIORS[:, :2]}, r"priors has shape \(2, 2\), expected \(\.\.\., 2, 3\)"),
    "no law": ({"priors": PRIORS * 0.9}, r"priors of shape \(2, 3\) must sum to 1"),
    "too few gates": ({"gates": np.array([0.5, 0.5])}, r"gates of shape \(2,\) must have a last axis of length 3"),
    "negative gate": ({"gates": np.array([1.5, -0.5, 0.0])}, r"gates of shape \(3,\) is negative at index \(1,\)"),
    "gates of no sum": ({"gates": GATES / 2}, r"gates of shape \(3,\) must sum to 1"),
    "mixed": (
        {"gates": np.array([Fraction(1), Fraction(0), Fraction(0)], dtype=object)},
        "gates and priors mix rationals and floats",
    ),
}


@pytest.mark.parametrize(("given", "message"), WRONG.values(), ids=WRONG.keys())
def test_parameters(given, message):
    with pytest.raises(ValueError, match=message):
        GatedPriors(VOCAB, **{"gates": GATES, "priors": PRIORS, **given})


def test_a_draft_for_other_contexts():
    kernel = GatedPriors(VOCAB, np.stack([GATES, GATES]), PRIORS)
    with pytest.raises(ValueError, match=r"draft has batch shape \(\), expected \(2,\)"):
        kernel.redistribute(np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match=r"draft has batch shape \(3,\), expected \(2,\)"):
        kernel.draw(np.zeros(3, dtype=np.int64), np.full(3, 0.5))
