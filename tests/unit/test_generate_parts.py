"""Parts of speculative decoding: caches that forget, heads that are pruned, lengths that adapt."""

import numpy as np
import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM, Gemma2Config, Gemma2ForCausalLM, GPT2Config, GPT2LMHeadModel

from gpu.generation import AdaptiveLength, FixedLength, PrunedDrafter, Streams, decoding, generate
from gpu.generation.cached import CachedModel
from rdk_theory import Vocabulary
from rdk_theory.kernels import Embedding
from rdk_theory.speed import best_draft_length
from rdk_theory.tolerances import EXACT
from tests.unit.tiny_models import build, greedy, llama, mistral, noisy

SIZE = 23


def plain_logits(model, text, wanted):
    """Logits after the last tokens of a text, by one pass without a cache."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([text]), use_cache=False).logits[0, -wanted:]


def walk(model, rows, steps, seed, forgets=True):
    """Read and forget at random; the largest difference to passes without a cache, relative to the largest logit."""
    rng = np.random.default_rng(seed)
    cached = CachedModel("model", model, rows, lambda ids: ids)
    texts, worst = [[] for _ in range(rows)], 0.0
    for step in range(steps):
        lengths = rng.integers(1, 5, rows) + (5 * rng.integers(0, 2, rows) if not step else 0)
        new = [rng.integers(0, SIZE, n).tolist() for n in lengths]
        wanted = int(min(lengths))
        with torch.no_grad():
            logits = cached.read(new, wanted)
        texts = [text + more for text, more in zip(texts, new, strict=True)]
        for row, text in enumerate(texts):
            plain = plain_logits(model, text, wanted)
            worst = max(worst, float((logits[row] - plain).abs().max() / plain.abs().max()))
        # Rejected tokens stand at the end of every row, fewer than were read.
        back = [int(rng.integers(0, n)) for n in lengths]
        texts = [text[: len(text) - n] for text, n in zip(texts, back, strict=True)]
        cached.forget(back if forgets else [0] * rows)
        if step == steps // 2 and rows > 1:
            chosen = list(range(rows - 1))
            cached.select(chosen)
            texts, rows = [texts[row] for row in chosen], rows - 1
    return worst


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_cached_logits_are_those_of_a_pass_without_cache(rows):
    model = llama(0)
    assert walk(model, rows, 8, rows) <= 10 * EXACT
    # The control: a cache that keeps what was rejected.
    assert walk(model, rows, 8, rows, forgets=False) > 1e-3


def test_sliding_windows_keep_what_a_crop_needs():
    assert walk(mistral(0, window=6), 1, 12, 0) <= 10 * EXACT


def test_sliding_windows_generate_the_target_s_text():
    target = mistral(5, window=4)
    vocab = Vocabulary(SIZE, np.arange(15))
    prompt = list(range(9))
    out = generate(
        target,
        PrunedDrafter(noisy(target, 1), vocab),
        Embedding(vocab),
        [prompt],
        max_new_tokens=12,
        streams=Streams.from_seed(0),
        temperature=0,
    )
    assert out.tokens[0].tolist() == greedy(target, prompt, 12)
    assert 0 < out.acceptance_rate < 1


IDS = {"vocab_size": SIZE, "bos_token_id": None, "eos_token_id": None, "pad_token_id": None, "initializer_range": 0.6}
FAMILIES = {
    "learned positions": (GPT2LMHeadModel, GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=64, **IDS), 2),
    "soft cap, windows and tied weights": (
        Gemma2ForCausalLM,
        Gemma2Config(
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            sliding_window=4,
            final_logit_softcapping=3.0,
            query_pre_attn_scalar=8,
            **IDS,
        ),
        1,
    ),
    "no position ids": (BloomForCausalLM, BloomConfig(hidden_size=16, n_layer=2, n_head=2, **IDS), 1),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_other_families_generate_the_target_s_text(family):
    kind, config, count = FAMILIES[family]
    target = build(kind, config, 1)
    prompts = [[1, 2, 3, 4, 5, 6], [7, 8]][:count]
    vocab = Vocabulary(SIZE, np.arange(18))
    out = generate(
        target,
        PrunedDrafter(noisy(target, 1, 0.1), vocab),
        Embedding(vocab),
        prompts,
        max_new_tokens=12,
        streams=Streams.from_seed(0),
        length=3,
        temperature=0,
    )
    assert [tokens.tolist() for tokens in out.tokens] == [greedy(target, prompt, 12) for prompt in prompts]
    assert out.acceptance_rate > 0


@pytest.mark.parametrize("tied", [False, True])
def test_the_pruned_head_gives_the_kept_logits_and_the_model_keeps_its_own(tied):
    model = llama(0).train()
    if tied:
        model.set_output_embeddings(torch.nn.Linear(16, SIZE, bias=False, dtype=torch.float64))
        model.lm_head.weight = model.model.embed_tokens.weight
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    kept = np.random.default_rng(0).permutation(SIZE)[:7]
    drafter = PrunedDrafter(model, Vocabulary(SIZE, kept))
    ids = torch.tensor([[1, 2, 3, 22]])
    full, pruned = model(ids).logits, drafter.model(ids).logits
    assert pruned.shape == (1, 4, 7)
    torch.testing.assert_close(pruned, full[..., torch.as_tensor(kept)], rtol=0, atol=10 * EXACT)
    assert model.get_output_embeddings().out_features == SIZE
    assert drafter.model.get_output_embeddings().weight.shape == (7, 16)
    assert drafter.model.model is model.model
    assert all(module.training for module in model.modules())
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_bias_is_pruned_with_its_head():
    model = llama(0)
    head = torch.nn.Linear(16, SIZE, dtype=torch.float64)
    model.set_output_embeddings(head)
    drafter = PrunedDrafter(model, Vocabulary(SIZE, [4, 0, 9]))
    assert torch.equal(drafter.model.get_output_embeddings().bias, head.bias[[4, 0, 9]])


def test_a_drafter_with_ids_of_its_own():
    """The drafter numbers its tokens backwards, and is the target in all else: it is always accepted."""
    target = llama(1)
    back = torch.arange(SIZE - 1, -1, -1)
    drafter = llama(1)
    with torch.no_grad():
        drafter.lm_head.weight.copy_(target.lm_head.weight[back])
        drafter.model.embed_tokens.weight.copy_(target.model.embed_tokens.weight[back])
    vocab = Vocabulary(SIZE, np.arange(SIZE), draft_size=SIZE, draft_ids=back.numpy())
    pruned = PrunedDrafter(drafter, vocab, inputs=back)
    out = generate(target, pruned, Embedding(vocab), [[1, 2], [3]], max_new_tokens=10, streams=Streams.from_seed(0))
    assert out.accepted == out.drafted


def test_a_head_that_was_trained_pruned_needs_no_slice():
    target = llama(1)
    drafter = llama(1)
    kept = [5, 1, 9, 11]
    drafter.set_output_embeddings(torch.nn.Linear(16, 4, bias=False, dtype=torch.float64))
    drafter.lm_head.weight = torch.nn.Parameter(target.lm_head.weight.detach()[kept])
    whole, own = Vocabulary(SIZE, kept), Vocabulary.pruned_head(SIZE, kept)
    texts = [
        generate(
            target, PrunedDrafter(*pair), Embedding(pair[1]), [[1, 2]], max_new_tokens=10, streams=Streams.from_seed(0)
        ).tokens[0]
        for pair in ((target, whole), (drafter, own))
    ]
    assert torch.equal(*texts)


@pytest.mark.parametrize("prompts", [[[1, 2, 3]], [[4], [5, 6, 7, 8], [9, 1]]])
def test_every_law_of_the_loop_is_that_of_a_pass_without_cache(prompts, monkeypatch):
    """Target rows and draft rows of every call, in which some tokens were rejected before and others were not."""
    target, vocab = llama(0), Vocabulary(SIZE, np.arange(15)[::-1].copy())
    drafter, texts, steps = noisy(target, 1), [list(prompt) for prompt in prompts], []
    real = decoding.verify

    def spy(method, targets, chain, kernel, streams):
        emitted, passed = real(method, targets, chain, kernel, streams)
        if chain is not None and len(emitted) == len(texts):
            gamma = chain.tokens.shape[1]
            for row, text in enumerate(texts):
                whole = text + chain.tokens[row].tolist()
                own = torch.softmax(plain_logits(target, whole, gamma + 1), dim=-1)
                torch.testing.assert_close(targets[row], own, rtol=0, atol=EXACT)
                kept = plain_logits(drafter, whole[:-1], gamma)[:, torch.as_tensor(vocab.kept.copy())]
                torch.testing.assert_close(chain.drafts[row], torch.softmax(kept, dim=-1), rtol=0, atol=EXACT)
            for text, more in zip(texts, emitted, strict=True):
                text += more
            steps.append(tuple(n < gamma for n in passed))
        return emitted, passed

    monkeypatch.setattr(decoding, "verify", spy)
    pruned = PrunedDrafter(drafter, vocab)
    generate(target, pruned, Embedding(vocab), prompts, max_new_tokens=30, streams=Streams.from_seed(2), length=2)
    assert len(steps) > 8
    assert {rejected for step in steps for rejected in step} == {False, True}


def test_adaptive_length_follows_the_acceptance_rate():
    rule = AdaptiveLength(6, 0.1)
    assert rule.acceptance == 0.5
    assert rule.most() == best_draft_length(0.5, 0.1, 6)
    for _ in range(50):
        rule.observe(6, 6)
    assert rule.most() == 6
    for _ in range(100):
        rule.observe(0, 1)
    # At 0.1 no draft pays, but one is still tried, so that the estimate can recover.
    assert best_draft_length(rule.acceptance, 0.1, 6) == 0
    assert rule.most() == 1
    for _ in range(100):
        rule.observe(1, 1)
    assert rule.most() > 1


def test_adaptive_length_stops_where_the_drafter_is_unsure():
    rule = AdaptiveLength(6, 0.1, confidence=0.3)
    assert rule.goes_on(torch.tensor([0.5, 0.2]))
    assert not rule.goes_on(torch.tensor([0.3, 0.2]))
    assert AdaptiveLength(6, 0.1).goes_on(torch.tensor([0.0]))
    assert FixedLength(2).goes_on(torch.tensor([0.0]))
