"""RDK as a decoding method of transformers: ``model.generate(..., custom_generate=rdk(drafter, kernel))``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.generation import GenerateDecoderOnlyOutput

from gpu.generation.contextual import Contextual
from gpu.generation.decoding import Decoder, as_rule
from gpu.generation.fused import Implementation, check_implementation
from gpu.generation.lengths import DraftLength
from gpu.generation.pruned import PrunedDrafter
from gpu.generation.report import Generated
from gpu.generation.streams import Streams
from gpu.generation.target_law import Scores
from gpu.generation.verify import Verification, check_verification
from rdk_theory.kernels.base import Kernel

_STATEFUL = ("UnbatchedClassifierFreeGuidanceLogitsProcessor", "SynthIDTextWatermarkLogitsProcessor")
_PASSED = ("attention_mask", "position_ids", "past_key_values", "use_cache", "logits_to_keep")


class RDK:
    """What `rdk` makes: a callable for ``custom_generate``.

    Attributes
    ----------
    report
        Outcome of the last call, `None` before the first.
    """

    def __init__(
        self,
        drafter: PrunedDrafter,
        kernel: Kernel | Contextual,
        length: DraftLength,
        verification: Verification,
        streams: Streams,
        implementation: Implementation = "auto",
    ) -> None:
        self.drafter, self.kernel, self.length = drafter, kernel, length
        self.implementation = implementation
        self.verification, self.streams = verification, streams
        self.report: Generated | None = None

    def __call__(
        self,
        model: Any,
        input_ids: torch.Tensor,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        **model_kwargs: Any,
    ) -> Any:
        """Called by ``model.generate``; sequences as its own sampling or greedy decoding gives them.

        Raises
        ------
        ValueError
            For what is not supported: beams, inputs other than text, a cache that holds tokens already, a static cache,
            scores or hidden states as outputs, and processors of logits that keep a state from call to call.
        """
        decoder = Decoder(
            model, self.drafter, self.kernel, self.verification, self.length, self.streams, self.implementation
        )
        count = input_ids.shape[0]
        _check(logits_processor, generation_config, model_kwargs)
        pad = generation_config._pad_token_tensor
        if pad is None and count > 1 and len(stopping_criteria) > 1:
            raise ValueError("pad_token_id is needed: texts of a batch can end at different lengths")
        law = ProcessedLaw(logits_processor, count, generation_config.do_sample, generation_config.temperature)

        def cut(row: int, text: list[int], new: int) -> tuple[int, bool]:
            ids = torch.tensor([text], device=model.device)
            for kept in range(1, new + 1):
                if bool(stopping_criteria(ids[:, : len(text) - new + kept], None)[0]):
                    return kept, True
            return new, False

        mask = model_kwargs.get("attention_mask")
        texts = input_ids.tolist()
        shown = [[True] * len(text) for text in texts] if mask is None else mask.bool().tolist()
        read = [[token for token, own in zip(*row, strict=True) if own] for row in zip(texts, shown, strict=True)]
        if not all(read):
            raise ValueError(f"input_ids of shape {tuple(input_ids.shape)} has a prompt without tokens")
        most = generation_config.max_length - input_ids.shape[1]
        self.report = decoder.decode(texts, read, law, cut, most)
        width = max(map(len, self.report.tokens))
        filled = [_pad(tokens, width, pad).to(input_ids.device) for tokens in self.report.tokens]
        sequences: Any = torch.cat([input_ids, torch.stack(filled)], dim=1)
        return GenerateDecoderOnlyOutput(sequences) if generation_config.return_dict_in_generate else sequences


def rdk(
    drafter: Any,
    kernel: Kernel | Contextual,
    *,
    length: DraftLength | int = 4,
    verification: Verification = "token",
    seed: int = 0,
    inputs: Any = None,
    implementation: Implementation = "auto",
) -> RDK:
    """A decoding method for ``model.generate(..., custom_generate=...)``.

    Parameters
    ----------
    drafter
        A causal language model of transformers, unpruned: its head is sliced to ``kernel.vocab`` in a copy.
    kernel
        Says which tokens are kept, and where their mass goes: a kernel, or a `Contextual`.
    length, verification, implementation
        As in `generate`.
    seed
        Of the random streams, which go on from one call to the next. The generator of torch is not used.
    inputs
        As in `PrunedDrafter`.

    Raises
    ------
    ValueError
        As `generate`.

    Notes
    -----
    The law of the text is the one of ``model.generate`` with the same arguments, processors of logits and stopping
    criteria included; the latter are given each text alone. The drafter is given the temperature and no other
    processor, which costs acceptance and nothing else. transformers hands neither a `streamer` nor a `tokenizer` to a
    callable.
    """
    check_verification(verification)
    check_implementation(implementation)
    pruned = PrunedDrafter(drafter, kernel.vocab, inputs)
    return RDK(pruned, kernel, as_rule(length), verification, Streams.from_seed(seed), implementation)


class ProcessedLaw:
    """The law of ``model.generate``: logits through its processors, then softmax, or the greatest.

    Its temperature and its cuts are among the processors, and are left to them: which of several equal logits a cut
    leaves is decided as transformers decides it.

    A processor is called as by ``generate``, with as many texts as there are prompts, each in the place of its prompt
    and all of one length. Texts of another length, and those that have ended, are replaced by one of that length in
    such a call, and what it gives for them is not looked at.
    """

    def __init__(self, processors: Any, count: int, sample: bool, temperature: float | None) -> None:
        self.processors, self.count, self.greedy = processors, count, not sample
        self.draft_temperature = float(temperature or 1.0) if sample else 1.0

    def __call__(self, logits: torch.Tensor, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> Scores:
        """Scores in float32."""
        scores = logits.float()
        if self.processors:
            scores = torch.stack(
                [
                    self._process(scores[:, step], rows, texts, step + 1 - scores.shape[1])
                    for step in range(scores.shape[1])
                ],
                dim=1,
            )
        return Scores(scores, 0.0 if self.greedy else 1.0)

    def _process(
        self, scores: torch.Tensor, rows: Sequence[int], texts: Sequence[Sequence[int]], end: int
    ) -> torch.Tensor:
        """Scores ``(n, N)`` of what follows each text without its last ``−end`` tokens."""
        out = torch.empty_like(scores)
        lengths = [len(text) + end for text in texts]
        for length in set(lengths):
            same = [at for at, other in enumerate(lengths) if other == length]
            place = {rows[at]: at for at in same}
            chosen = [place.get(row, same[0]) for row in range(self.count)]
            ids = torch.tensor([texts[at][:length] for at in chosen], device=scores.device)
            processed = self.processors(ids, scores[chosen])
            out[same] = processed[[rows[at] for at in same]]
        return out


def _check(processors: Any, config: Any, model_kwargs: dict[str, Any]) -> None:
    """Raise for what the loop does not do."""
    if (config.num_beams or 1) > 1:
        raise ValueError(f"num_beams must be 1, not {config.num_beams}")
    outputs = ("output_scores", "output_logits", "output_attentions", "output_hidden_states")
    if config.return_dict_in_generate and (asked := [name for name in outputs if getattr(config, name)]):
        raise ValueError(f"{asked[0]} is not supported")
    other = [name for name, value in model_kwargs.items() if name not in _PASSED and value is not None]
    if other:
        raise ValueError(f"{other[0]} is not supported: the models read text alone")
    cache = model_kwargs.get("past_key_values")
    if cache is not None and (type(cache).__name__ != "DynamicCache" or cache.get_seq_length()):
        raise ValueError("past_key_values is not supported: both models keep caches of their own")
    for processor in processors:
        if type(processor).__name__ in _STATEFUL:
            raise ValueError(f"{type(processor).__name__} is not supported: it keeps a state from call to call")


def _pad(tokens: torch.Tensor, width: int, pad: torch.Tensor | None) -> torch.Tensor:
    """A row of this width."""
    value = 0 if pad is None else int(pad)
    return torch.nn.functional.pad(tokens, (0, width - tokens.numel()), value=value)
