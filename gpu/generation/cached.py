"""A model with its key-value cache, from which rejected tokens are taken back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from gpu.generation.pruned import linear_head


class CachedModel:
    """A causal language model that reads a batch of texts piece by piece, and forgets the tokens that were rejected.

    Parameters
    ----------
    name
        How errors call the model.
    model
        A causal language model of transformers.
    rows
        Number of texts.
    read_as
        Turns ids of the text into the model's own.
    hidden
        Whether what the head reads is kept, as the attribute `hidden` of the shape of the logits but for the last axis.

    Raises
    ------
    ValueError
        If the cache of the model cannot take tokens back; or there are several texts and the model attends to a sliding
        window, in which columns that are masked would take up room, or counts columns as positions.

    Notes
    -----
    The cache has one column for each token that any text was given. After a rejection, the columns that no text keeps
    are cropped; a column that some texts keep and others do not stays and is masked for the others. So with one text
    nothing is ever masked, and with several the attention of each text is over its own tokens, at their own positions.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        rows: int,
        read_as: Callable[[torch.Tensor], torch.Tensor],
        hidden: bool = False,
    ) -> None:
        self.name, self.model, self.read_as = name, model, read_as
        self.cache = DynamicCache(config=model.config)
        if any(hasattr(layer, "recurrent_states") for layer in self.cache.layers):
            raise ValueError(f"{name} of type {type(model).__name__} has recurrent states, which cannot be taken back")
        if rows > 1 and any(self.cache.is_sliding):
            raise ValueError(f"{name} of type {type(model).__name__} has sliding windows: give it one prompt at a time")
        self._placed = "position_ids" in inspect.signature(model.forward).parameters
        if rows > 1 and not self._placed:
            raise ValueError(
                f"{name} of type {type(model).__name__} takes no position_ids: give it one prompt at a time"
            )
        # Sliding windows keep what leaves them until the next crop: the prompt is read together with drafted tokens.
        self.cache.activate_past_recording()
        self.mask = torch.zeros(rows, 0, dtype=torch.bool, device=model.device)
        self.calls = 0
        self.hidden: torch.Tensor | None = None
        self._head = linear_head(name, model) if hidden else None
        self._last_only = bool(getattr(model, "_supports_logits_to_keep", lambda: False)())

    def read(self, texts: Sequence[Sequence[int]], wanted: int) -> torch.Tensor:
        """Append tokens to each text, at least one; the logits after each of its last `wanted`.

        Parameters
        ----------
        texts
            New tokens of each text, in the ids of the text. Shorter ones are padded on the left; the padding is masked.
        wanted
            At most the length of the shortest.

        Returns
        -------
        torch.Tensor
            Shape ``(rows, wanted, vocabulary)``, in the model's dtype.
        """
        width = max(map(len, texts))
        ids = torch.tensor([[0] * (width - len(text)) + list(text) for text in texts], device=self.model.device)
        missing = torch.tensor([width - len(text) for text in texts], device=self.model.device)
        valid = torch.arange(width, device=self.model.device) >= missing[:, None]
        self.mask = torch.cat([self.mask, valid], dim=1)
        positions = (self.mask.long().cumsum(dim=1) - 1).clamp(min=0)[:, -width:]
        seen: list[torch.Tensor] = []
        watch = None
        if self._head is not None:
            # The hook is put in for one pass: the head may be shared.
            watch = self._head.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
        try:
            logits = self._logits(ids, positions, wanted)
        finally:
            if watch is not None:
                watch.remove()
        self.hidden = seen[0][:, -wanted:] if seen else None
        self.calls += 1
        return logits[:, -wanted:]

    def _logits(self, ids: torch.Tensor, positions: torch.Tensor, wanted: int) -> torch.Tensor:
        out: torch.Tensor = self.model(
            input_ids=self.read_as(ids),
            attention_mask=None if bool(self.mask.all()) else self.mask.long(),
            past_key_values=self.cache,
            use_cache=True,
            **({"position_ids": positions} if self._placed else {}),
            **({"logits_to_keep": wanted} if self._last_only else {}),
        ).logits
        return out

    def forget(self, tokens: Sequence[int]) -> None:
        """Take back the last tokens of each text, as many as `tokens` says for each."""
        least = min(tokens)
        self.cache.crop(-least)
        self.mask = self.mask[:, : self.mask.shape[1] - least]
        rest = torch.tensor(tokens, device=self.mask.device) - least
        back = torch.arange(self.mask.shape[1], 0, -1, device=self.mask.device)
        self.mask = self.mask & (back > rest[:, None])

    def select(self, rows: Sequence[int]) -> None:
        """Go on with some of the texts."""
        index = torch.tensor(rows, device=self.mask.device)
        self.cache.batch_select_indices(index)
        self.mask = self.mask[index]
