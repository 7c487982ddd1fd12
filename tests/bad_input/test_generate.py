"""Bad input to generation: each error names the argument and what is wrong with it."""

import numpy as np
import pytest
import torch
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    DynamicCache,
    MambaConfig,
    MambaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from gpu.generation import AdaptiveLength, FixedLength, PrunedDrafter, Streams, compare, generate, rdk
from rdk_theory import Vocabulary
from rdk_theory.kernels import Embedding, RankOne
from tests.unit.tiny_models import build, llama, mistral

SIZE = 11
TARGET = llama(0, SIZE)
VOCAB = Vocabulary(SIZE, [3, 1, 4])
DRAFTER = PrunedDrafter(TARGET, VOCAB)
KERNEL = Embedding(VOCAB)


def run(**changes):
    arguments = {
        "target": TARGET,
        "drafter": DRAFTER,
        "kernel": KERNEL,
        "prompts": [[1, 2]],
        "max_new_tokens": 4,
        "streams": Streams.from_seed(0),
        **changes,
    }
    target, drafter, kernel, prompts = (arguments.pop(name) for name in ("target", "drafter", "kernel", "prompts"))
    return generate(target, drafter, kernel, prompts, **arguments)


CONTEXTUAL = RankOne(VOCAB, np.array([0.1, 0.2]), np.full((2, SIZE), 1 / SIZE))
OTHER_SIZE, OTHER_KEPT = Embedding(Vocabulary(SIZE + 1, [3, 1, 4])), Embedding(Vocabulary(SIZE, [3, 4, 1]))
BACK = np.arange(SIZE)[::-1].copy()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": llama(0, SIZE + 1)}, "kernel is over 11 target tokens, but the head of the target has 12 rows"),
        ({"kernel": OTHER_SIZE}, "kernel is over 12 target tokens, but the head of the target has 11 rows"),
        ({"kernel": OTHER_KEPT}, "their kept tokens differ"),
        ({"kernel": Embedding(Vocabulary(SIZE, [3, 1]))}, "their kept tokens differ"),
        ({"kernel": CONTEXTUAL}, "kernel of type RankOne depends on the context, and is of fixed contexts"),
        ({"kernel": None}, "kernel must be a Kernel, or have a vocab and give one at a hidden state, not NoneType"),
        ({"drafter": TARGET}, "drafter must be a PrunedDrafter, not LlamaForCausalLM"),
        ({"target": torch.nn.Linear(2, 2)}, "target of type Linear has no linear head"),
        ({"target": llama(0, SIZE).train()}, "target is in training mode"),
        ({"drafter": PrunedDrafter(llama(0, SIZE).train(), VOCAB)}, "drafter is in training mode"),
        ({"length": 0}, "gamma must be an integer of at least 1, not 0"),
        ({"length": True}, "gamma must be an integer of at least 1, not True"),
        ({"length": 2.5}, "length must be an integer or a rule such as AdaptiveLength, not float"),
        ({"streams": 0}, "streams must be Streams, not int"),
        ({"eos_token_id": SIZE}, r"eos_token_id of shape \(1,\) has id 11 outside range\(11\) at index \(0,\)"),
        ({"eos_token_id": [0.5]}, r"eos_token_id of shape \(1,\) must be integers"),
        ({"eos_token_id": []}, r"eos_token_id of shape \(0,\) must have one axis and at least one token"),
        ({"max_new_tokens": 0}, "max_new_tokens must be an integer of at least 1, not 0"),
        ({"max_new_tokens": 2.0}, "max_new_tokens must be an integer"),
        ({"temperature": -1.0}, "temperature must be finite and at least 0, not -1.0"),
        ({"temperature": float("nan")}, "temperature must be finite"),
        ({"temperature": float("inf")}, "temperature must be finite"),
        ({"temperature": True}, "temperature must be finite"),
        ({"verification": "tree"}, "verification must be one of token, block, lazy, not 'tree'"),
        ({"prompts": []}, "prompts is empty"),
        ({"prompts": [[1], []]}, r"prompts\[1\] of shape \(0,\) must have one axis and at least one token"),
        ({"prompts": [[[1, 2]]]}, r"prompts\[0\] of shape \(1, 2\) must have one axis"),
        ({"prompts": [[0.5]]}, r"prompts\[0\] of shape \(1,\) must be integers, not torch.float32"),
        ({"prompts": [[1, SIZE]]}, r"prompts\[0\] of shape \(2,\) has id 11 outside range\(11\) at index \(1,\)"),
        ({"prompts": [[-1]]}, r"has id -1 outside range\(11\)"),
    ],
)
def test_generate(changes, message):
    with pytest.raises(ValueError, match=message):
        run(**changes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: PrunedDrafter(TARGET, Vocabulary(SIZE + 1, [0])),
            "vocab has a draft_size of 12, but the drafter's head",
        ),
        (lambda: PrunedDrafter(torch.nn.Linear(2, 2), VOCAB), "drafter of type Linear has no linear head"),
        (
            lambda: PrunedDrafter(TARGET, Vocabulary(SIZE, np.arange(SIZE), draft_size=SIZE, draft_ids=BACK)),
            "inputs is needed: the drafter embeds 11 tokens",
        ),
        (
            lambda: PrunedDrafter(TARGET, Vocabulary(SIZE + 5, [15], draft_size=SIZE, draft_ids=[0])),
            "inputs is needed: the drafter embeds 11 tokens under ids that are not those of the target's 16",
        ),
        (lambda: PrunedDrafter(TARGET, VOCAB, [0]), r"inputs of shape \(1,\) must be integers of shape \(11,\)"),
        (lambda: PrunedDrafter(TARGET, VOCAB, np.zeros(SIZE)), "must be integers"),
        (lambda: PrunedDrafter(TARGET, VOCAB, np.arange(SIZE) + 1), r"has id 11 outside range\(11\) at index \(10,\)"),
        (lambda: FixedLength(0), "gamma must be an integer of at least 1, not 0"),
        (lambda: AdaptiveLength(0, 0.1), "gamma must be an integer of at least 1, not 0"),
        (lambda: AdaptiveLength(4, -0.1), "draft_cost must be finite and at least 0, not -0.1"),
        (lambda: AdaptiveLength(4, 0.1, confidence=1.5), r"confidence must be in \[0, 1\], not 1.5"),
        (lambda: AdaptiveLength(4, 0.1, memory=-1), r"memory must be in \[0, 1\], not -1"),
        (lambda: Streams.from_seed(-1), "seed must be an integer of at least 0, not -1"),
        (lambda: Streams.from_seed(0.5), "seed must be an integer"),
        (lambda: rdk(TARGET, Embedding(Vocabulary(SIZE + 1, [0]))), "vocab has a draft_size of 12"),
        (
            lambda: compare(TARGET, TARGET, {}, [[1]], max_new_tokens=2, repeats=0),
            "repeats must be an integer of at least",
        ),
        (lambda: compare(TARGET, TARGET, {}, [], max_new_tokens=2), "prompts is empty"),
        (lambda: compare(TARGET, TARGET, {"plain": KERNEL}, [[1]], max_new_tokens=2), "kernels has the name 'plain'"),
        (lambda: compare(TARGET, TARGET, {}, [[1]], max_new_tokens=2, temperature=-1), "temperature must be finite"),
        (lambda: rdk(TARGET, KERNEL, length=0), "gamma must be an integer of at least 1, not 0"),
        (lambda: rdk(TARGET, KERNEL, verification="tree"), "verification must be one of token, block, lazy"),
    ],
)
def test_parts(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_sliding_windows_take_one_prompt_at_a_time():
    target = mistral(0, window=4, size=SIZE)
    with pytest.raises(ValueError, match="target of type MistralForCausalLM has sliding windows: give it one prompt"):
        run(target=target, prompts=[[1], [2]])


def test_positions_that_are_columns_take_one_prompt_at_a_time():
    target = build(BloomForCausalLM, BloomConfig(vocab_size=SIZE, hidden_size=8, n_layer=1, n_head=2), 0)
    with pytest.raises(ValueError, match="target of type BloomForCausalLM takes no position_ids: give it one prompt"):
        run(target=target, prompts=[[1], [2]])


def test_recurrent_models_are_refused():
    target = build(MambaForCausalLM, MambaConfig(vocab_size=SIZE, hidden_size=8, num_hidden_layers=1, state_size=4), 0)
    with pytest.raises(ValueError, match="target of type MambaForCausalLM has recurrent states, which cannot be taken"):
        run(target=target)


def test_logits_that_are_not_numbers_are_found():
    target = llama(0, SIZE)
    with torch.no_grad():
        target.lm_head.weight.fill_(float("nan"))
    for temperature in (0, 1.0):
        with pytest.raises(ValueError, match="NaN"):
            run(target=target, temperature=temperature)


def call(**changes):
    ids = torch.tensor([[1, 2], [3, 4]])
    arguments = {"attention_mask": torch.ones_like(ids), "max_new_tokens": 3, "do_sample": False, **changes}
    return TARGET.generate(ids, custom_generate=rdk(TARGET, KERNEL), **arguments)


def full_cache():
    cache = DynamicCache(config=TARGET.config)
    TARGET(torch.tensor([[1], [3]]), past_key_values=cache, use_cache=True)
    return cache


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda: {"num_beams": 2}, "num_beams must be 1, not 2"),
        (lambda: {"return_dict_in_generate": True, "output_scores": True}, "output_scores is not supported"),
        (lambda: {"past_key_values": full_cache()}, "past_key_values is not supported"),
        (lambda: {"cache_implementation": "static"}, "past_key_values is not supported"),
        (lambda: {"guidance_scale": 2.0}, "UnbatchedClassifierFreeGuidanceLogitsProcessor is not supported"),
        (lambda: {"attention_mask": torch.tensor([[1, 1], [0, 0]])}, "has a prompt without tokens"),
        (lambda: {"eos_token_id": 3}, None),
    ],
)
def test_generate_of_transformers(changes, message):
    if message is None:
        assert call(**changes()).shape[0] == 2
        return
    with pytest.raises(ValueError, match=message):
        call(**changes())


def test_encoder_decoders_are_refused():
    config = T5Config(vocab_size=SIZE, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
    target = T5ForConditionalGeneration(config)
    with pytest.raises(ValueError, match="target of type T5ForConditionalGeneration is no decoder alone"):
        run(target=target)
