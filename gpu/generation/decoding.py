"""Speculative decoding of a batch of prompts with a pruned drafter and any redistribution kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from gpu.generation.cached import CachedModel
from gpu.generation.contextual import Contextual, same_tokens
from gpu.generation.drafting import draft_chain
from gpu.generation.fused import Implementation, fused_operations
from gpu.generation.lengths import DraftLength, FixedLength
from gpu.generation.pruned import PrunedDrafter, linear_head
from gpu.generation.report import Generated, tested_tokens
from gpu.generation.streams import Streams
from gpu.generation.target_law import TargetLaw, Temperature, laws
from gpu.generation.verify import Verification, check_verification, verify
from rdk_theory.kernels.base import Kernel
from rdk_theory.vocabulary import Vocabulary


def generate(
    target: Any,
    drafter: PrunedDrafter,
    kernel: Kernel | Contextual,
    prompts: Sequence[Any],
    *,
    max_new_tokens: int,
    streams: Streams,
    length: DraftLength | int = 4,
    verification: Verification = "token",
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    eos_token_id: int | Sequence[int] | None = None,
    implementation: Implementation = "auto",
) -> Generated:
    r"""New tokens whose law is the target's own: :math:`x_i \sim p(\cdot \mid x_{<i})`, until an end or a length.

    Parameters
    ----------
    target
        A causal language model of transformers over ``kernel.vocab.size`` tokens.
    drafter
        The pruned drafter, over the same vocabulary as the kernel.
    kernel
        :math:`M`, one for all contexts; or a `Contextual`, which gives one for each drafted token.
    prompts
        Token ids of each prompt: sequences of integers or one-dimensional tensors, of any lengths of at least 1.
    max_new_tokens
        The most tokens for each prompt, at least 1.
    streams
        All randomness; the states advance.
    length
        Drafted tokens a call: :math:`\gamma`, or a rule (`AdaptiveLength`).
    verification
        ``"token"`` (`verify_chain`), ``"block"`` (`verify_block`), or ``"lazy"`` (`verify_lazy_chain`: as ``"token"``,
        but no proposal of length ``N`` is formed). In greedy decoding ``"lazy"`` is ``"token"``.
    temperature
        Of both models; 0 is greedy decoding.
    top_k, top_p
        What of the target is left, as in `gpu.ops.verify.verify`; the drafter is not cut.
    eos_token_id
        Tokens that end a text.
    implementation
        ``"reference"``: the array code of `rdk_theory`, in float64. ``"kernel"`` or ``"naive"``: the fused operations
        of `gpu.ops`, compiled or in plain torch, from logits in the models' own width (float32 where that is float64).
        ``"auto"``: ``"kernel"`` where the target is on a CUDA device, else ``"reference"``.

    Raises
    ------
    ValueError
        If vocabularies of target, drafter and kernel differ, the kernel has one matrix for each of a fixed batch of
        contexts, a prompt is empty or leaves the vocabulary, or a number is outside its range; also for a model in
        training mode, or one whose cache cannot take tokens back, and for a kernel that the implementation cannot use.

    Notes
    -----
    Whatever the implementation, it runs on the target's device, and the same seed gives the same tokens again. The
    reference draws the token after accepted ones from the streams `residual` or `bonus`; the fused operations draw it
    from `bonus`, and candidates of lazy verification from `residual`. So their texts differ, and their laws do not. A
    greedy text equals the target's own wherever its best logit leads by more than the rounding between a batch that
    reads several tokens and one that reads one; so do sampled laws, up to that rounding.
    """
    decoder = Decoder(target, drafter, kernel, verification, as_rule(length), streams, implementation)
    law = Temperature(temperature, top_k, top_p)
    if isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, int) or max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be an integer of at least 1, not {max_new_tokens!r}")
    size = kernel.vocab.size
    ends = set() if eos_token_id is None else set(_ids("eos_token_id", torch.as_tensor(eos_token_id).reshape(-1), size))
    texts = [_ids(f"prompts[{at}]", prompt, size) for at, prompt in enumerate(prompts)]
    if not texts:
        raise ValueError("prompts is empty")

    def cut(row: int, text: list[int], new: int) -> tuple[int, bool]:
        kept = next((i + 1 for i, token in enumerate(text[len(text) - new :]) if token in ends), 0)
        return kept or new, bool(kept)

    return decoder.decode(texts, texts, law, cut, max_new_tokens)


Cut = Callable[[int, list[int], int], tuple[int, bool]]
"""Of a row's text and the number of new tokens at its end: how many of them to keep, and whether it ends there."""


