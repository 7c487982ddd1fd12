"""Small text, tokenizers and models that the tests of pairs make for themselves."""

import argparse
import json

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from gpu.pairs.command import COMMAND
from gpu.pairs.corpus import SEPARATOR
from gpu.pairs.models import quiet
from gpu.pairs.tokenizers import END, train_tokenizer

LETTERS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau"
WORDS = LETTERS.split()


def document(seed, words=220):
    """Text in which some words follow others more often than not."""
    rng = np.random.default_rng(seed)
    at, out = 0, []
    for _ in range(words):
        at = (at + int(rng.choice([1, 1, 1, 2, 5]))) % len(WORDS)
        out.append(WORDS[at] + ("\n" if rng.random() < 0.1 else " "))
    return "".join(out)


def write_corpus(path, count=60):
    """A file of documents."""
    path.write_text(SEPARATOR.join(document(seed) for seed in range(count)))
    return path


def write_model(folder, seed, tokenizer, width=16, rows=None, dtype=torch.float32):
    """A Llama model with random weights, as any training would save it."""
    size = rows or tokenizer.get_vocab_size()
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        initializer_range=0.5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).to(dtype)
    with quiet():
        model.save_pretrained(folder)
    save_tokenizer(folder, tokenizer)
    return folder


def save_tokenizer(folder, tokenizer):
    """The tokenizer's files in a model's folder."""
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END).save_pretrained(folder)


def tokenizer(size=300, seeds=range(8)):
    """A byte-level BPE of the test text."""
    return train_tokenizer([document(seed) for seed in seeds], size)


def rdk_pair(capsys, *arguments):
    """Run the command as `rdk` would, with ``--json``; what it prints."""
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    capsys.readouterr()
    assert COMMAND.run(parser.parse_args([*map(str, arguments), "--json"])) == 0
    return json.loads(capsys.readouterr().out)
