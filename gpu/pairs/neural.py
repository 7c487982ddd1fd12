"""Two Llama models from scratch: a target trained on text, and a smaller drafter that learns from text or target."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from gpu.pairs.losses import Lesson, Words, chunked_loss
from gpu.pairs.models import quiet
from gpu.pairs.shortlist import Shortlist
from gpu.pairs.trainer import Budget, History, Training

HEAD_SIZE = 32
EMBEDDING = "model.embed_tokens.weight"
"""Name of the matrix that embedding and head share."""


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
"""Tokens in a step, unless told otherwise."""
RATE = 2e-3
ALL_WORDS, SAMPLED_WORDS = 65_536, 8_192
"""On a CPU a softmax over more words than the first is estimated from as many as the second."""
TURN = 0.5
"""Share of its training after which a drafter turns from KL to the rejection rate, if it does."""
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
    size
        Tokens in a batch.
    """

    tokens: torch.Tensor
    seed: int
    size: int = TOKENS

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and the tokens that follow them; each of shape ``(sequences, length)``, `size` in all."""
        length = min(LENGTHS[step % len(LENGTHS)], len(self.tokens) - 1)
        shape = (max(1, self.size // length), 1)
        begins = np.random.default_rng([self.seed, step]).integers(len(self.tokens) - length, size=shape)
        index = torch.as_tensor(begins + np.arange(length + 1), device=self.tokens.device)
        text = self.tokens[index]
        return text[:, :-1], text[:, 1:]


@dataclass(frozen=True)
class Teaching:
    """Whose distributions a model learns, and by which loss.

    Attributes
    ----------
    teacher
        A trained model with the same tokenizer.
    loss
        ``"kl"``, or ``"tv"``: the rejection rate itself, which however teaches next to nothing while the two
        distributions hardly overlap; so until `TURN` of the training is spent it is KL there too.
    """

    teacher: LlamaForCausalLM
    loss: str = "kl"

    def goal(self, spent: float) -> str:
        """The loss when a share of the training is spent."""
        return self.loss if spent >= TURN else "kl"


class Objective:
    """Gradients of one batch; means over tokens.

    Parameters
    ----------
    model
        What is trained.
    stream
        Where batches come from.
    lesson
        What the model learns from beside the text, if anything.
    narrow
        Whether products are taken in bfloat16.
    shortlist
        Draws the words of a step's softmax. Then the gradient of the embedding, which is the head as well, is sparse.
    """

    def __init__(
        self,
        model: LlamaForCausalLM,
        stream: Stream,
        lesson: Teaching | None,
        narrow: bool,
        shortlist: Shortlist | None = None,
    ) -> None:
        self.model, self.stream, self.lesson = model, stream, lesson
        self.narrow, self.shortlist = narrow, shortlist

    def __call__(self, step: int, spent: float) -> float:
        """Add the gradients of batch `step`, when a share of the training is `spent`; its loss."""
        inputs, following = self.stream.batch(step)
        answers = following.flatten()
        weight = self.model.lm_head.weight
        if self.shortlist is None:
            chosen: torch.Tensor | None = None
            words, seen = Words(weight), {"input_ids": inputs}
        else:
            drawn = self.shortlist.draw(step, answers)
            chosen, answers = drawn.words, drawn.answers
            touched, place = torch.cat([inputs.flatten(), chosen]).unique(return_inverse=True)
            leaf = weight.detach()[touched].requires_grad_()
            words = Words(leaf[place[inputs.numel() :]], drawn.shift)
            seen = {"inputs_embeds": leaf[place[: inputs.numel()].view_as(inputs)]}
        with self._products():
            hidden = self.model.model(**seen).last_hidden_state.flatten(0, 1).float()
        goal, lesson = self._lesson(inputs, chosen, spent)
        loss = chunked_loss(hidden, words, goal, answers=answers, lesson=lesson, narrow=self.narrow)
        loss.backward()
        if self.shortlist is not None:
            weight.grad = torch.sparse_coo_tensor(
                touched[None], leaf.grad, weight.shape, is_coalesced=True, check_invariants=False
            )
        return float(loss.detach())

    def _lesson(self, inputs: torch.Tensor, chosen: torch.Tensor | None, spent: float) -> tuple[str, Lesson | None]:
        """What is learnt from this batch."""
        if self.lesson is None:
            return "cross-entropy", None
        teacher = self.lesson.teacher
        with torch.no_grad(), self._products():
            hidden = teacher.model(input_ids=inputs).last_hidden_state.flatten(0, 1).float()
            head = teacher.lm_head.weight
            return self.lesson.goal(spent), Lesson(hidden, head if chosen is None else head[chosen])

    def _products(self) -> Any:
        return torch.autocast(self.stream.tokens.device.type, torch.bfloat16, enabled=self.narrow)


def train_model(
    shape: Shape,
    vocab_size: int,
    stream: Stream,
    lesson: Teaching | None,
    shortlist: Shortlist | None,
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
        narrow = budget.steps is None and _narrow_is_faster(shape, vocab_size, stream, shortlist)
        objective = Objective(model, stream, lesson, narrow, shortlist)
        training = Training(model, objective, checkpoint, budget, RATE, () if shortlist is None else (EMBEDDING,))
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


def _narrow_is_faster(shape: Shape, vocab_size: int, stream: Stream, shortlist: Shortlist | None) -> bool:
    """Time two batches each way on a copy of the model."""
    model = build(shape, vocab_size, stream.seed, stream.tokens.device)

    def seconds(objective: Objective) -> float:
        objective(0, 0.0)
        began = time.perf_counter()
        objective(1, 0.0)
        objective(2, 0.0)
        return time.perf_counter() - began

    wide, narrow = (seconds(Objective(model, stream, None, flag, shortlist)) for flag in (False, True))
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
