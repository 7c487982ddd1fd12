"""Texts made by the fused operations, with cuts, and with kernels of each context, against the target's law.

The tests are those of `tests.statistical.test_generate`, with its error rates: the right law passes with probability at
least 1 − 10⁻⁹, one that is 0.12 away in total variation is found out with probability at least 1 − 10⁻⁶.
"""

from itertools import product

import numpy as np
import pytest
import torch

from gpu.generation import contextual, drafting, fused
from rdk_theory.kernels import RankOne
from rdk_theory.statistics import law_test, law_test_plan
from tests.statistical.test_generate import (
    FALSE_FAIL,
    FALSE_PASS,
    KERNELS,
    NEW,
    PROMPT,
    SIZE,
    VOCAB,
    next_law,
    outcome,
    sample,
)


class ByState:
    """A weight for each context, far from constant."""

    vocab = VOCAB

    def __init__(self):
        self.weights = []

    def at(self, hidden, kept_logits):
        """As `gpu.generation.Contextual.at`."""
        weight = torch.sigmoid(hidden.sum(dim=-1))
        self.weights.append(weight)
        return RankOne(VOCAB, weight, np.array([0.1, 0.6, 0.1, 0.2]))


@pytest.mark.parametrize(
    ("name", "verification"),
    [("embedding", "block"), ("rank one", "token"), ("sparse", "lazy")],
)
def test_texts_of_the_fused_operations_have_the_target_s_law(name, verification):
    out = sample(KERNELS[name], verification=verification, implementation="naive")
    assert outcome(out.tokens).passed
    assert 0.2 < out.acceptance_rate < 0.99


@pytest.mark.parametrize(
    ("implementation", "verification"), [("reference", "lazy"), ("naive", "token"), ("naive", "block")]
)
def test_texts_with_a_kernel_for_each_context_have_the_target_s_law(implementation, verification):
    kernel = ByState()
    out = sample(kernel, verification=verification, implementation=implementation)
    assert outcome(out.tokens).passed
    assert 0.2 < out.acceptance_rate < 0.99
    assert float(torch.cat(kernel.weights).std()) > 0.05


def test_kernels_of_other_contexts_are_found_out(monkeypatch):
    """The mutants: verification with the weights of another text or step, by either implementation."""
    together, steps = fused.Fused.together, contextual.Steps
    for implementation, mutant in (
        ("naive", lambda self, columns, **how: together(self, [each.at(1 - each.weight) for each in columns], **how)),
        ("reference", None),
    ):
        with monkeypatch.context() as patched:
            if mutant is not None:
                patched.setattr(fused.Fused, "together", mutant)
            else:
                patched.setattr(
                    drafting,
                    "Steps",
                    lambda kernels: steps([RankOne(VOCAB, 1 - each.weight, each.prior) for each in kernels]),
                )
            assert not outcome(sample(ByState(), implementation=implementation).tokens).passed


@pytest.mark.parametrize("implementation", ["reference", "naive"])
def test_texts_of_a_cut_target_have_the_law_that_is_left(implementation):
    """The two likeliest tokens of each law, at most; the control is the target without a cut."""
    joint = np.zeros((SIZE,) * NEW)
    for text in product(range(SIZE), repeat=NEW):
        laws = [next_law([*PROMPT, *text[:at]]) for at in range(NEW)]
        left = [law * (law >= np.sort(law)[-2]) for law in laws]
        joint[text] = np.prod([law[token] / law.sum() for token, law in zip(text, left, strict=True)])
    test = law_test_plan(joint.ravel(), 0.12, FALSE_FAIL, FALSE_PASS)
    for top_k, passed in ((2, True), (None, False)) if implementation == "naive" else ((2, True),):
        tokens = torch.stack(
            sample(KERNELS["rank one"], top_k=top_k, implementation=implementation).tokens[: test.samples]
        )
        counts = np.bincount(np.ravel_multi_index(tokens.numpy().T, (SIZE,) * NEW), minlength=SIZE**NEW)
        assert counts.sum() == test.samples
        assert law_test(counts, test).passed == passed
