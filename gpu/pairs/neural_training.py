"""The neural half of `rdk pair train`: the target, then the drafter, then how good they are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from gpu.pairs import neural
from gpu.pairs.evaluation import Rows
from gpu.pairs.models import Reader, quiet, torch_device
from gpu.pairs.shortlist import Shortlist
from gpu.pairs.tokenizers import document_end
from gpu.pairs.trainer import Budget
from gpu.pairs.training import SIDES, Work
from gpu.pairs.windows import Window
from rdk_theory import tables
from rdk_theory.distributions import softmax

CURVE = "training.csv"


def make_neural(work: Work) -> None:
    """Train both models, unless they are there, and evaluate them."""
    options = work.options
    device = torch_device(options.device)
    shapes = {
        "target": neural.TARGET if options.target_shape is None else neural.Shape.parse(options.target_shape),
        "drafter": neural.DRAFTER if options.drafter_shape is None else neural.Shape.parse(options.drafter_shape),
    }
    shares = {"target": neural.TARGET_SHARE, "drafter": 1 - neural.TARGET_SHARE}
    words = softmax_words(options.softmax_words, work.size, device)

    def shortlist() -> Shortlist | None:
        return None if words == work.size else Shortlist(work.counts, words, options.seed)

    sampling = {"words": words} if words != work.size else {}
    batches = {"batch": options.batch_tokens} if options.batch_tokens != neural.TOKENS else {}
    # What is usual is left out, so that a pair made before there were such options stays what it is.
    parameters = {**work.parameters, **sampling, **batches}
    for side in SIDES:
        budget = Budget(steps=options.steps) if options.steps else Budget(60 * options.minutes * shares[side])
        # The drafter depends on the target, so it depends on all that the target depends on.
        parameters = {**parameters, side: {**asdict(shapes[side]), **asdict(budget)}}
        if side == "drafter" and options.distill != "kl":
            parameters["distill"] = options.distill
        key = hashlib.sha256(json.dumps([parameters, options.seed], sort_keys=True).encode()).hexdigest()[:12]
        checkpoint = work.partial / f"{side}-{key}.safetensors"

        def make(side: str = side, budget: Budget = budget, checkpoint: Path = checkpoint) -> None:
            text = torch.as_tensor(np.concatenate(work.texts), dtype=torch.int64, device=device)
            stream = neural.Stream(text, options.seed, options.batch_tokens)
            learns = side == "drafter" and options.distill != "none"
            lesson = neural.Teaching(_load(work.out / "target", device), options.distill) if learns else None
            model, history = neural.train_model(
                shapes[side], work.size, stream, lesson, shortlist(), budget, checkpoint, f"training the {side}"
            )
            neural.save_model(model, work.out / side)
            _tokenizer(work).save_pretrained(work.out / side)
            work.annotate(side)
            curve = [dict(zip(("step", "seconds", "loss"), point, strict=True)) for point in history.curve]
            tables.write(work.out / side / CURVE, curve)

        # Not the code: a trained pair stays what it is when the source beside it changes.
        work.run.step(side, [side], make, parameters, code=False)
    work.make_table(lambda: _rows(work.out, device), parameters, lambda: _trainings(work.out))


def softmax_words(asked: int | None, size: int, device: torch.device) -> int:
    """Words in the softmax of a step: all, or on a CPU that faces more than `neural.ALL_WORDS` of them a sample.

    Raises
    ------
    ValueError
        If more are asked for than there are, or fewer than 2.
    """
    if asked is None:
        return neural.SAMPLED_WORDS if device.type == "cpu" and size > neural.ALL_WORDS else size
    if not 2 <= asked <= size:
        raise ValueError(f"softmax-words must be from 2 to the {size} tokens of the vocabulary, not {asked}")
    return asked


def _trainings(out: Path) -> dict[str, Any]:
    """Steps, minutes and last training loss of both models."""
    columns: dict[str, Any] = {}
    for side in SIDES:
        step, seconds, loss = tables.read(out / side / CURVE)[-1].values()
        columns |= {f"{side}_steps": step, f"{side}_minutes": round(float(seconds or 0) / 60, 3), f"{side}_loss": loss}
    return columns


def _load(folder: Path, device: torch.device) -> LlamaForCausalLM:
    with quiet():
        model = LlamaForCausalLM.from_pretrained(folder, use_safetensors=True)
    return neural.prepare(model, device).eval()


def _tokenizer(work: Work) -> PreTrainedTokenizerFast:
    end = document_end(work.tokenizer)
    assert end is not None
    return PreTrainedTokenizerFast(tokenizer_object=work.tokenizer, eos_token=work.tokenizer.id_to_token(end))


def _rows(out: Path, device: torch.device) -> Rows:
    readers = [Reader(_load(out / side, device)) for side in SIDES]

    def rows(window: Window) -> tuple[np.ndarray, np.ndarray]:
        target, draft = (softmax(reader.read(window.target_ids, window.target_places)[1]) for reader in readers)
        return target, draft

    return rows
