"""Assisted generation of transformers with different tokenizers, end to end: tiny models, all through `generate`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import torch

from gpu.audits.seeding import seeded
from rdk_theory.audit import Adapter
from rdk_theory.audit.experiments import Draws, Experiment, Law, Suspect

TARGET = ("<unk>", "a", "b", "c", "d", "e")
OVERLAPPING = ("<unk>", "e", "x", "c", "a", "y", "b")
"""Words of an assistant whose vocabulary neither holds the target's nor lies within it, in the order of its ids."""

WITHIN = ("<unk>", "e", "c", "a", "b")
"""Words of an assistant all of which the target has."""

PROMPT = ("a", "b", "c")
SMALLEST = 0.2
"""A call of `generate` takes tens of milliseconds: at this size a law takes some thousand of them."""

SCALE = 25.0
"""Of the random heads, so that the two models say different things."""


def _tokenizer(words: tuple[str, ...]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=words[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=words[0], pad_token=words[0])


def _model(size: int, seed: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=size,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        model.lm_head.weight.mul_(SCALE)
    return model


def _experiment(name: str, words: tuple[str, ...], around: Callable[[], Any]) -> Experiment:
    """The first token after a prompt; two more are generated, so that a chain is drafted."""
    target, drafter = _model(len(TARGET), 0), _model(len(words), 1)
    tokenizer, assistant = _tokenizer(TARGET), _tokenizer(words)
    prompt = torch.tensor([[TARGET.index(word) for word in PROMPT]])
    with torch.no_grad():
        law = torch.softmax(target(prompt).logits[0, -1].double(), -1).numpy()
    with around():
        suspects = _permuted(law, tokenizer, assistant, drafter)

    def draw(count: int, rng: np.random.Generator) -> Draws:
        first = np.empty(count, dtype=np.int64)
        with seeded(rng), around():
            for row in range(count):
                out = target.generate(
                    prompt,
                    attention_mask=torch.ones_like(prompt),
                    assistant_model=drafter,
                    tokenizer=tokenizer,
                    assistant_tokenizer=assistant,
                    do_sample=True,
                    top_k=0,
                    max_new_tokens=3,
                )
                first[row] = int(out[0, prompt.shape[1]])
        return {"first token": first}

    tested = Law("first token", law / law.sum(), lambda cell: f"token {TARGET[cell]!r}", suspects=suspects)
    return Experiment(name, (tested,), draw)


def _permuted(law: np.ndarray, tokenizer: Any, assistant: Any, drafter: Any) -> tuple[Suspect, ...]:
    """What comes out if the pruned head's columns are drawn in one order and reported in another.

    The head keeps the assistant's shared ids in the order of a table of strings; the reported row is filled in their
    ascending order. With `s` the law drawn from and `r` the law reported, a token is emitted with
    ``s_t min(1, p_t/r_t)``, and from the residual of `r` otherwise.
    """
    from transformers.generation.candidate_generator import AssistantVocabTranslatorCache

    ids = torch.tensor([[assistant.convert_tokens_to_ids(word) for word in PROMPT]])
    with torch.no_grad():
        logits = drafter(ids).logits[0, -1].double()
    # The translator that `generate` will find; making it prunes the drafter's head.
    translator = AssistantVocabTranslatorCache.get_translator(
        tokenizer, assistant, len(TARGET), assistant_model=drafter, assistant_prune_lm_head=True
    )
    overlap = torch.tensor(list(translator.target_to_assistant_input_ids.values()))
    if not hasattr(translator, "assistant_overlap_token_ids") or bool((overlap == overlap.sort().values).all()):
        return ()
    to_target = translator._assistant_to_target_input_ids
    rows = torch.softmax(logits[overlap], -1).numpy()
    drawn, reported = np.zeros(len(TARGET)), np.zeros(len(TARGET))
    drawn[to_target[overlap].numpy()] = rows
    reported[to_target[overlap.sort().values].numpy()] = rows
    accept = np.where(reported > 0, np.minimum(1, law / np.where(reported > 0, reported, 1)), 1)
    residual = np.maximum(law - reported, 0)
    emitted = drawn * accept + (drawn * (1 - accept)).sum() * residual / residual.sum()
    return (Suspect("the law reported to the verifier is a permutation of the one drawn from", emitted),)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice that assisted generation gives itself in every round."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


@contextlib.contextmanager
def _sorted_overlap() -> Iterator[None]:
    """The overlap in ascending order of the assistant's ids, which is the order that reported laws are read in."""
    from transformers.generation.candidate_generator import AssistantToTargetTranslator as Translator

    unsorted = Translator._get_assistant_to_target_input_ids

    def ascending(self: Any) -> Any:
        table, back = unsorted(self)
        return table, dict(sorted(back.items(), key=lambda pair: pair[1]))

    with _quiet(), mock.patch.object(Translator, "_get_assistant_to_target_input_ids", ascending):
        yield


def experiments() -> Iterator[Experiment]:
    """As released, with an assistant that has words of its own."""
    yield _experiment("an assistant with words of its own", OVERLAPPING, _quiet)


def patched_experiments() -> Iterator[Experiment]:
    """The same with the overlap sorted."""
    yield _experiment("an assistant with words of its own, overlap sorted", OVERLAPPING, _sorted_overlap)


def within_experiments() -> Iterator[Experiment]:
    """As released, with an assistant whose words the target has all."""
    yield _experiment("an assistant without words of its own", WITHIN, _quiet)


ADAPTER = Adapter("transformers-tli", "experiments", experiments, smallest=SMALLEST)
PATCHED = Adapter("transformers-tli-sorted", "experiments", patched_experiments, smallest=SMALLEST)
SUBSET = Adapter("transformers-tli-within", "experiments", within_experiments, smallest=SMALLEST)
