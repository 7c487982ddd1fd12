"""RDK as a decoding method of ``model.generate``: the same texts as the model's own, in every form of the call."""

import re
import textwrap

import numpy as np
import pytest
import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

import gpu.generation
from gpu.generation import AdaptiveLength, rdk
from rdk_theory import Vocabulary
from rdk_theory.kernels import RankOne
from tests.unit.tiny_models import llama, noisy

SIZE, NEW = 11, 8
TARGET = llama(5, SIZE, scale=1.0)
DRAFTER = noisy(TARGET, 4)
VOCAB = Vocabulary(SIZE, np.random.default_rng(1).permutation(SIZE)[:8])
KERNEL = RankOne(VOCAB, 0.2, np.full(SIZE, 1 / SIZE))

IDS = torch.tensor([[0, 0, 1, 2, 3], [0, 0, 0, 0, 4], [5, 6, 7, 8, 9], [0, 1, 0, 2, 2]])
MASK = torch.tensor([[0, 0, 1, 1, 1], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1], [0, 1, 1, 1, 1]])


class Odd(LogitsProcessor):
    """Forbids one token after another has been said an odd number of times: it looks at the whole text."""

    def __call__(self, input_ids, scores):
        odd = (input_ids == 4).sum(dim=1) % 2 == 1
        scores = scores.clone()
        scores[odd, 4] = -float("inf")
        return scores


class Said(StoppingCriteria):
    """Ends a text that has said a token."""

    def __call__(self, input_ids, scores, **kwargs):
        return (input_ids[:, IDS.shape[1] :] == 3).sum(dim=1) >= 1


CASES = {
    "plain": {},
    "end": {"eos_token_id": 3},
    "ends": {"eos_token_id": [3, 0]},
    "at least": {"eos_token_id": 4, "min_new_tokens": 5},
    "repetition": {"repetition_penalty": 1.7},
    "no repetition": {"no_repeat_ngram_size": 2},
    "by prompt": {"prefix_allowed_tokens_fn": lambda row, ids: [t for t in range(SIZE) if t not in (row + 2, ids[-1])]},
    "own processor": {"logits_processor": LogitsProcessorList([Odd()])},
    "own criterion": {"eos_token_id": 100, "stopping_criteria": StoppingCriteriaList([Said()])},
    "length in all": {"max_new_tokens": None, "max_length": 9},
}


def both(method, ids=IDS, mask=MASK, **arguments):
    """The model's own sequences, and those of the method."""
    arguments = {"do_sample": False, "max_new_tokens": NEW, "pad_token_id": 10, **arguments}
    own = TARGET.generate(ids, attention_mask=mask, **arguments)
    return own, TARGET.generate(ids, attention_mask=mask, custom_generate=method, **arguments)


@pytest.mark.parametrize("verification", ["token", "block"])
@pytest.mark.parametrize("case", CASES)
def test_a_padded_batch_gives_the_model_s_own_sequences(case, verification):
    method = rdk(DRAFTER, KERNEL, verification=verification, length=3)
    own, ours = both(method, **CASES[case])
    assert torch.equal(own, ours)
    assert 0 < method.report.acceptance_rate < 1


@pytest.mark.parametrize("row", range(4))
def test_one_prompt_without_padding(row):
    ids = IDS[row][MASK[row].bool()][None]
    own, ours = both(rdk(DRAFTER, KERNEL, length=AdaptiveLength(5, 0.2)), ids, torch.ones_like(ids))
    assert torch.equal(own, ours)


def test_a_prompt_alone_does_as_the_target_s_config_says():
    config = GenerationConfig(max_new_tokens=5, do_sample=False, eos_token_id=3, pad_token_id=10)
    own, ours = (
        TARGET.generate(IDS[2:3], generation_config=config, attention_mask=MASK[2:3], custom_generate=method)
        for method in (None, rdk(DRAFTER, KERNEL))
    )
    assert torch.equal(own, ours)


def test_several_sequences_a_prompt_and_a_dictionary():
    method = rdk(DRAFTER, KERNEL)
    arguments = {"num_return_sequences": 3, "do_sample": True, "return_dict_in_generate": True, "pad_token_id": 10}
    out = TARGET.generate(IDS, attention_mask=MASK, max_new_tokens=NEW, custom_generate=method, **arguments).sequences
    assert out.shape == (12, IDS.shape[1] + NEW)
    assert torch.equal(out[:, : IDS.shape[1]], IDS.repeat_interleave(3, dim=0))
    new = out[:, IDS.shape[1] :].tolist()
    assert new == [tokens.tolist() for tokens in method.report.tokens]
    assert len(set(map(tuple, new))) > 4


def test_what_the_warpers_forbid_is_not_said():
    """Of sampled tokens, each is among the two that the target finds likeliest; without the warper some are not."""
    for top_k, allowed in ((2, True), (0, False)):
        method = rdk(DRAFTER, KERNEL)
        out = TARGET.generate(
            IDS[2:3].repeat(20, 1),
            attention_mask=MASK[2:3].repeat(20, 1),
            do_sample=True,
            top_k=top_k,
            temperature=1.5,
            max_new_tokens=NEW,
            custom_generate=method,
        )
        with torch.no_grad():
            logits = TARGET(out).logits[:, IDS.shape[1] - 1 : -1]
        best = logits.topk(2, dim=-1).indices
        assert bool((out[:, IDS.shape[1] :, None] == best).any(dim=-1).all()) == allowed


def test_calls_go_on_with_the_streams_and_the_seed_decides():
    def two_calls(seed):
        method = rdk(DRAFTER, KERNEL, seed=seed)
        arguments = {"attention_mask": MASK, "do_sample": True, "max_new_tokens": NEW, "custom_generate": method}
        return [TARGET.generate(IDS, pad_token_id=10, **arguments).tolist() for _ in range(2)]

    first, second = two_calls(1)
    assert first != second
    assert two_calls(1) == [first, second]
    assert two_calls(2)[0] != first


def test_the_example_runs(capsys):
    """The example of the module, with tiny models for a user's pair."""
    example = re.search(r"::\n\n((?:    .*\n|\n)+)", gpu.generation.__doc__)[1]
    given = {
        "model": TARGET,
        "drafter": DRAFTER,
        "kept": VOCAB.kept,
        "weight": 0.2,
        "prior": KERNEL.prior,
        "inputs": {"input_ids": IDS, "attention_mask": MASK, "pad_token_id": 10},
    }
    exec(compile(textwrap.dedent(example), "example", "exec"), given)
    assert given["tokens"].shape == (4, IDS.shape[1] + 64)
    report = given["method"].report
    assert report.target_calls < 64
    rates = (report.acceptance_rate, report.block_efficiency, report.tokens_per_second)
    assert capsys.readouterr().out.split() == [str(rate) for rate in rates]
