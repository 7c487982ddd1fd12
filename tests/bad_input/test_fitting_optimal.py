"""Bad input of `fit_optimal`."""

from __future__ import annotations

import numpy as np
import pytest

from rdk_theory import Vocabulary
from rdk_theory.fitting.optimal import fit_optimal


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"targets": np.full((3, 6), 0.5)}, "targets"),
        ({"drafts": np.full((4, 2), 0.5)}, "drafts"),
        ({"validation": (np.full((2, 6), 0.5), np.full((2, 2), 0.5))}, "targets"),
    ],
)
def test_bad_input(change: dict[str, object], message: str) -> None:
    given = {"targets": np.full((3, 6), 1 / 6), "drafts": np.full((3, 2), 0.5), "vocab": Vocabulary(6, [4, 1])}
    with pytest.raises(ValueError, match=message):
        fit_optimal(**{**given, **change})
