"""Wrong input of the count models: each a clear error."""

import numpy as np
import pytest

from rdk_theory.counts import KneserNey


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.array([0, 1, 5]), np.zeros(3, int), 5, 2), r"tokens .* outside range\(5\) at index \(2,\)"),
        ((np.array([0, 1]), np.zeros(2, int), 5, 3), "no 3 tokens in a row"),
        ((np.array([0, 1]), np.array([0, 1]), 5, 2), "no 2 tokens in a row"),
        ((np.array([0.0, 1.0]), np.zeros(2, int), 5, 2), "tokens .* must be integers"),
        ((np.array([0, 1]), np.zeros(3, int), 5, 2), "documents has shape"),
        ((np.array([0, 1]), np.zeros(2, int), 5, 4), "order must be 2 or 3"),
        ((np.array([0, 1]), np.zeros(2, int), 3_000_000, 2), "size must be in"),
    ],
)
def test_wrong_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        KneserNey.fit(*arguments)


def test_contexts_outside_the_vocabulary_are_named():
    model = KneserNey.fit(np.arange(10) % 4, np.zeros(10, dtype=np.int64), 4, 2)
    with pytest.raises(ValueError, match=r"contexts .* outside range\(4\) at index \(0, 1\)"):
        model.rows(np.array([[0, 4]]))
    with pytest.raises(ValueError, match=r"contexts has shape \(1, 3\)"):
        model.rows(np.array([[0, 1, 2]]))
