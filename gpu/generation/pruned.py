"""A drafter whose head gives logits of kept tokens only."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from rdk_theory.vocabulary import Vocabulary


class PrunedDrafter:
    """A causal language model of transformers with the rows of its head sliced to the kept tokens.

    Parameters
    ----------
    model
        The drafter, unpruned. It is not changed: the pruned model shares all its parameters but the ``K`` rows of the
        head, which are copied.
    vocab
        ``draft_size`` is the number of rows of the model's head, ``draft_ids`` the rows to keep, ``kept`` the target
        ids of those rows, ``size`` the target's vocabulary.
    inputs
        For each target id the id under which the drafter reads that token, shape ``(N,)``. A kernel drafts cold
        tokens too, and the target emits them, so every target token needs one. By default target ids themselves, which
        is right where both models share a tokenizer.

    Raises
    ------
    ValueError
        If the model's head is not linear or not of ``draft_size`` rows, or `inputs` is missing where ids differ, has
        another length or leaves the drafter's embedding.

    Notes
    -----
    Whatever the model does to its logits after the head, elementwise (a scale, a soft cap), it does to the kept ones.
    Softmax over kept logits is the draft law conditioned on kept tokens (claim ``restriction-is-renormalisation``). Any
    map of `inputs` is lossless: it changes what the drafter proposes, and what is proposed is what is verified.
    """

    def __init__(self, model: Any, vocab: Vocabulary, inputs: Any = None) -> None:
        head = linear_head("drafter", model)
        if head.out_features != vocab.draft_size:
            raise ValueError(
                f"vocab has a draft_size of {vocab.draft_size}, but the drafter's head has {head.out_features} rows"
            )
        self.vocab = vocab
        self.model = _with_head(model, _slice(head, torch.as_tensor(vocab.draft_ids.copy())))
        embedding = model.get_input_embeddings().weight
        self.inputs = _inputs(inputs, vocab, embedding.shape[0], embedding.device)

    def read_as(self, ids: torch.Tensor) -> torch.Tensor:
        """Target ids as the drafter's input ids."""
        return ids if self.inputs is None else self.inputs[ids]


def linear_head(name: str, model: Any) -> nn.Linear:
    """The layer of a model that gives logits."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    if not isinstance(head, nn.Linear):
        raise ValueError(f"{name} of type {type(model).__name__} has no linear head that gives logits")
    return head


def _slice(head: nn.Linear, rows: torch.Tensor) -> nn.Linear:
    """A head of these rows only."""
    rows = rows.to(head.weight.device)
    bias = head.bias is not None
    out = nn.Linear(head.in_features, rows.numel(), bias, device="meta")
    out.weight = nn.Parameter(head.weight.detach()[rows], requires_grad=False)
    if bias:
        out.bias = nn.Parameter(head.bias.detach()[rows], requires_grad=False)
    return out


def _with_head(model: Any, head: nn.Linear) -> Any:
    """The model with another head; the model itself keeps its own."""
    own = model.get_output_embeddings()
    out = copy.copy(model)
    # A shallow copy shares the table of sub-modules, and a new head would go into both.
    out._modules = dict(model._modules)
    out.set_output_embeddings(head)
    if model.get_output_embeddings() is not own:
        model.set_output_embeddings(own)
        raise ValueError(f"drafter of type {type(model).__name__} keeps its head where it cannot be replaced in a copy")
    return out


def _inputs(inputs: Any, vocab: Vocabulary, embedded: int, device: torch.device) -> torch.Tensor | None:
    """The map from target ids to input ids, checked; `None` for the identity."""
    if inputs is None:
        # A head that was trained pruned has rows 0, 1, …, K−1 and reads target ids all the same.
        pruned = vocab.draft_size == vocab.kept_size and bool((vocab.draft_ids == range(vocab.kept_size)).all())
        if embedded < vocab.size or not (pruned or bool((vocab.draft_ids == vocab.kept).all())):
            raise ValueError(
                f"inputs is needed: the drafter embeds {embedded} tokens under ids that are not those of the target's "
                f"{vocab.size}"
            )
        return None
    out = torch.as_tensor(inputs)
    if out.dtype.is_floating_point or out.dtype == torch.bool or tuple(out.shape) != (vocab.size,):
        raise ValueError(f"inputs of shape {tuple(out.shape)} must be integers of shape ({vocab.size},)")
    outside = torch.nonzero((out < 0) | (out >= embedded))
    if outside.numel():
        at, shape = int(outside[0, 0]), tuple(out.shape)
        raise ValueError(f"inputs of shape {shape} has id {int(out[at])} outside range({embedded}) at index ({at},)")
    return out.to(device, torch.int64)
