"""The comparison of decoding methods: what it counts. What it times on models this small says nothing."""

import math

import numpy as np
import pytest
import torch

from gpu.generation import compare
from rdk_theory import Vocabulary
from rdk_theory.kernels import Embedding, RankOne
from tests.unit.tiny_models import llama, noisy

SIZE, NEW, PROMPTS, REPEATS = 11, 12, [[1, 2, 3], [4]], 2
TARGET = llama(5, SIZE, scale=1.0)
DRAFTER = noisy(TARGET, 4)
VOCAB = Vocabulary(SIZE, np.arange(8))
KERNELS = {"TLI": Embedding(VOCAB), "rank one": RankOne(VOCAB, 0.2, np.full(SIZE, 1 / SIZE))}


@pytest.mark.parametrize("temperature", [0, 1.0])
def test_every_method_makes_the_same_number_of_tokens(temperature):
    state = torch.get_rng_state()
    rows = compare(
        TARGET, DRAFTER, KERNELS, PROMPTS, max_new_tokens=NEW, temperature=temperature, repeats=REPEATS, seed=3
    )
    assert [row["method"] for row in rows] == ["plain", "assisted", "TLI", "rank one"]
    by_name = {row["method"]: row for row in rows}
    for row in rows:
        assert row["tokens"] == REPEATS * len(PROMPTS) * NEW
        assert row["block_efficiency"] == row["tokens"] / row["target_calls"]
        assert 0 < row["low"] <= row["tokens_per_second"] <= row["high"] < math.inf
    assert by_name["plain"]["block_efficiency"] == 1
    assert by_name["plain"]["acceptance_rate"] is by_name["assisted"]["acceptance_rate"] is None
    for name in KERNELS:
        assert by_name[name]["block_efficiency"] > 1
        assert 0 < by_name[name]["acceptance_rate"] < 1
    # Neither the global random state nor the target is left changed.
    assert torch.equal(torch.get_rng_state(), state)
    assert not TARGET._forward_pre_hooks
