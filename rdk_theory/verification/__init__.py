"""Verification by rejection: a token, a chain, a block; and lazily, without ever forming the proposal.

Every random number is an argument, one array for each purpose, so that two implementations can be held
to each other token for token.
"""

from rdk_theory.verification.block import verify_block
from rdk_theory.verification.chain import Verified, verify_chain
from rdk_theory.verification.lazy import LazyVerified, linear_tries, verify_lazy
from rdk_theory.verification.lazy_chain import LazyChainVerified, verify_lazy_chain
from rdk_theory.verification.token import verify_token

__all__ = [
    "LazyChainVerified",
    "LazyVerified",
    "Verified",
    "linear_tries",
    "verify_block",
    "verify_chain",
    "verify_lazy",
    "verify_lazy_chain",
    "verify_token",
]
