"""Speculative decoding with a pruned drafter head and any redistribution kernel, and its plug for transformers."""

from gpu.generation.comparison import compare
from gpu.generation.decoding import generate
from gpu.generation.lengths import AdaptiveLength, DraftLength, FixedLength
from gpu.generation.plug_in import RDK, rdk
from gpu.generation.pruned import PrunedDrafter
from gpu.generation.report import Generated
from gpu.generation.streams import Streams

__all__ = [
    "RDK",
    "AdaptiveLength",
    "DraftLength",
    "FixedLength",
    "Generated",
    "PrunedDrafter",
    "Streams",
    "compare",
    "generate",
    "rdk",
]
