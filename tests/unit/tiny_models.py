"""Tiny language models with random weights, made without a network."""

import copy

import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM


def build(kind, config, seed, dtype=torch.float64):
    """A model of this configuration."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = kind(config).to(dtype).eval()
    # The makers of configurations put ids of the real Llama here.
    model.generation_config.eos_token_id = model.generation_config.bos_token_id = None
    return model


def llama(seed, size=23, width=16, layers=2, scale=0.6, dtype=torch.float64):
    """A Llama over `size` tokens; weights of this scale give laws that are neither flat nor certain."""
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        initializer_range=scale,
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
    )
    return build(LlamaForCausalLM, config, seed, dtype)


def mistral(seed, window, size=23):
    """A Mistral that attends to a sliding window."""
    config = MistralConfig(
        vocab_size=size,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        initializer_range=0.6,
        sliding_window=window,
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
    )
    return build(MistralForCausalLM, config, seed)


def noisy(model, seed, noise=0.2):
    """A drafter that often agrees with a model: the same model with noise on its weights."""
    out = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in out.parameters():
            weight += (
                noise * weight.std(correction=0) * torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
            )
    return out


def greedy(model, prompt, new, **arguments):
    """The model's own greedy continuation of one prompt."""
    ids = torch.tensor([list(prompt)])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=new, **arguments)
    return out[0, len(prompt) :].tolist()
