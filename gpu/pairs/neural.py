"""Two Llama models from scratch: a target trained on text, and a smaller drafter distilled from it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from gpu.pairs.models import quiet
from gpu.pairs.trainer import Budget, History, Training

HEAD_SIZE = 32
CHUNK = 256
"""Tokens whose logits are held at once: few enough for the allocator to reuse the same memory each time."""


@dataclass(frozen=True)
class Shape:
    """Width and depth of a model."""

    width: int
    layers: int

    @classmethod
    def parse(cls, text: str) -> Shape:
        """``192x2`` is width 192 and 2 layers.

        Raises
        ------
        ValueError
            For anything else, or a width that is no multiple of 32.
        """
        width, cross, layers = text.partition("x")
        if not (cross and width.isdecimal() and layers.isdecimal() and int(layers) > 0):
            raise ValueError(f"a shape is WIDTHxLAYERS, 192x2 for instance, not {text!r}")
        if int(width) == 0 or int(width) % HEAD_SIZE:
            raise ValueError(f"width must be a multiple of {HEAD_SIZE}, not {width}")
        return cls(int(width), int(layers))


TARGET, DRAFTER = Shape(192, 2), Shape(64, 1)
LENGTHS = (64, 64, 64, 128)
"""Tokens in a training sequence, step by step: short ones teach more a second, long ones the far contexts."""
TOKENS = 512
"""Tokens in a step."""
RATE = 2e-3
TARGET_SHARE = 0.7
"""Share of the time that the target gets; the drafter gets the rest."""


def build(shape: Shape, vocab_size: int, seed: int, device: torch.device) -> LlamaForCausalLM:
    """A Llama model with random weights; embedding and head share one matrix."""
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=shape.width,
        intermediate_size=-(-shape.width * 8 // 3 // 32) * 32,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.width // HEAD_SIZE,
        num_key_value_heads=shape.width // HEAD_SIZE,
        max_position_embeddings=2 * max(LENGTHS),
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return prepare(LlamaForCausalLM(config), device)


def prepare(model: Any, device: torch.device) -> LlamaForCausalLM:
    """Bring a model to a device, with the attention that is fastest at this length.

    On a CPU plain products take half the time of the fused attention.
    """
    model.set_attn_implementation("eager" if device.type == "cpu" else "sdpa")
    prepared: LlamaForCausalLM = model.to(device)
    return prepared


@dataclass(frozen=True)
class Stream:
    """Training text as one row of tokens, from which batches are cut at random places.

    Parameters
    ----------
    tokens
        Shape ``(n,)``, on the device of the models.
    seed
        With the number of the step it decides the batch, so that training that goes on sees what it would have.
    """

    tokens: torch.Tensor
    seed: int

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and the tokens that follow them; each of shape ``(sequences, length)``, `TOKENS` in all."""
        length = min(LENGTHS[step % len(LENGTHS)], len(self.tokens) - 1)
        shape = (TOKENS // length, 1)
        begins = np.random.default_rng([self.seed, step]).integers(len(self.tokens) - length, size=shape)
        index = torch.as_tensor(begins + np.arange(length + 1), device=self.tokens.device)
        text = self.tokens[index]
        return text[:, :-1], text[:, 1:]


class Objective:
    """Gradients of one batch: of the cross-entropy, or with a teacher of ``KL(teacher ‖ model)``; means over tokens.

    Logits are made and used in chunks of `CHUNK` tokens: each chunk's gradient goes back to the hidden
    states before the next is made, so that memory does not grow with the batch.
    """

    def __init__(self, model: LlamaForCausalLM, stream: Stream, teacher: LlamaForCausalLM | None, narrow: bool) -> None:
        self.model, self.stream, self.teacher = model, stream, teacher
        self.narrow = narrow
        """Whether products are taken in bfloat16."""

    def __call__(self, step: int) -> float:
        """Add the gradients of batch `step`; its loss."""
        inputs, following = self.stream.batch(step)
        answers = following.flatten()
        with self._products():
            hidden = self.model.model(input_ids=inputs).last_hidden_state.flatten(0, 1)
        lessons = None
        if self.teacher is not None:
            with torch.no_grad(), self._products():
                lessons = self.teacher.model(input_ids=inputs).last_hidden_state.flatten(0, 1)
        leaf = hidden.detach().requires_grad_()
        total = 0.0
        for begin in range(0, len(answers), CHUNK):
            part = slice(begin, begin + CHUNK)
            with self._products():
                logits = self.model.lm_head(leaf[part]).float()
            if lessons is None:
                loss = functional.cross_entropy(logits, answers[part], reduction="sum") / len(answers)
            else:
                loss = self._divergence(logits, lessons[part]) / len(answers)
            loss.backward()
            total += float(loss.detach())
        hidden.backward(leaf.grad)
        return total

    def _divergence(self, logits: torch.Tensor, lessons: torch.Tensor) -> torch.Tensor:
        assert self.teacher is not None
        with torch.no_grad(), self._products():
            wanted = functional.log_softmax(self.teacher.lm_head(lessons).float(), dim=-1)
        return functional.kl_div(functional.log_softmax(logits, dim=-1), wanted, reduction="sum", log_target=True)

    def _products(self) -> Any:
        return torch.autocast(self.stream.tokens.device.type, torch.bfloat16, enabled=self.narrow)


def train_model(
    shape: Shape,
    vocab_size: int,
    stream: Stream,
    teacher: LlamaForCausalLM | None,
    budget: Budget,
    checkpoint: Path,
    description: str,
) -> tuple[LlamaForCausalLM, History]:
    """Train one model within a budget, or go on with it.

    With a budget of steps, products are taken in float32 and the result is the same each time; with one of
    seconds, in whichever of float32 and bfloat16 is faster on this machine.
    """
    model = build(shape, vocab_size, stream.seed, stream.tokens.device)
    with one_thread():
        narrow = budget.steps is None and _narrow_is_faster(shape, vocab_size, stream)
        training = Training(model, Objective(model, stream, teacher, narrow), checkpoint, budget, RATE)
        history = training.run(description)
    return model.eval(), history


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch's products on the CPU.

    Models this small gain a quarter from a second thread on an idle machine, and on a busy one lose ten times as much
    to threads that wait for each other.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _narrow_is_faster(shape: Shape, vocab_size: int, stream: Stream) -> bool:
    """Time two batches each way on a copy of the model."""
    model = build(shape, vocab_size, stream.seed, stream.tokens.device)

    def seconds(objective: Callable[[int], float]) -> float:
        objective(0)
        began = time.perf_counter()
        objective(1)
        objective(2)
        return time.perf_counter() - began

    wide, narrow = (seconds(Objective(model, stream, None, flag)) for flag in (False, True))
    return narrow < wide


def save_model(model: LlamaForCausalLM, folder: Path) -> None:
    """`save_pretrained` under a temporary name, then renamed."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        with quiet():
            model.save_pretrained(temporary)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
