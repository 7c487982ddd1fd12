"""Sampled texts of tiny models against the target's law, enumerated; and wrong decoders, which must fail.

Every law test passes the right law with probability at least 1 − 10⁻⁹ and finds out any law whose total variation to
the target's is at least the stated `smallest` with probability at least 1 − 10⁻⁶.
"""

import functools
from itertools import product

import numpy as np
import pytest
import scipy.sparse
import torch

from gpu.generation import AdaptiveLength, PrunedDrafter, Streams, generate, rdk, verify
from gpu.generation.cached import CachedModel
from rdk_theory import Vocabulary
from rdk_theory.kernels import Dense, Embedding, RankOne, Sparse
from rdk_theory.statistics import binomial_test, law_test, law_test_plan
from tests.unit.tiny_models import llama, noisy

FALSE_FAIL, FALSE_PASS = 1e-9, 1e-6
SIZE, NEW, PROMPT, TEMPERATURE = 4, 3, [1, 3], 1.3

TARGET = llama(2, SIZE, scale=0.5)
DRAFTER = noisy(TARGET, 0, 0.5)
VOCAB = Vocabulary(SIZE, [2, 0, 3])
KERNELS = {
    "embedding": Embedding(VOCAB),
    "rank one": RankOne(VOCAB, 0.4, np.array([0.1, 0.6, 0.1, 0.2])),
    "sparse": Sparse(VOCAB, scipy.sparse.csr_array(np.array([[0, 0.4, 0.6, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 1.0]]))),
    "dense": Dense(VOCAB, torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.25] * 4, [0.0, 0.5, 0.0, 0.5]], dtype=torch.float64)),
}


def next_law(text, temperature=TEMPERATURE):
    """The target's law of the next token, by one pass without a cache."""
    with torch.no_grad():
        logits = TARGET(input_ids=torch.tensor([text]), use_cache=False).logits[0, -1]
    return torch.softmax(logits / temperature, dim=-1).numpy()


@functools.cache
def plan():
    """A test of the joint law of `NEW` tokens."""
    joint = np.empty((SIZE,) * NEW)
    for text in product(range(SIZE), repeat=NEW):
        joint[text] = np.prod([next_law([*PROMPT, *text[:at]])[token] for at, token in enumerate(text)])
    return law_test_plan(joint.ravel(), 0.12, FALSE_FAIL, FALSE_PASS)


def sample(kernel, seed=0, **arguments):
    arguments = {"length": 2, "temperature": TEMPERATURE, **arguments}
    prompts = [PROMPT] * plan().samples
    drafter = PrunedDrafter(DRAFTER, kernel.vocab)
    return generate(TARGET, drafter, kernel, prompts, max_new_tokens=NEW, streams=Streams.from_seed(seed), **arguments)


def outcome(texts):
    tokens = torch.stack(texts).numpy()
    return law_test(np.bincount(np.ravel_multi_index(tokens.T, (SIZE,) * NEW), minlength=SIZE**NEW), plan())


@pytest.mark.parametrize(
    ("name", "verification"),
    [("embedding", "token"), ("rank one", "block"), ("sparse", "lazy"), ("dense", "block"), ("rank one", "token")],
)
def test_texts_have_the_target_s_law(name, verification):
    out = sample(KERNELS[name], verification=verification)
    assert outcome(out.tokens).passed
    assert 0.2 < out.acceptance_rate < 0.99


class FirstUnsure(AdaptiveLength):
    """Stops where the drafter is unsure of the first text of a batch, so that its drafts decide for all others."""

    def goes_on(self, chain):
        return super().goes_on(chain[:1])


def test_texts_of_adaptive_length_have_the_target_s_law():
    """Small batches, in which the rule does stop at times and at times does not."""
    drafter, kernel = PrunedDrafter(DRAFTER, VOCAB), KERNELS["rank one"]
    rule, streams = FirstUnsure(3, 0.05, confidence=0.25), Streams.from_seed(0)
    tokens, lengths = [], set()
    while len(tokens) < plan().samples:
        out = generate(
            TARGET,
            drafter,
            kernel,
            [PROMPT] * min(40, plan().samples - len(tokens)),
            max_new_tokens=NEW,
            streams=streams,
            length=rule,
            verification="block",
            temperature=TEMPERATURE,
        )
        tokens += out.tokens
        lengths.add(out.drafted[0][0])
    assert len(lengths) > 1
    assert outcome(tokens).passed


def test_acceptance_of_the_first_token_is_the_overlap():
    """Of the first drafted tokens as many are accepted as target and proposal share mass; two-sided, at 10⁻⁹."""
    kernel = KERNELS["rank one"]
    out = sample(kernel, length=1)
    with torch.no_grad():
        logits = DRAFTER(input_ids=torch.tensor([PROMPT])).logits[0, -1] / TEMPERATURE
    proposal = kernel.redistribute(torch.softmax(logits[torch.as_tensor(VOCAB.kept.copy())], dim=-1).numpy())
    overlap = np.minimum(next_law(PROMPT), proposal).sum()
    accepted = sum(row[0] for row in out.accepted)
    assert binomial_test(accepted, plan().samples, overlap, "two-sided") > FALSE_FAIL
    # The control: TLI's overlap is another.
    tli = np.minimum(next_law(PROMPT), Embedding(VOCAB).redistribute(proposal[VOCAB.kept] / proposal[VOCAB.kept].sum()))
    assert binomial_test(accepted, plan().samples, tli.sum(), "two-sided") < FALSE_FAIL


def other_weight(chain, kernel):
    """The mutant: verify against the proposal of another weight."""
    return RankOne(kernel.vocab, 0.1, kernel.prior).redistribute(chain.drafts)


def test_a_wrong_proposal_is_found_out(monkeypatch):
    monkeypatch.setattr(verify, "_proposals", other_weight)
    assert not outcome(sample(KERNELS["rank one"]).tokens).passed


def test_a_cache_that_keeps_rejected_tokens_is_found_out(monkeypatch):
    monkeypatch.setattr(CachedModel, "forget", lambda self, tokens: None)
    assert not outcome(sample(KERNELS["rank one"]).tokens).passed


def test_generate_of_transformers_keeps_its_law():
    """The first two tokens of ``model.generate`` with a warper that cuts each law to three tokens."""
    cut = [law * (law > law.min()) for law in (next_law([*PROMPT, *more]) for more in ([], [0], [1], [2], [3]))]
    first, *second = [law / law.sum() for law in cut]
    joint = first[:, None] * np.stack(second)
    test = law_test_plan(joint.ravel(), 0.12, FALSE_FAIL, FALSE_PASS)
    ids = torch.tensor([PROMPT]).repeat(test.samples, 1)
    for top_k, passed in ((3, True), (4, False)):  # the control: nothing is cut
        method = rdk(DRAFTER, KERNELS["rank one"], length=2)
        tokens = TARGET.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            custom_generate=method,
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=top_k,
            max_new_tokens=3,
        )[:, len(PROMPT) : len(PROMPT) + 2].numpy()
        counts = np.bincount(np.ravel_multi_index(tokens.T, (SIZE, SIZE)), minlength=SIZE**2)
        assert law_test(counts, test).passed == passed
