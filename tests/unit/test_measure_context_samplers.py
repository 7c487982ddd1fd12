"""Samplers that know the context: they measure what their kernels accept, where there is a head to read."""

from dataclasses import replace

import numpy as np
import pytest

from rdk_theory import Vocabulary, acceptance_rate
from rdk_theory.fitting.shortlist import ShortlistHead
from rdk_theory.measure.context_samplers import CONTEXT_NAMES, context_samplers, kept_logits
from rdk_theory.measure.samplers import Contexts
from tests.unit.contextual_pair import pair


def contexts(made):
    """As a measurement gives them."""
    shared = Vocabulary.full(made.vocab.size)
    narrow = (x.astype(np.float32) for x in (made.targets, made.full))
    return Contexts.of(made.vocab, shared, *narrow, made.documents, made.hidden.astype(np.float32), made.head)


MADE = pair(0, contexts=300, size=120, kept=10, width=32, noise=0.2)
FITTING, OTHERS = contexts(MADE.part(slice(0, 200))), contexts(MADE.part(slice(200, 300)))


def test_all_of_them_accept_more_than_tli_on_other_contexts():
    tli = np.minimum(OTHERS.targets[:, MADE.vocab.kept], OTHERS.drafts).sum(axis=1).mean()
    reached = {}
    for sampler in context_samplers():
        assert sampler.applies(FITTING)
        reached[sampler.name] = sampler.fit(FITTING).judge(OTHERS).mean()
    assert tuple(reached) == CONTEXT_NAMES
    assert min(reached.values()) > tli + 0.05
    assert reached["shortlist-eighth"] > reached["shortlist-sixteenth"]


def test_a_judge_accepts_what_the_kernel_accepts():
    (sampler,) = context_samplers(["shortlist-eighth"])
    head = ShortlistHead.within(1 / 8, MADE.head, MADE.vocab, FITTING.states)
    kernel = head.at(OTHERS.states, kept_logits(OTHERS))
    expected = acceptance_rate(OTHERS.targets, kernel.redistribute(OTHERS.drafts))
    assert np.array_equal(sampler.fit(FITTING).judge(OTHERS), expected)
    assert head.cost.operations_share <= 1 / 8


def test_where_they_do_not_apply():
    whole = Vocabulary.full(MADE.vocab.size)
    mapped = Vocabulary(120, MADE.vocab.kept, draft_size=120, draft_ids=MADE.vocab.kept[::-1])
    narrow = replace(FITTING, states=FITTING.states[:, :4], head=MADE.head[:, :4])
    for unfit in (replace(FITTING, head=None), replace(FITTING, states=None), replace(FITTING, vocab=whole)):
        assert not any(sampler.applies(unfit) for sampler in context_samplers())
    assert not any(sampler.applies(replace(FITTING, vocab=mapped)) for sampler in context_samplers())
    assert [s.name for s in context_samplers() if s.applies(narrow)] == ["gated-priors"]


def test_an_unknown_name():
    with pytest.raises(ValueError, match="no sampler 'shortlist' of contexts; there are gated-priors, low-rank-eighth"):
        context_samplers(["shortlist"])
