"""Speculative decoding of tiny models: the target's own text in greedy decoding, and what is counted on the way."""

import functools

import numpy as np
import pytest
import torch

from gpu.generation import AdaptiveLength, PrunedDrafter, Streams, generate
from rdk_theory import Vocabulary
from rdk_theory.kernels import Dense, Embedding, RankOne
from tests.kernel_cases import KEPT, SIZE, cases
from tests.unit.tiny_models import greedy, llama, noisy

PROMPTS = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 10, 0], [2, 2]]
NEW = 7

TARGET = llama(5, SIZE, scale=1.0)  # its greedy texts are of many tokens, and differ
DRAFTER = noisy(TARGET, 4)


@functools.cache
def wanted(index, new=NEW):
    return greedy(TARGET, PROMPTS[index], new)


def run(kernel, prompts=PROMPTS, *, seed=0, drafter=DRAFTER, **arguments):
    arguments = {"max_new_tokens": NEW, "length": 3, **arguments}
    return generate(
        TARGET, PrunedDrafter(drafter, kernel.vocab), kernel, prompts, streams=Streams.from_seed(seed), **arguments
    )


def lists(generated):
    return [tokens.tolist() for tokens in generated.tokens]


def kernels():
    """Every kind of kernel, with parameters in numpy and in torch."""
    return [*cases(), *(case for case in cases(torch.as_tensor) if case.name in ("rank one", "dense", "low rank"))]


@pytest.mark.parametrize("verification", ["token", "block"])
@pytest.mark.parametrize("case", kernels(), ids=repr)
def test_greedy_text_is_the_target_s_own(case, verification):
    out = run(case.kernel, verification=verification, temperature=0)
    assert lists(out) == [wanted(index) for index in range(len(PROMPTS))]


@pytest.mark.parametrize("verification", ["token", "block"])
@pytest.mark.parametrize("gamma", [1, 2, 5, 12])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_greedy_for_every_draft_length_and_batch(count, gamma, verification):
    vocab = Vocabulary(SIZE, np.random.default_rng(0).permutation(SIZE)[:8])
    out = run(Embedding(vocab), PROMPTS[:count], length=gamma, verification=verification, temperature=0)
    assert lists(out) == [wanted(index) for index in range(count)]
    assert max(max(row) for row in out.drafted) == min(gamma, NEW - 1)
    # Some were accepted and some were not, so that caches did have to forget.
    assert 0 < out.acceptance_rate < 1


def test_greedy_with_adaptive_length_and_float32():
    target = llama(5, SIZE, scale=1.0, dtype=torch.float32)
    vocab = Vocabulary(SIZE, np.arange(8))
    rule = AdaptiveLength(6, 0.1, confidence=0.1)
    out = generate(
        target,
        PrunedDrafter(noisy(target, 4), vocab),
        Embedding(vocab),
        PROMPTS,
        max_new_tokens=NEW,
        streams=Streams.from_seed(0),
        length=rule,
        temperature=0,
    )
    assert lists(out) == [greedy(target, prompt, NEW) for prompt in PROMPTS]
    assert len({gamma for row in out.drafted for gamma in row}) > 1


def test_greedy_names_cold_tokens():
    """TLI never drafts the one token that was pruned; a kernel that sends all mass there drafts nothing else."""
    chosen = [token for index in range(len(PROMPTS)) for token in wanted(index)]
    common = max(set(chosen), key=chosen.count)
    vocab = Vocabulary(SIZE, [token for token in range(SIZE) if token != common])
    moved = run(RankOne(vocab, 1.0, np.eye(SIZE)[common]), temperature=0, length=1)
    assert lists(moved) == [wanted(index) for index in range(len(PROMPTS))]
    assert 0 < sum(map(sum, moved.accepted)) <= chosen.count(common)


@pytest.mark.parametrize("verification", ["token", "block", "lazy"])
@pytest.mark.parametrize("temperature", [0, 0.7, 1.3])
def test_a_drafter_that_is_the_target_is_always_accepted(temperature, verification):
    vocab = Vocabulary.full(SIZE)
    out = run(
        Embedding(vocab),
        drafter=TARGET,
        temperature=temperature,
        verification=verification,
        max_new_tokens=12,
        length=3,
    )
    assert out.accepted == out.drafted
    assert out.acceptance_rate == 1
    assert out.block_efficiency == 4
    assert out.target_calls == 3
    assert out.draft_calls == 3 * 3


