"""Bad input of `fit_streamed`."""

from __future__ import annotations

import numpy as np
import pytest

from rdk_theory import Vocabulary
from rdk_theory.fitting.optimal_streamed import InMemory, fit_streamed
from rdk_theory.kernels import Embedding, RankOne

TARGETS, DRAFTS = np.full((3, 6), 1 / 6), np.full((3, 2), 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"support": 0}, "support"),
        ({"tolerance": -0.1}, "tolerance"),
        ({"rare": 1.5}, "rare"),
        ({"memory": 1e6}, "memory"),
        ({"source": []}, "source holds no batch"),
        ({"source": iter([(TARGETS, DRAFTS)])}, "anew"),
        ({"source": InMemory(np.full((3, 6), 0.5), DRAFTS)}, "targets"),
        ({"source": InMemory(TARGETS, np.full((3, 3), 1 / 3))}, "drafts"),
        ({"start": Embedding(Vocabulary(6, [4, 2]))}, "start"),
        ({"start": RankOne(Vocabulary(6, [4, 1]), np.full(3, 0.1), np.full(6, 1 / 6))}, "start"),
        ({"validation_source": InMemory(TARGETS[:, :5] * 1.2, DRAFTS)}, "targets"),
    ],
)
def test_bad_input(change: dict[str, object], message: str) -> None:
    given = {"source": InMemory(TARGETS, DRAFTS), "vocab": Vocabulary(6, [4, 1]), "steps": 5}
    with pytest.raises(ValueError, match=message):
        fit_streamed(**{**given, **change})


def test_a_source_that_grows_is_noticed() -> None:
    class Growing:
        count = 0

        def __iter__(self):
            self.count += 1
            rows = np.random.default_rng(0).dirichlet(np.ones(6), 2 + self.count)
            yield rows, rows[:, :2] / rows[:, :2].sum(axis=1, keepdims=True)

    with pytest.raises(ValueError, match="more contexts"):
        fit_streamed(Growing(), Vocabulary(6, [4, 1]), steps=5)
