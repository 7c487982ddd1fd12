"""Causal language models as transformers loads them, read at chosen places of a text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from rdk_theory.runs import sha256

BLOCK = 8_192
"""Rows of a head that are widened to float32 at once."""


class Reader:
    """Logits and last hidden states of one model, in chosen places only.

    The head of the model is given the hidden states of those places and no others. So a row costs memory
    only where it is wanted, and whatever a model does to its logits after the head (a scale, a soft cap)
    is done by the model itself.

    Attributes
    ----------
    size
        Length of a row of logits.
    width
        Length of a hidden state.
    """

    def __init__(self, model: Any) -> None:
        self.model = model.eval()
        self.head = _head(model)
        self.size, self.width = self.head.out_features, self.head.in_features
        self._places = torch.zeros(0, dtype=torch.int64)
        self._hidden = torch.zeros(0)
        self.head.register_forward_pre_hook(self._pick)

    @torch.inference_mode()
    def read(self, ids: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hidden states ``(n, width)`` and logits ``(n, size)`` at `places` of one text, float32."""
        device = self.model.device
        self._places = torch.as_tensor(places, device=device)
        text = torch.as_tensor(ids, dtype=torch.int64, device=device)[None]
        logits = self.model(input_ids=text, use_cache=False).logits[0]
        return self._hidden.float().cpu().numpy(), logits.float().cpu().numpy()

    def head_arrays(self) -> tuple[dict[str, np.ndarray], str]:
        """The head's matrix and its bias, if it has one, as it holds them, and the name of their dtype.

        Those in bfloat16, which numpy lacks, are given as their bits: no wider copy of a large head is made.
        """
        dtype = str(self.head.weight.dtype).removeprefix("torch.")
        arrays = {}
        for name, tensor in (("head", self.head.weight), ("bias", self.head.bias)):
            if tensor is not None:
                plain = tensor.detach().cpu()
                arrays[name] = (plain.view(torch.uint16) if dtype == "bfloat16" else plain).numpy()
        return arrays, dtype

    @torch.inference_mode()
    def departure(self, hidden: np.ndarray, logits: np.ndarray) -> float:
        """How far `logits` are from the head times `hidden`, taken in float32, some rows of the head at a time."""
        weight, bias = self.head.weight, self.head.bias
        states = torch.as_tensor(hidden, device=weight.device)
        worst = 0.0
        for begin in range(0, self.size, BLOCK):
            part = slice(begin, begin + BLOCK)
            rebuilt = states @ weight[part].float().T
            if bias is not None:
                rebuilt += bias[part].float()
            worst = max(worst, float(np.abs(rebuilt.cpu().numpy() - logits[:, part]).max()))
        return worst

    def _pick(self, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        picked = inputs[0][:, self._places]
        self._hidden = picked[0]
        return (picked, *inputs[1:])


@dataclass(frozen=True)
class Source:
    """A model that is yet to be loaded: a folder or a hub id.

    Attributes
    ----------
    name
        The id, or the last part of the folder's path.
    fingerprint
        Hash that changes when the weights do: of the files of a folder, of the id and commit of the hub.
    size, width
        Lengths of a row of logits and of a hidden state.
    bytes
        What the parameters take in memory; found without loading them.
    longest
        Longest text that the model takes, in tokens, where its configuration says so.
    """

    place: str
    name: str
    fingerprint: str
    size: int
    width: int
    bytes: int
    longest: int | None

    @classmethod
    def find(cls, place: str) -> Source:
        """Look at a model's configuration.

        Raises
        ------
        ValueError
            Naming the model, if transformers cannot load it.
        """
        folder = Path(place)
        if (folder.is_absolute() or place.startswith(".")) and not folder.is_dir():
            raise ValueError(f"model {place} is not a folder")
        try:
            config = AutoConfig.from_pretrained(place)
            with torch.device("meta"):
                model = AutoModelForCausalLM.from_config(config)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"model {place} cannot be loaded: {_first_line(error)}") from None
        head, count = _head(model), sum(p.numel() for p in model.parameters())
        width = torch.empty(0, dtype=getattr(config, "dtype", None) or torch.float32).element_size()
        longest = getattr(config, "max_position_embeddings", None)
        name = folder.name if folder.is_dir() else place
        sizes = (head.out_features, head.in_features)
        return cls(place, name, _fingerprint(place, config), *sizes, count * width, longest)

    def load(self, device: torch.device) -> Reader:
        """Load the weights (safetensors only), in the dtype that the configuration names."""
        try:
            with quiet():
                model: Any = AutoModelForCausalLM.from_pretrained(self.place, use_safetensors=True, dtype="auto")
                model = model.to(device)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ValueError(f"model {self.place} cannot be loaded: {_first_line(error)}") from None
        return Reader(model)

    def tokenizer(self) -> Tokenizer:
        """Its tokenizer, in the form that tells where in a text each token lies."""
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.place)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"tokenizer of {self.place} cannot be loaded: {_first_line(error)}") from None
        if not tokenizer.is_fast:
            raise ValueError(f"tokenizer of {self.place} has no fast form, which tells where each token lies")
        backend: Tokenizer = tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        return backend


@contextmanager
def quiet() -> Iterator[None]:
    """No bars of transformers for work of milliseconds: the bars on standard error are ours."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _head(model: Any) -> torch.nn.Linear:
    """The layer that gives logits."""
    head = model.get_output_embeddings()
    if not isinstance(head, torch.nn.Linear):
        raise ValueError(f"{type(model).__name__} has no linear head that gives logits")
    return head


def _fingerprint(place: str, config: Any) -> str:
    folder = Path(place)
    if not folder.is_dir():
        return hashlib.sha256(f"{place}@{getattr(config, '_commit_hash', None)}".encode()).hexdigest()
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.json")])
    return hashlib.sha256("".join(f"{file.name}:{sha256(file)}" for file in files).encode()).hexdigest()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def torch_device(name: str) -> torch.device:
    """The device of that name; ``auto`` is the accelerator if there is one, else the CPU.

    Raises
    ------
    ValueError
        If there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, not {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda is not available here")
    return torch.device(name)
