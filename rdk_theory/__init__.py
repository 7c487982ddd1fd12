"""Speculative decoding when the drafter's vocabulary is pruned: what can be said, proved, simulated and measured."""

from rdk_theory.acceptance import acceptance_rate, residual, total_variation
from rdk_theory.distributions import restrict, softmax
from rdk_theory.speed import expected_tokens, speedup
from rdk_theory.verification import verify_block, verify_chain, verify_lazy, verify_lazy_chain, verify_token
from rdk_theory.vocabulary import Vocabulary

__all__ = [
    "Vocabulary",
    "acceptance_rate",
    "expected_tokens",
    "residual",
    "restrict",
    "softmax",
    "speedup",
    "total_variation",
    "verify_block",
    "verify_chain",
    "verify_lazy",
    "verify_lazy_chain",
    "verify_token",
]