def test_what_is_counted_adds_up():
    out = run(cases()[1].kernel, max_new_tokens=30)
    for tokens, accepted, drafted in zip(out.tokens, out.accepted, out.drafted, strict=True):
        assert len(accepted) == len(drafted) <= out.target_calls
        assert all(0 <= a <= d for a, d in zip(accepted, drafted, strict=True))
        # Each call gives its accepted tokens and one more; only the last one's can be cut.
        assert sum(accepted[:-1]) + len(accepted) - 1 < len(tokens) <= sum(accepted) + len(accepted)
    assert 0 < out.acceptance_rate < 1
    calls = sum(map(len, out.accepted))
    assert out.block_efficiency == sum(map(len, out.tokens)) / calls > 1
    assert out.tokens_per_second == pytest.approx(sum(map(len, out.tokens)) / out.seconds)
    assert out.target_calls == max(map(len, out.accepted))


def test_one_token_is_the_target_s_alone():
    out = run(cases()[1].kernel, max_new_tokens=1, temperature=0)
    assert lists(out) == [wanted(index)[:1] for index in range(len(PROMPTS))]
    assert out.draft_calls == 0
    assert out.acceptance_rate is None
    assert out.block_efficiency == 1


@pytest.mark.parametrize("ends", [lambda texts: texts[0][2], lambda texts: [texts[0][2], texts[1][4], 0]])
def test_texts_end_at_an_end_token(ends):
    texts = [wanted(index) for index in range(len(PROMPTS))]
    eos = ends(texts)
    out = run(Embedding(Vocabulary(SIZE, np.arange(8))), temperature=0, eos_token_id=eos)
    known = {eos} if isinstance(eos, int) else set(eos)
    cut = [text[: next((i + 1 for i, t in enumerate(text) if t in known), NEW)] for text in texts]
    assert lists(out) == cut
    assert len(set(map(len, cut))) > 1


def test_the_seed_decides():
    kernel = cases()[1].kernel
    assert lists(run(kernel, seed=5)) == lists(run(kernel, seed=5))
    assert lists(run(kernel, seed=5)) != lists(run(kernel, seed=6))


@pytest.mark.parametrize("purpose", ["draft", "accept", "residual", "bonus"])
def test_every_stream_is_used_and_none_twice(purpose):
    vocab = Vocabulary(SIZE, np.arange(KEPT))
    kernel = Embedding(vocab)
    drafter = PrunedDrafter(DRAFTER, vocab)
    texts = []
    for seed in (0, 1):
        named = {name: getattr(Streams.from_seed(0), name) for name in ("draft", "accept", "residual", "bonus")}
        named[purpose] = getattr(Streams.from_seed(seed), purpose)
        streams = Streams(**named)
        assert len({stream.initial_seed() for stream in named.values()}) == 4
        out = generate(TARGET, drafter, kernel, PROMPTS, max_new_tokens=20, streams=streams, length=2)
        texts.append(lists(out))
    assert texts[0] != texts[1]


def test_prompts_may_be_tensors_and_are_not_changed():
    prompts = [torch.tensor(prompt) for prompt in PROMPTS]
    kernel = cases()[0].kernel
    assert lists(run(kernel, prompts)) == lists(run(kernel))
    assert [prompt.tolist() for prompt in prompts] == PROMPTS


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_narrow_models_and_kernels(dtype):
    """Whatever is rounded, no drafted token is impossible under the law that it is verified against."""
    target = llama(5, SIZE, scale=1.0, dtype=dtype)
    vocab = Vocabulary.full(SIZE)
    rows = torch.softmax(torch.from_numpy(np.random.default_rng(0).normal(size=(SIZE, SIZE))), dim=-1)
    for kernel in (Dense(vocab, rows.to(dtype)), RankOne(vocab, 0.1, rows[0].to(dtype))):
        for verification in ("token", "block", "lazy"):
            out = generate(
                target,
                PrunedDrafter(target, vocab),
                kernel,
                PROMPTS,
                max_new_tokens=NEW,
                streams=Streams.from_seed(0),
                verification=verification,
            )
            assert all(len(tokens) == NEW for tokens in out.tokens)
            assert out.acceptance_rate > 0