class Decoder:
    """The loop of `generate`, for any law of the target and any way to end a text."""

    def __init__(
        self,
        target: Any,
        drafter: PrunedDrafter,
        kernel: Kernel | Contextual,
        verification: Verification,
        length: DraftLength,
        streams: Streams,
        implementation: Implementation = "auto",
    ) -> None:
        check_pair(target, drafter, kernel)
        check_verification(verification)
        if not isinstance(streams, Streams):
            raise ValueError(f"streams must be Streams, not {type(streams).__name__}")
        self.target, self.drafter, self.kernel = target, drafter, kernel
        self.verification, self.length, self.streams = verification, length, streams
        self.fused = fused_operations(implementation, kernel, target.device)

    @torch.no_grad()
    def decode(
        self, texts: Sequence[list[int]], read: Sequence[list[int]], law: TargetLaw, cut: Cut, most: int
    ) -> Generated:
        """Up to `most` new tokens of each text.

        Parameters
        ----------
        texts
            Prompts as `law` and `cut` are to see them, with padding where there is any.
        read
            Prompts as the models read them.
        """
        start = time.perf_counter()
        count = len(texts)
        target = CachedModel("target", self.target, count, lambda ids: ids)
        contextual = not isinstance(self.kernel, Kernel)
        drafter = CachedModel("drafter", self.drafter.model, count, self.drafter.read_as, hidden=contextual)
        lengths = [len(text) for text in texts]
        texts = [list(text) for text in texts]
        accepted: list[list[int]] = [[] for _ in texts]
        drafted: list[list[int]] = [[] for _ in texts]
        # What each model has not read, of the texts that go on.
        rows, for_target, for_drafter = list(range(count)), list(read), list(read)
        while rows:
            left = max(most - (len(texts[row]) - lengths[row]) for row in rows)
            chain, gamma = None, 0
            guesses: list[list[int]] = [[] for _ in rows]
            # Where one token is left, as the last of a call is the target's own, nothing is drafted, and all texts end.
            if left > 1:
                wanted = min(self.length.most(), left - 1)
                device = self.target.device
                chain = draft_chain(
                    drafter, for_drafter, self.kernel, law, self.length, wanted, self.streams, device, self.fused
                )
                guesses = chain.tokens.tolist()
                gamma = len(guesses[0])
            logits = target.read([a + b for a, b in zip(for_target, guesses, strict=True)], gamma + 1)
            scores = law(logits, rows, [texts[row] + guess for row, guess in zip(rows, guesses, strict=True)])
            if self.fused is not None:
                emitted, passed = self.fused.verify(self.verification, scores, chain, self.streams)
            else:
                kernel: Any = self.kernel if chain is None else chain.kernel
                emitted, passed = verify(self.verification, laws(scores), chain, kernel, self.streams)
            if gamma:
                self.length.observe(sum(passed), sum(tested_tokens(n, gamma) for n in passed))
            alive = []
            for at, row in enumerate(rows):
                accepted[row].append(passed[at])
                drafted[row].append(gamma)
                texts[row] += emitted[at]
                new, full = len(emitted[at]), lengths[row] + most
                kept, ended = cut(row, texts[row], new)
                del texts[row][min(len(texts[row]) - new + kept, full) :]
                if not ended and len(texts[row]) < full:
                    alive.append(at)
            if not alive:
                break
            target.forget([gamma - n for n in passed])
            # The drafter has read all of a chain but its last token.
            drafter.forget([gamma - 1 - min(n, gamma - 1) for n in passed])
            for_target = [emitted[at][-1:] for at in alive]
            for_drafter = [emitted[at][-2:] if passed[at] == gamma else emitted[at][-1:] for at in alive]
            rows = [rows[at] for at in alive]
            if len(alive) < len(passed):
                target.select(alive)
                drafter.select(alive)
        tokens = [torch.tensor(text[n:], dtype=torch.int64) for text, n in zip(texts, lengths, strict=True)]
        seconds = time.perf_counter() - start
        return Generated(tokens, accepted, drafted, target.calls, drafter.calls, seconds)


def check_pair(target: Any, drafter: PrunedDrafter, kernel: Kernel | Contextual) -> None:
    """Raise unless target, drafter and kernel share a vocabulary, and the kernel serves all contexts or each."""
    if not isinstance(drafter, PrunedDrafter):
        raise ValueError(f"drafter must be a PrunedDrafter, not {type(drafter).__name__}")
    if not isinstance(kernel, Kernel | Contextual) or not isinstance(kernel.vocab, Vocabulary):
        raise ValueError(
            f"kernel must be a Kernel, or have a vocab and give one at a hidden state, not {type(kernel).__name__}"
        )
    if isinstance(kernel, Kernel) and not kernel.context_free:
        raise ValueError(
            f"kernel of type {type(kernel).__name__} depends on the context, and is of fixed contexts; give what makes "
            "one at each, with a method at(hidden, kept_logits)"
        )
    size = linear_head("target", target).out_features
    if getattr(target.config, "is_encoder_decoder", False):
        raise ValueError(f"target of type {type(target).__name__} is no decoder alone")
    for name, model in (("target", target), ("drafter", drafter.model)):
        if model.training:
            raise ValueError(f"{name} is in training mode, in which dropout changes its law: call its eval() first")
    vocab = kernel.vocab
    if vocab.size != size:
        raise ValueError(f"kernel is over {vocab.size} target tokens, but the head of the target has {size} rows")
    own = drafter.vocab
    if not same_tokens(own, vocab):
        raise ValueError(f"kernel is over {vocab}, the drafter over {own}: their kept tokens differ")


def as_rule(length: DraftLength | int) -> DraftLength:
    """A rule for the length of chains."""
    if isinstance(length, int):
        return FixedLength(length)
    if not isinstance(length, DraftLength):
        raise ValueError(f"length must be an integer or a rule such as AdaptiveLength, not {type(length).__name__}")
    return length


def _ids(name: str, prompt: Any, size: int) -> list[int]:
    """A prompt as a list of ids, checked."""
    ids = torch.as_tensor(prompt)
    if ids.ndim != 1 or not ids.numel():
        raise ValueError(f"{name} of shape {tuple(ids.shape)} must have one axis and at least one token")
    if ids.dtype.is_floating_point or ids.dtype == torch.bool:
        raise ValueError(f"{name} of shape {tuple(ids.shape)} must be integers, not {ids.dtype}")
    outside = torch.nonzero((ids < 0) | (ids >= size))
    if outside.numel():
        at = int(outside[0, 0])
        shape = tuple(ids.shape)
        raise ValueError(f"{name} of shape {shape} has id {int(ids[at])} outside range({size}) at index ({at},)")
    out: list[int] = ids.tolist()
    return out
