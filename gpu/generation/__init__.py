"""Speculative decoding with a pruned drafter head and any redistribution kernel, and its plug for transformers.

With a pair of one's own, a `model` and a `drafter` that share a tokenizer (`kept`: ids of the tokens to keep; `weight`
and `prior`: from `rdk_theory.fitting.fit_rank_one`, for example)::

    from gpu.generation import rdk
    from rdk_theory import Vocabulary
    from rdk_theory.kernels import RankOne

    vocab = Vocabulary(size=model.config.vocab_size, kept=kept)
    method = rdk(drafter, RankOne(vocab, weight, prior), length=4, verification="block")
    tokens = model.generate(**inputs, custom_generate=method, do_sample=True, max_new_tokens=64)
    print(method.report.acceptance_rate, method.report.block_efficiency, method.report.tokens_per_second)

The text has the law of ``model.generate(**inputs, do_sample=True, max_new_tokens=64)``.

In place of a kernel stands whatever has a `vocab` and gives a kernel for each context by ``at(hidden, kept_logits)``
(`Contextual`): the proposal then follows the drafter's hidden state, and the law of the text is the same. On a CUDA
device drafts and verification are those of `gpu.ops`, unless ``implementation`` says otherwise. `rdk generate` compares
kernels in files with plain and assisted generation.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpu.generation.comparison import compare
    from gpu.generation.contextual import Contextual, FromColdMass
    from gpu.generation.decoding import generate
    from gpu.generation.lengths import AdaptiveLength, DraftLength, FixedLength
    from gpu.generation.plug_in import RDK, rdk
    from gpu.generation.pruned import PrunedDrafter
    from gpu.generation.report import Generated
    from gpu.generation.streams import Streams

__all__ = [
    "RDK",
    "AdaptiveLength",
    "Contextual",
    "DraftLength",
    "FixedLength",
    "FromColdMass",
    "Generated",
    "PrunedDrafter",
    "Streams",
    "compare",
    "generate",
    "rdk",
]

_MODULES = {
    "compare": "comparison",
    "Contextual": "contextual",
    "FromColdMass": "contextual",
    "generate": "decoding",
    "AdaptiveLength": "lengths",
    "DraftLength": "lengths",
    "FixedLength": "lengths",
    "RDK": "plug_in",
    "rdk": "plug_in",
    "PrunedDrafter": "pruned",
    "Generated": "report",
    "Streams": "streams",
}


def __getattr__(name: str) -> Any:
    """Names of the package are imported when they are used: the command's own import stays light."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
